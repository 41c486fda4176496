import { summarize } from '../../base/statistics.js';
import type { WorkWatch } from '../../base/work-watch.js';
import type { Details } from '../../result/details.js';
import type { RequestClass } from '../../result/result.js';
import type { ClassBudget, ClassUse, Passes, Request } from '../../schedule/door.js';
import type { Simulation } from '../compose/simulation.js';
import type { Inputs } from '../inputs/inputs.js';
import type { ClassServed } from '../mechanisms/request-classes.js';
import type { RunPlan } from '../plan/run-plan.js';
import type { PassWatch } from '../serve/serve.js';
import { type Observer, observers } from '../transfer/observer.js';
import { DetailsRecorder } from './details.js';
import { FaultMeter } from './fault-meter.js';
import { Latencies, Samples } from './latency.js';

/** Observers of a run. Progress counts tokens, every few milliseconds of work. */
export interface Watch extends WorkWatch {
  readonly details?: boolean;
  observe?(inputs: Inputs, simulation: Simulation): Observer;
}

/** Meters besides counters: latencies, cost of faults, data of pictures. */
export class Meters implements PassWatch {
  readonly latencies: Latencies;
  /** Null: no classes. */
  readonly classes: ClassMeter | null;
  readonly faults: FaultMeter | null;
  /** Distinct tokens run, without rejected drafts, and generated tokens. */
  tokens = 0;
  decoded = 0;
  readonly #passes: Passes;
  readonly #watch: Watch;
  readonly #total: number;
  readonly #details: DetailsRecorder | null;

  constructor({ inputs, run, serving, workload }: RunPlan, simulation: Simulation, passes: Passes, watch: Watch) {
    const { bounds, engine } = simulation;
    const tiers = inputs.hardware.tiers.slice(1).map(({ name }) => name);
    this.#passes = passes;
    this.#watch = watch;
    this.#total = workload.tokens;
    this.classes = serving.requestClass === null ? null : new ClassMeter();
    this.latencies = new Latencies(bounds, run.workload.slo?.limits, this.classes);
    this.faults = run.faults === undefined ? null : new FaultMeter(run.faults, simulation);
    this.#details = watch.details === true ? new DetailsRecorder(inputs.model, simulation, tiers) : null;
    const guest = watch.observe?.(inputs, simulation);
    const observer = observers([this.#details, guest].filter((observer) => observer != null));
    if (observer !== null) engine.observe(observer);
  }

  started(startNs: number): void {
    this.latencies.started(this.#passes.shares, startNs);
  }

  ended(startNs: number, endNs: number): void {
    const { generated, pass, recomputed, rejected, shares } = this.#passes;
    const tokens = pass.tokens - recomputed - rejected;
    this.latencies.ended(shares, startNs, endNs);
    this.faults?.passed(startNs, endNs, this.latencies.lastPass);
    this.tokens += tokens;
    this.decoded += generated;
  }

  async breathe(): Promise<void> {
    this.#watch.progress?.(this.tokens, this.#total);
    await this.#watch.breathe?.();
  }

  /** Null: not recorded. */
  details(): Details | null {
    return this.#details?.details(this.latencies) ?? null;
  }
}

class Meter {
  readonly ttft = new Samples();
  readonly tpot = new Samples();
  readonly request = new Samples();
  requests = 0;
  met = 0;
  generated = 0;
}

/** Classes of a run, in order of their first finished request. */
export class ClassMeter {
  readonly #classes = new Map<string, Meter>();

  ended(request: Request, endNs: number, met: boolean): void {
    let meter = this.#classes.get(request.requestClass);
    if (meter === undefined) {
      meter = new Meter();
      this.#classes.set(request.requestClass, meter);
    }
    meter.requests++;
    meter.generated += request.decode;
    if (met) meter.met++;
    if (request.prefill > 0) meter.ttft.add(request.firstTokenNs - request.arrivalNs);
    if (request.decode > 0) meter.tpot.add((endNs - request.firstTokenNs) / request.decode);
    meter.request.add(endNs - request.arrivalNs);
  }

  /**
   * @param objectives true: some requests have objectives @param use of classes with budgets @param served by copies
   * and substitutes
   */
  classes(
    objectives: boolean,
    budgets: ReadonlyMap<string, ClassBudget>,
    use: ReadonlyMap<string, ClassUse> | null,
    served: ReadonlyMap<string, ClassServed> | null,
  ): readonly RequestClass[] | null {
    if ([...this.#classes.keys()].every((name) => name === '')) return null;
    return [...this.#classes]
      .sort(([a], [b]) => (a < b ? -1 : 1))
      .map(([name, meter]): RequestClass => {
        const ofClass = use?.get(name);
        const { activations, degraded } = served?.get(name) ?? { activations: 0, degraded: 0 };
        return {
          name,
          requests: meter.requests,
          generated: meter.generated,
          ttftNs: summaryOf(meter.ttft),
          tpotNs: summaryOf(meter.tpot),
          requestNs: summaryOf(meter.request),
          attained: objectives ? meter.met / meter.requests : null,
          budget: budgets.get(name)?.text ?? null,
          choicesLost: ofClass === undefined || ofClass.wanted === 0 ? 0 : 1 - ofClass.made / ofClass.wanted,
          weightLost: ofClass === undefined || ofClass.wantedWeight === 0 ? null : 1 - ofClass.madeWeight / ofClass.wantedWeight,
          ...(activations > 0 && { degraded: degraded / activations }),
        };
      });
  }
}

const summaryOf = (samples: Samples): RequestClass['requestNs'] => (samples.values().length === 0 ? null : summarize(samples.values()));
