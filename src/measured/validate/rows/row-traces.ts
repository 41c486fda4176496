import { remembered } from '../../../base/objects.js';
import { checkValue } from '../../../base/yaml.js';
import type { ModelSpec } from '../../../model/door.js';
import { routingProfileSchema } from '../../../trace/generate/routing-profile.js';
import { synthesize } from '../../../trace/generate/synthetic.js';
import type { RoutingTrace } from '../../../trace/trace.js';
import type { Measurement } from './measurement.js';
import { type WalkLength, walkedTokens } from './phases.js';
import { routingOfRow } from './row-model.js';

/** Tokens that popularity is counted on: the default of `system.cache.popularity`. */
const COUNTED = 1000;
/** Requests that these tokens belong to. Ours, chosen on rows of placements by frequency: that many text domains are counted, of which the row's is one. */
const COUNTED_REQUESTS = 24;
const SEED = 1;

/** Synthetic routing shared by rows of one model, drawn once. Static placements count its first tokens, which no row replays. */
export class RowTraces {
  readonly #drawn = new Map<string, RoutingTrace>();
  readonly #longest = new Map<string, number>();

  /** @param rows all that will need routing */
  constructor(rows: readonly Measurement[]) {
    for (const row of rows) {
      const key = routingKeyOf(row);
      this.#longest.set(key, Math.max(this.#longest.get(key) ?? 0, walkedTokens(row)));
    }
  }

  /** Requests of `prompt` and `output` tokens each, one a user, after the tokens that popularity is counted on. */
  of(row: Measurement, model: ModelSpec, { output, prompt, users }: WalkLength): RoutingTrace {
    const all = this.#whole(row, model);
    const length = prompt + output;
    const requests = Array.from({ length: users }, (_, id) => ({ id, start: COUNTED + id * length, prefill: prompt, decode: output }));
    const part = { tokens: COUNTED + users * length, requests, sha256: () => `${model.name}: ${users} x ${prompt}+${output}` };
    return { ...all, ...part, read: all.read.bind(all), close: () => undefined };
  }

  #whole(row: Measurement, model: ModelSpec): RoutingTrace {
    const key = routingKeyOf(row);
    return remembered(this.#drawn, key, () => {
      const routing = routingOfRow(row);
      const profile = routing === null ? undefined : checkValue(routing, `model ${model.name}: routing`, routingProfileSchema);
      const requests = [...countedRequests(), { prefill: this.#longest.get(key)!, decode: 0 }];
      return synthesize(model, { seed: SEED, requests, profile });
    });
  }
}

function countedRequests(): { readonly prefill: number; readonly decode: number }[] {
  const start = (request: number): number => Math.floor((request * COUNTED) / COUNTED_REQUESTS);
  return Array.from({ length: COUNTED_REQUESTS }, (_, request) => ({ prefill: start(request + 1) - start(request), decode: 0 }));
}

/** Rows of one key share their routing: it depends on layers, experts and top-k. */
export const routingKeyOf = ({ model, run }: Measurement): string => `${model.name}/${run.active_experts ?? 'all'}`;
