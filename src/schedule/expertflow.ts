import type { ParameterTable, ValuesOf } from '../base/parameters.js';
import type { MetricName } from '../result/metrics.js';
import { balancedMedoids, evenSizes, hammingDistances } from './balanced-medoids.js';
import { loadsBeyondCache, PATHS, type PathSource, type PathView } from './paths.js';
import { POOL_PARAMETERS, poolFairness, poolSize } from './pool.js';
import { passSize, QueueScheduler, type ShareList } from './queue-scheduler.js';
import type { Request } from './request.js';
import { type SchedulerContext, type SchedulerLimits, type Share, scheduler } from './scheduler.js';

const PARAMETERS = {
  batches: POOL_PARAMETERS.batches,
  maxWait: { ...POOL_PARAMETERS.maxWait, default: 64 },
  paths: { ...PATHS, default: 'predicted' },
  regroup: {
    default: 'auto',
    values: ['auto', 'always'],
    description: 'auto: only where loading the experts that it saves takes longer than moving KV caches, and maxDelay is kept',
  },
  mergeKv: { default: true, description: 'off: KV caches are paged, and a request changes its batch for nothing' },
  maxDelay: { default: 0.1, description: 'largest share of a round that moving KV caches may add (regroup=auto)', min: 0 },
  group: { default: true, description: 'off: the same pool in order of arrival, to compare with' },
  wordNs: { default: 1, description: 'modelled time of comparing 32 experts of two paths, ns', min: 0 },
  overlap: {
    default: true,
    description: 'a round is composed while the passes before it run, and is late only as far as it takes longer',
  },
} as const satisfies ParameterTable;

type Values = ValuesOf<typeof PARAMETERS>;

class ExpertFlowScheduler extends QueueScheduler {
  costNs = 0;
  readonly #running: number;
  readonly #context: SchedulerContext;
  readonly #view: PathView;
  readonly #source: PathSource;
  readonly #parameters: Values;
  #places = new Map<Request, number>();
  /** Start of the round, ns; decode steps of rounds, and wait for earlier batches, ns. */
  #roundNs = 0;
  #steps = 0;
  #waitedNs = 0;
  #rounds = 0;
  #regrouped = 0;
  #mergeNs = 0;
  /** Expected and actual savings of regrouping over all rounds, loads. */
  #expected = 0;
  #saved = 0;
  /** Limit and number of prompt passes in a row while a request decodes. */
  readonly #mostPrompts: number;
  #prompts = 0;
  readonly #round: Request[][] = [];
  /** Start of the running pass, ns; time of passes since the last composition, ns. */
  #passStartNs = 0;
  #hiddenNs = 0;
  #loads = 0;
  #loadsInOrder = 0;

  constructor(limits: SchedulerLimits, parameters: Values, context: SchedulerContext) {
    super(limits, context);
    this.#running = requestsOf(limits, parameters);
    this.#mostPrompts = Math.max(1, parameters.maxWait - 2 * (parameters.batches - 1));
    this.#context = context;
    this.#view = context.paths!;
    this.#source = parameters.paths;
    this.#parameters = parameters;
  }

  protected compose(list: ShareList, nowNs: number): void {
    this.costNs = 0;
    const inRound = this.#round.length > 0;
    this.#fill(list);
    this.#passStartNs = nowNs + this.costNs;
    const decodes = list.shares.filter(({ request }) => !request.inPrefill).length;
    if (decodes === 0) return;
    if (!inRound) this.#roundNs = this.#passStartNs;
    this.#steps += decodes;
    this.#waitedNs += decodes * (this.#passStartNs - this.#roundNs);
  }

  override finished(shares: readonly Share[], nowNs: number): void {
    super.finished(shares, nowNs);
    this.#hiddenNs += nowNs - this.#passStartNs;
  }

  #fill(list: ShareList): void {
    const { running } = this.queue;
    // Remaining requests of a round may all have been preempted for KV room.
    while (list.shares.length === 0) {
      if (this.#round.length === 0) {
        this.queue.admit(this.#running);
        const decoding = running.filter(({ inPrefill }) => !inPrefill);
        if (decoding.length === 0 || this.#prompts < this.#mostPrompts) list.prompts(running, this.batch);
        if (list.shares.length > 0) this.#prompts++;
        if (list.shares.length > 0 || decoding.length === 0) return;
        this.#prompts = 0;
        this.#composeRound(decoding);
      }
      list.decodes(this.#round.pop()!);
    }
  }

  metrics(): Readonly<Record<string, number>> {
    return {
      'schedule.loads': this.#loads,
      'schedule.loads_in_order': this.#loadsInOrder,
      'schedule.regrouped': this.#rounds === 0 ? 0 : this.#regrouped / this.#rounds,
      'schedule.merge_time': this.#mergeNs,
      'schedule.batch_wait': this.#steps === 0 ? 0 : this.#waitedNs / this.#steps,
    } satisfies Partial<Record<MetricName, number>>;
  }

  #composeRound(pool: readonly Request[]): void {
    const count = pool.length;
    const clusters = Math.ceil(count / this.batch);
    const inOrder: Request[][] = [];
    let taken = 0;
    for (const size of evenSizes(count, clusters)) inOrder.push(pool.slice(taken, (taken += size)));
    const batches = clusters > 1 && this.#parameters.group ? this.#regroup(pool, inOrder) : inOrder;
    this.#hiddenNs = 0;
    this.#rounds++;
    const loadsInOrder = this.#merit(inOrder);
    this.#loads += batches === inOrder ? loadsInOrder : this.#merit(batches);
    this.#loadsInOrder += loadsInOrder;
    this.#round.push(...batches.toReversed());
  }

  /** Batches of similar paths if regrouping pays, else standing batches. */
  #regroup(pool: readonly Request[], inOrder: readonly Request[][]): readonly Request[][] {
    const { maxDelay, overlap, regroup, wordNs } = this.#parameters;
    const view = this.#view;
    const { words } = view;
    const count = pool.length;
    const paths = new Int32Array(count * words);
    for (let i = 0; i < count; i++) view.path(pool[i]!, this.#source, paths, i * words);
    const labels = balancedMedoids(hammingDistances(paths, count, words), count, inOrder.length, this.#context.random);
    const standing = this.#standing(pool, inOrder);
    const grouped = nearest(
      inOrder.map((_, cluster) => pool.filter((_, i) => labels[i] === cluster)),
      this.#places,
    );
    const forecastNs = this.#source === 'predicted' ? count * (view.forecast?.costNs ?? 0) : 0;
    const workNs = ((count * (count - 1)) / 2) * words * wordNs + forecastNs;
    const mergeNs = this.#moveNs(grouped);
    const passNs = this.#hiddenNs;
    // Dual-batch pipeline: composition overlaps the passes since the last round.
    this.costNs += overlap ? Math.max(0, workNs - passNs) : workNs;
    const path = new Map(pool.map((request, i) => [request, paths.subarray(i * words, (i + 1) * words)]));
    const pathOf = (request: Request): Int32Array => path.get(request)!;
    const expected = this.#loadsOf(standing, pathOf) - this.#loadsOf(grouped, pathOf);
    const savedNs = this.#trust() * expected * (this.#context.moves?.loadNs ?? 1);
    this.#expected += expected;
    this.#saved += this.#merit(standing) - this.#merit(grouped);
    const pays = savedNs > mergeNs && (passNs === 0 || mergeNs <= maxDelay * passNs);
    const batches = regroup === 'always' || pays ? grouped : standing;
    if (batches === grouped) {
      this.#regrouped++;
      this.#mergeNs += mergeNs;
      this.costNs += mergeNs;
    }
    this.#places = new Map(batches.flatMap((batch, place) => batch.map((request) => [request, place] as const)));
    return batches;
  }

  /** Actual over expected savings so far; 1 before the first round. */
  #trust(): number {
    return this.#expected > 0 ? Math.min(1, Math.max(0, this.#saved / this.#expected)) : 1;
  }

  /** Batches of the last round, filled up with new requests; in order if some batch is empty. */
  #standing(pool: readonly Request[], inOrder: readonly Request[][]): readonly Request[][] {
    if (this.#places.size === 0) return inOrder;
    const batches: Request[][] = inOrder.map(() => []);
    const left: Request[] = [];
    for (const request of pool) {
      const batch = batches[this.#places.get(request) ?? -1];
      if (batch === undefined || batch.length >= this.batch) left.push(request);
      else batch.push(request);
    }
    for (const request of left) batches.reduce((least, batch) => (batch.length < least.length ? batch : least)).push(request);
    return batches.some((batch) => batch.length === 0) ? inOrder : batches;
  }

  #moveNs(batches: readonly Request[][]): number {
    const { moves } = this.#context;
    if (!this.#parameters.mergeKv || moves === undefined) return 0;
    let tokens = 0;
    for (const [place, batch] of batches.entries()) {
      for (const request of batch) {
        const before = this.#places.get(request);
        if (before !== undefined && before !== place) tokens += moves.context + request.done;
      }
    }
    return tokens * moves.kvTokenNs;
  }

  /** Sum over batches and layers of max(0, distinct experts - cache size). */
  #loadsOf(batches: readonly (readonly Request[])[], pathOf: (request: Request) => Int32Array): number {
    let loads = 0;
    for (const batch of batches) {
      const union = new Int32Array(this.#view.words);
      for (const request of batch) {
        const path = pathOf(request);
        for (let w = 0; w < union.length; w++) union[w]! |= path[w]!;
      }
      loads += loadsBeyondCache(this.#view, union);
    }
    return loads;
  }

  #merit(batches: readonly (readonly Request[])[]): number {
    const path = new Int32Array(this.#view.words);
    return this.#loadsOf(batches, (request) => {
      this.#view.path(request, 'next', path, 0);
      return path;
    });
  }
}

/** Orders batches to move few requests: largest overlaps first. */
function nearest(batches: readonly Request[][], places: ReadonlyMap<Request, number>): readonly Request[][] {
  const overlaps = batches.flatMap((batch, from) =>
    batches.map((_, to) => ({ from, to, stay: batch.filter((request) => places.get(request) === to).length })),
  );
  const ordered: Request[][] = new Array(batches.length);
  const placed = new Set<number>();
  for (const { from, to } of overlaps.toSorted((a, b) => b.stay - a.stay)) {
    if (placed.has(from) || ordered[to] !== undefined) continue;
    ordered[to] = batches[from]!;
    placed.add(from);
  }
  return ordered;
}

/** Passes of a single request cannot be regrouped: two in turn would evict each other's experts. */
const requestsOf = (limits: SchedulerLimits, parameters: Values): number => (passSize(limits) === 1 ? 1 : poolSize(limits, parameters));

/** ExpertFlow's token scheduler: groups a pool's next tokens by predicted paths. */
export const expertflow = scheduler({
  name: 'expertflow',
  summary: 'groups the next tokens of a pool of batches by predicted path (balanced K-medoids on Hamming similarity)',
  cites: 'ExpertFlow, arXiv 2410.17954 (DAC 2026), token scheduler',
  parameters: PARAMETERS,
  needs: ['paths'],
  fairness: poolFairness,
  running: requestsOf,
  create: (limits, parameters, context) => new ExpertFlowScheduler(limits, parameters, context),
});
