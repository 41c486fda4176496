// What faults cost: the figures of the passes before, during and after each, and of those with and without any.
import { sum } from '../../base/statistics.js';
import { formatRatio, formatTokensPerSecond } from '../../base/units.js';
import type { Warning } from '../../result/result.js';
import { describeFault, type Fault, isInEffect } from '../../system/faults.js';
import type { Recorder } from '../event/recorder.js';
import type { Simulation } from '../simulation.js';

/** Sums over passes. A pass counts where it began. */
class Window {
  passes = 0;
  ns = 0;
  tokens = 0;
  stallNs = 0;
  hits = 0;
  demanded = 0;

  add(pass: Readonly<Pick<Window, 'ns' | 'tokens' | 'stallNs' | 'hits' | 'demanded'>>): void {
    this.passes++;
    this.ns += pass.ns;
    this.tokens += pass.tokens;
    this.stallNs += pass.stallNs;
    this.hits += pass.hits;
    this.demanded += pass.demanded;
  }

  /** Tokens per second, hits per demanded expert, stall per time. */
  get throughput(): number {
    return (this.tokens * 1e9) / this.ns;
  }

  get hitRate(): number {
    return this.hits / this.demanded;
  }

  get stallShare(): number {
    return this.stallNs / this.ns;
  }
}

/** Measures the passes of a run with faults. */
export class FaultMeter {
  readonly #faults: readonly Fault[];
  readonly #recorder: Recorder;
  readonly #gpus: number;
  readonly #with = new Window();
  readonly #without = new Window();
  /** Of each fault: during it, and before and after it while none was in effect. */
  readonly #around: readonly (readonly [Window, Window, Window])[];
  /** What had been counted when the last pass ended. */
  #before = { stallNs: 0, hits: 0, demanded: 0 };

  constructor(faults: readonly Fault[], { gpus, recorder }: Pick<Simulation, 'gpus' | 'recorder'>) {
    this.#faults = faults;
    this.#recorder = recorder;
    this.#gpus = gpus.length;
    this.#around = faults.map(() => [new Window(), new Window(), new Window()] as const);
  }

  /** A pass of `tokens` tokens has run. */
  passed(startNs: number, endNs: number, tokens: number): void {
    const { layers, phases } = this.#recorder;
    const [prefill, decode] = phases;
    const counted = {
      stallNs: sum(layers.stallNs) / this.#gpus,
      hits: prefill.hits + decode.hits,
      demanded: prefill.demanded + decode.demanded,
    };
    const pass = {
      ns: endNs - startNs,
      tokens,
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

  /** By name of the catalogue; NaN where there was no such pass. */
  metrics(): Readonly<Record<string, number>> {
    return {
      'fault.time': this.#with.ns,
      'fault.throughput': this.#with.throughput,
      'fault.throughput_without': this.#without.throughput,
      'fault.hit_rate': this.#with.hitRate,
      'fault.hit_rate_without': this.#without.hitRate,
      'fault.stall': this.#with.stallShare,
      'fault.stall_without': this.#without.stallShare,
    };
  }

  /** One sentence a fault: what it was, and what changed. */
  warnings(): Warning[] {
    return this.#faults.map((fault, i) => {
      const [before, during, after] = this.#around[i]!;
      if (during.passes === 0) {
        return {
          code: 'fault-missed',
          message: `The run has no pass that began with ${describeFault(fault, this.#gpus)}: it changed nothing.`,
        };
      }
      const windows = [
        [before, 'before'],
        [during, 'during'],
        [after, 'after'],
      ] as const;
      const figures = (of: (window: Window) => string): string =>
        windows
          .filter(([{ passes }]) => passes > 0)
          .map(([window, when]) => `${of(window)} ${when}`)
          .join(', ');
      return {
        code: 'degraded',
        message:
          `The run had ${describeFault(fault, this.#gpus)}. Throughput: ${figures((one) => formatTokensPerSecond(one.throughput))}; ` +
          `hit rate: ${figures((one) => formatRatio(one.hitRate))}; stall: ${figures((one) => formatRatio(one.stallShare))}.`,
      };
    });
  }
}
