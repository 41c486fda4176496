import { formatRatio, formatTokensPerSecond } from '../../base/units.js';
import type { MetricName } from '../../result/metrics.js';
import type { Warning } from '../../result/result.js';
import { describeFault, type Fault, isInEffect } from '../../system/door.js';
import type { Simulation } from '../compose/simulation.js';
import type { Recorder } from '../vocabulary/recorder.js';
import { PhaseSpeeds } from './latency.js';

class Window {
  readonly speeds = new PhaseSpeeds();
  passes = 0;
  ns = 0;
  stallNs = 0;
  hits = 0;
  demanded = 0;

  add(pass: Readonly<Pick<Window, 'ns' | 'speeds' | 'stallNs' | 'hits' | 'demanded'>>): void {
    this.passes++;
    this.ns += pass.ns;
    this.speeds.add(pass.speeds);
    this.stallNs += pass.stallNs;
    this.hits += pass.hits;
    this.demanded += pass.demanded;
  }

  get hitRate(): number {
    return this.hits / this.demanded;
  }

  get stallShare(): number {
    return this.stallNs / this.ns;
  }
}

/** Figures of passes before, during and after each fault, and with and without faults. */
export class FaultMeter {
  readonly #faults: readonly Fault[];
  readonly #recorder: Recorder;
  readonly #gpus: number;
  readonly #with = new Window();
  readonly #without = new Window();
  /** By fault: windows during, and fault-free before and after. */
  readonly #around: readonly (readonly [Window, Window, Window])[];
  #before = { stallNs: 0, hits: 0, demanded: 0 };

  constructor(faults: readonly Fault[], { gpus, recorder }: Pick<Simulation, 'gpus' | 'recorder'>) {
    this.#faults = faults;
    this.#recorder = recorder;
    this.#gpus = gpus.length;
    this.#around = faults.map(() => [new Window(), new Window(), new Window()] as const);
  }

  /** @param speeds tokens of the pass, with their requests' time */
  passed(startNs: number, endNs: number, speeds: PhaseSpeeds): void {
    const [prefill, decode] = this.#recorder.phases;
    const counted = {
      stallNs: (prefill.stallNs + decode.stallNs) / this.#gpus,
      hits: prefill.hits + decode.hits,
      demanded: prefill.demanded + decode.demanded,
    };
    const pass = {
      ns: endNs - startNs,
      speeds,
      stallNs: counted.stallNs - this.#before.stallNs,
      hits: counted.hits - this.#before.hits,
      demanded: counted.demanded - this.#before.demanded,
    };
    this.#before = counted;
    const struck = this.#faults.some((fault) => isInEffect(fault, startNs));
    for (const [i, fault] of this.#faults.entries()) {
      const [before, during, after] = this.#around[i]!;
      if (isInEffect(fault, startNs)) during.add(pass);
      else if (!struck) (startNs < fault.at ? before : after).add(pass);
    }
    (struck ? this.#with : this.#without).add(pass);
  }

  /** Metrics by catalogue name; NaN or null without matching passes. */
  metrics(): Partial<Record<MetricName, number | null>> {
    return {
      'fault.time': this.#with.ns,
      'fault.decode': this.#with.speeds.decode,
      'fault.decode_without': this.#without.speeds.decode,
      'fault.prefill': this.#with.speeds.prefill,
      'fault.prefill_without': this.#without.speeds.prefill,
      'fault.hit_rate': this.#with.hitRate,
      'fault.hit_rate_without': this.#without.hitRate,
      'fault.stall': this.#with.stallShare,
      'fault.stall_without': this.#without.stallShare,
    };
  }

  warnings(): Warning[] {
    return this.#faults.map((fault, i) => {
      const [before, during, after] = this.#around[i]!;
      if (during.passes === 0)
        return {
          code: 'fault-missed',
          message: `The run has no pass that began with ${describeFault(fault, this.#gpus)}: it changed nothing.`,
        };
      const windows = [
        [before, 'before'],
        [during, 'during'],
        [after, 'after'],
      ] as const;
      const used = windows.filter(([{ passes }]) => passes > 0);
      const figures = (what: string, of: (window: Window) => number | null, format: (value: number) => string): string => {
        const parts = used.flatMap(([window, when]) => {
          const value = of(window);
          return value === null ? [] : [`${format(value)} ${when}`];
        });
        return parts.length === 0 ? '' : `${what}: ${parts.join(', ')}`;
      };
      const parts = [
        figures('decode', ({ speeds }) => speeds.decode, formatTokensPerSecond),
        figures('prefill', ({ speeds }) => speeds.prefill, formatTokensPerSecond),
        figures('hit rate', ({ hitRate }) => hitRate, formatRatio),
        figures('stall', ({ stallShare }) => stallShare, formatRatio),
      ];
      const text = parts.filter((part) => part !== '').join('; ');
      const sentence = `${text[0]!.toUpperCase()}${text.slice(1)}.`;
      return { code: 'degraded', message: `The run had ${describeFault(fault, this.#gpus)}. ${sentence}` };
    });
  }
}
