// Hit rates of published curves by synthetic routing: the workload of a row, drawn from a profile, and LRU over all of its sizes in one pass.
import { Random } from '../../../src/base/random.js';
import type { HitRow } from '../../../src/measured/validate/rows/hit-row.js';
import type { ModelSpec } from '../../../src/model/spec.js';
import { RoutingProcess } from '../../../src/trace/generate/routing-process.js';
import { type RoutingProfile, routingProfile } from '../../../src/trace/generate/routing-profile.js';
import { synthesize } from '../../../src/trace/generate/synthetic.js';
import { openConsistency } from '../../../src/trace/stats/consistency.js';
import { chunks } from '../../../src/trace/trace.js';
import { modelOf } from '../../trace/builders.js';

/** Layers that are drawn: those of a model differ little beyond the ends, which are ramps over this many as well. */
const LAYERS = 8;
/** Tokens that are drawn at least, and of one request at most. */
const LEAST = 1024;
const MOST = 2048;

/** A model of a row's shape. @param used experts a token; absent: as trained */
function modelOfRow({ shape }: HitRow, used = shape.top_k): ModelSpec {
  return modelOf(Array.from({ length: LAYERS }, () => ({ experts: shape.experts, topK: used })));
}

/** Hit rates by size, in keys, of workloads that were drawn before: rows of one workload share them. */
const DRAWN = new Map<string, Float64Array>();

/**
 * Predicted hit rates of LRU at the sizes of a row, each request from an empty cache, an event a token: a choice hits if fewer keys were used
 * since its last use than there are places.
 */
export function predictedHits(row: HitRow, profile: Partial<RoutingProfile>, seed = 1): number[] {
  const workload = JSON.stringify([
    row.shape.experts,
    row.shape.top_k,
    row.scope,
    row.tokens,
    row.prompt,
    row.used,
    row.free,
    profile,
    seed,
  ]);
  const upTo = DRAWN.get(workload) ?? hitsBySize(row, profile, seed);
  DRAWN.set(workload, upTo);
  return row.curve.map(([share]) => {
    const at = share * upTo.length;
    const below = Math.min(Math.floor(at), upTo.length - 1);
    const before = below === 0 ? 0 : upTo[below - 1]!;
    return before + (at - below) * (upTo[below]! - before);
  });
}

function hitsBySize(row: HitRow, profile: Partial<RoutingProfile>, seed: number): Float64Array {
  const tokens = Math.min(row.tokens ?? MOST, MOST);
  // Where no length is stated, the figures are those of a cache that is full.
  const prompt = row.prompt ?? (row.tokens === undefined ? MOST - LEAST : 0);
  const { experts } = row.shape;
  const process = new RoutingProcess(modelOfRow(row, row.used), routingProfile(modelOfRow(row), profile), seed);
  const { topK } = process;
  const groups = row.scope === 'layer' ? LAYERS : 1;
  const keys = (experts * LAYERS) / groups;
  const width = (LAYERS * topK) / groups;
  const hits = new Float64Array(keys);
  const ids = new Uint16Array(LAYERS * topK);
  const random = new Random(seed, 'ranks');
  let choices = 0;
  for (let request = 0; request < Math.ceil(LEAST / tokens); request++) {
    process.begin();
    const stacks = Array.from({ length: groups }, () => new Recency(keys, tokens));
    for (let token = 0; token < tokens; token++) {
      process.next(ids, 0);
      // In one group, keys are experts of all layers.
      if (groups === 1) for (let i = topK; i < ids.length; i++) ids[i]! += Math.floor(i / topK) * experts;
      stacks.forEach((stack, group) => {
        const used = ids.subarray(group * width, (group + 1) * width);
        for (const key of token < prompt ? [] : used) {
          choices++;
          const rank = stack.rank(key, random.next(), row.free === 'hit');
          if (rank !== null) hits[rank]!++;
        }
        stack.touch(used, token);
      });
    }
  }
  let sum = 0;
  return hits.map((count) => (sum += count) / choices);
}

/** Keys by the token of their last use: a Fenwick tree over tokens. */
class Recency {
  readonly #last: Int32Array;
  readonly #tree: Int32Array;
  readonly #of: Int32Array;
  #all = 0;

  constructor(keys: number, tokens: number) {
    this.#last = new Int32Array(keys).fill(-1);
    this.#tree = new Int32Array(tokens + 1);
    this.#of = new Int32Array(tokens);
  }

  /** Keys used later than a key, those of the same token in any order; null: it is new. @param free a new key that fills a free place counts as held */
  rank(key: number, within: number, free: boolean): number | null {
    const token = this.#last[key]!;
    if (token < 0) return free ? this.#all : null;
    let upTo = 0;
    for (let at = token + 1; at > 0; at -= at & -at) upTo += this.#tree[at]!;
    return this.#all - upTo + Math.floor(within * this.#of[token]!);
  }

  /** The keys of a token. */
  touch(keys: Uint16Array, token: number): void {
    for (const key of keys) {
      const before = this.#last[key]!;
      if (before < 0) this.#all++;
      else this.#add(before, -1);
      this.#last[key] = token;
      this.#add(token, 1);
    }
  }

  #add(token: number, count: number): void {
    this.#of[token]! += count;
    for (let at = token + 1; at < this.#tree.length; at += at & -at) this.#tree[at]! += count;
  }
}

/** Segment routing consistency of a row's shape by a profile, 0 to 1. */
export function predictedConsistency(row: HitRow, profile: Partial<RoutingProfile>): number {
  const trace = synthesize(modelOfRow(row), { seed: 1, requests: new Array(2).fill({ prefill: 0, decode: 512 }), profile });
  const consistency = openConsistency(trace);
  for (const chunk of chunks(trace)) consistency.rows(chunk);
  return consistency.result().all!;
}
