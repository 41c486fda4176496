import { UserError } from '../../../base/errors.js';
import { sum } from '../../../base/statistics.js';
import { formatCount } from '../../../base/units.js';
import { checkValue } from '../../../base/yaml.js';
import type { ModelSpec } from '../../../model/door.js';
import { routingProfileSchema } from '../../../trace/generate/routing-profile.js';
import { synthesize } from '../../../trace/generate/synthetic.js';
import type { RoutingTrace } from '../../../trace/trace.js';
import type { Measurement } from './measurement.js';
import type { WalkLength } from './phases.js';
import { routingOfRow } from './row-model.js';

/** Tokens to count popularity: default of `system.cache.popularity`. */
const COUNTED = 1000;
/** Requests of the counted tokens. Ours, from rows of placements by frequency: as many text domains are counted. */
const COUNTED_REQUESTS = 24;
const SEED = 1;
/**
 * Most expert choices of a row: 256 MiB of routing, drawn in about 20 s. Ours; 512 users of kimi-k2 choose 79 million.
 */
const MOST_CHOICES = 2 ** 27;

/** Shared by rows of a model; shorter routing is a prefix. Static placements count first tokens, never replayed. */
export class RowTraces {
  readonly #drawn = new Map<string, RoutingTrace>();

  /** A request per user, after the counted tokens. */
  of(row: Measurement, model: ModelSpec, { output, prompt, users }: WalkLength): RoutingTrace {
    const length = prompt + output;
    const all = this.#whole(row, model, users * length);
    const requests = Array.from({ length: users }, (_, id) => ({ id, start: COUNTED + id * length, prefill: prompt, decode: output }));
    const part = { tokens: COUNTED + users * length, requests, sha256: () => `${model.name}: ${users} x ${prompt}+${output}` };
    return { ...all, ...part, read: all.read.bind(all), close: () => undefined };
  }

  /** @throws UserError if a row exceeds {@link MOST_CHOICES} */
  #whole(row: Measurement, model: ModelSpec, tokens: number): RoutingTrace {
    const key = routingKeyOf(row);
    const drawn = this.#drawn.get(key);
    if (drawn !== undefined && COUNTED + tokens <= drawn.tokens) return drawn;
    const most = Math.floor(MOST_CHOICES / sum(model.layers.map(({ topK }) => topK)));
    if (tokens > most) throw new UserError(`it walks ${formatCount(tokens)} tokens, and at most ${formatCount(most)} are drawn`);
    // Doubled, to avoid many small extensions.
    const wanted = Math.max(tokens, 2 * (drawn?.tokens ?? COUNTED));
    const routing = routingOfRow(row);
    const profile = routing === null ? undefined : checkValue(routing, `model ${model.name}: routing`, routingProfileSchema);
    const requests = [...countedRequests(), { prefill: Math.min(wanted, most), decode: 0 }];
    const whole = synthesize(model, { seed: SEED, requests, profile });
    this.#drawn.set(key, whole);
    return whole;
  }
}

function countedRequests(): { readonly prefill: number; readonly decode: number }[] {
  const start = (request: number): number => Math.floor((request * COUNTED) / COUNTED_REQUESTS);
  return Array.from({ length: COUNTED_REQUESTS }, (_, request) => ({ prefill: start(request + 1) - start(request), decode: 0 }));
}

/** Key of shared routing; a name alone does not suffice for an unbundled model. */
export const routingKeyOf = ({ model, run }: Measurement): string => JSON.stringify([model.name, model.shape, run.active_experts]);
