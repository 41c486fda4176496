// Synthetic routing that rows of one model share: drawn once, walked by each as far as it needs. Static placements count popularity on
// its first tokens, which no row replays.
import { checkValue } from '../../base/yaml.js';
import type { ModelSpec } from '../../model/spec.js';
import { routingProfileSchema } from '../../trace/routing-profile.js';
import { synthesize } from '../../trace/synthetic.js';
import type { RoutingTrace } from '../../trace/trace.js';
import type { Measurement } from './measurement.js';
import { type WalkLength, walkedTokens } from './phases.js';
import { routingOfRow } from './row-model.js';

/** Tokens that popularity is counted on: the default of `system.cache.popularity`. */
const COUNTED = 1000;
const SEED = 1;

/** Routing by model. */
export class RowTraces {
  readonly #drawn = new Map<string, RoutingTrace>();
  readonly #longest = new Map<string, number>();

  /** @param rows all that will ask */
  constructor(rows: readonly Measurement[]) {
    for (const row of rows) {
      const key = routingKeyOf(row);
      this.#longest.set(key, Math.max(this.#longest.get(key) ?? 0, walkedTokens(row)));
    }
  }

  /** Requests of `prompt` and `output` tokens each, one a user, behind the tokens that popularity is counted on. */
  of(row: Measurement, model: ModelSpec, { output, prompt, users }: WalkLength): RoutingTrace {
    const all = this.#whole(row, model);
    const length = prompt + output;
    const requests = Array.from({ length: users }, (_, id) => ({ id, start: COUNTED + id * length, prefill: prompt, decode: output }));
    const part = { tokens: COUNTED + users * length, requests, sha256: () => `${model.name}: ${users} x ${prompt}+${output}` };
    return { ...all, ...part, read: all.read.bind(all), close: () => undefined };
  }

  #whole(row: Measurement, model: ModelSpec): RoutingTrace {
    const key = routingKeyOf(row);
    const known = this.#drawn.get(key);
    if (known !== undefined) return known;
    const routing = routingOfRow(row);
    const profile = routing === null ? undefined : checkValue(routing, `model ${model.name}: routing`, routingProfileSchema);
    const trace = synthesize(model, { seed: SEED, requests: [{ prefill: COUNTED + this.#longest.get(key)!, decode: 0 }], profile });
    this.#drawn.set(key, trace);
    return trace;
  }
}

/** Rows of one key share their routing: it depends on layers, experts and top-k. */
export function routingKeyOf({ model, run }: Measurement): string {
  return `${model.name}/${run.active_experts ?? 'all'}`;
}
