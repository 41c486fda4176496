// Latencies of requests by class, to see the gain of a smaller budget.
import { summarize } from '../../base/statistics.js';
import type { RequestClass } from '../../result/result.js';
import type { ClassBudget, ClassUse, Request } from '../../schedule/door.js';
import type { ClassServed } from '../vocabulary/class-precision.js';
import { Samples } from './latency.js';

class Meter {
  readonly ttft = new Samples();
  readonly tpot = new Samples();
  readonly request = new Samples();
  requests = 0;
  met = 0;
  generated = 0;
}

/** All classes of a run, in the order in which their first requests ended. */
export class ClassMeter {
  readonly #classes = new Map<string, Meter>();

  /** A request has ended. @param met it kept its objective */
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

  /** The classes, by name. @param objectives some requests have them @param use of classes with budgets @param served by copies and others */
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
        const own = use?.get(name);
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
          choicesLost: own === undefined || own.wanted === 0 ? 0 : 1 - own.made / own.wanted,
          weightLost: own === undefined || own.wantedWeight === 0 ? null : 1 - own.madeWeight / own.wantedWeight,
          ...(activations > 0 && { degraded: degraded / activations }),
        };
      });
  }
}

const summaryOf = (samples: Samples): RequestClass['requestNs'] => (samples.values().length === 0 ? null : summarize(samples.values()));
