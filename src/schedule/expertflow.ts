// ExpertFlow's token scheduler: the next tokens of a pool of several batches are grouped by their predicted paths, so that the tokens of
// one pass share experts. Prompts run first, in passes of their own; every request of the pool then decodes one token a round.
import type { Parameters } from '../base/parameters.js';
import { balancedMedoids, evenSizes, hammingDistances } from './balanced-medoids.js';
import { loadsBeyondCache, PATHS, type PathSource, type PathView } from './paths.js';
import { POOL_PARAMETERS, poolFairness, poolSize } from './pool.js';
import type { ShareList } from './queue.js';
import { passSize, QueueScheduler } from './queue-scheduler.js';
import type { Request } from './request.js';
import type { SchedulerContext, SchedulerDefinition, SchedulerLimits, Share } from './scheduler.js';

class ExpertFlowScheduler extends QueueScheduler {
  costNs = 0;
  readonly #running: number;
  readonly #context: SchedulerContext;
  readonly #view: PathView;
  readonly #source: PathSource;
  readonly #wordNs: number;
  readonly #overlap: boolean;
  readonly #group: boolean;
  /** Most prompt passes in a row while a request decodes, and how many there were. */
  readonly #mostPrompts: number;
  #prompts = 0;
  /** Batches of the running round that have not run yet, last first. */
  readonly #round: Request[][] = [];
  /** When the running pass began, ns, and how long passes have run since the last round was composed. */
  #passStartNs = 0;
  #hiddenNs = 0;
  #loads = 0;
  #loadsInOrder = 0;

  constructor(limits: SchedulerLimits, parameters: Parameters, context: SchedulerContext) {
    super(limits, context);
    this.#running = requestsOf(limits, parameters);
    this.#mostPrompts = mostPrompts(parameters);
    this.#context = context;
    this.#view = context.paths!;
    this.#source = parameters.paths as PathSource;
    this.#wordNs = Number(parameters.wordNs);
    this.#overlap = parameters.overlap === true;
    this.#group = parameters.group === true;
  }

  protected compose(list: ShareList, nowNs: number): void {
    this.costNs = 0;
    this.#fill(list);
    this.#passStartNs = nowNs + this.costNs;
  }

  override finished(shares: readonly Share[], nowNs: number): void {
    super.finished(shares, nowNs);
    this.#hiddenNs += nowNs - this.#passStartNs;
  }

  #fill(list: ShareList): void {
    const { running } = this.queue;
    // All requests left of a round may have been thrown out because KV room ran short.
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
    return { 'schedule.loads': this.#loads, 'schedule.loads_in_order': this.#loadsInOrder };
  }

  /** Groups the requests of the pool that decode into the batches of one round. */
  #composeRound(pool: readonly Request[]): void {
    const view = this.#view;
    const { words } = view;
    const count = pool.length;
    const clusters = Math.ceil(count / this.batch);
    const inOrder: Request[][] = [];
    let taken = 0;
    for (const size of evenSizes(count, clusters)) inOrder.push(pool.slice(taken, (taken += size)));
    let batches = inOrder;
    if (clusters > 1 && this.#group) {
      const paths = new Int32Array(count * words);
      for (let i = 0; i < count; i++) view.path(pool[i]!, this.#source, paths, i * words);
      const labels = balancedMedoids(hammingDistances(paths, count, words), count, clusters, this.#context.random);
      batches = inOrder.map((_, cluster) => pool.filter((_, i) => labels[i] === cluster));
      const workNs = ((count * (count - 1)) / 2) * words * this.#wordNs;
      // Dual-batch pipeline: the round is composed while passes since the one before it run. The first may have none to hide behind.
      this.costNs += this.#overlap ? Math.max(0, workNs - this.#hiddenNs) : workNs;
    }
    this.#hiddenNs = 0;
    this.#loads += this.#merit(batches);
    this.#loadsInOrder += this.#merit(inOrder);
    this.#round.push(...batches.toReversed());
  }

  /** Sum over batches and layers of max(0, distinct experts - cache size), on the paths that the tokens really take. */
  #merit(batches: readonly (readonly Request[])[]): number {
    const view = this.#view;
    const path = new Int32Array(view.words);
    let loads = 0;
    for (const batch of batches) {
      const union = new Int32Array(view.words);
      for (const request of batch) {
        view.path(request, 'next', path, 0);
        for (let w = 0; w < view.words; w++) union[w]! |= path[w]!;
      }
      loads += loadsBeyondCache(view, union);
    }
    return loads;
  }
}

/** Requests of the pool. With passes of one request there is nothing to regroup: two in turn would only evict each other's experts. */
function requestsOf(limits: SchedulerLimits, parameters: Parameters): number {
  return passSize(limits) === 1 ? 1 : poolSize(limits, parameters);
}

/** A request may be the first of one round and the last of the next, with prompts in between: at least one pass of them. */
function mostPrompts({ batches, maxWait }: Parameters): number {
  return Math.max(1, Number(maxWait) - 2 * (Number(batches) - 1));
}

/** Registry entry. */
export const expertflow: SchedulerDefinition = {
  name: 'expertflow',
  summary: 'groups the next tokens of a pool of batches by predicted path (balanced K-medoids on Hamming similarity)',
  cites: 'ExpertFlow, arXiv 2410.17954 (DAC 2026), token scheduler',
  parameters: {
    batches: POOL_PARAMETERS.batches,
    maxWait: { ...POOL_PARAMETERS.maxWait, default: 64 },
    paths: PATHS,
    group: { default: true, description: 'off: the same pool in order of arrival, to compare with' },
    wordNs: { default: 1, description: 'modelled time of comparing 32 experts of two paths, ns', min: 0 },
    overlap: {
      default: true,
      description: 'a round is composed while the passes before it run, and is late only as far as it takes longer',
    },
  },
  needs: ['paths'],
  fairness: poolFairness,
  running: requestsOf,
  create: (limits, parameters, context) => new ExpertFlowScheduler(limits, parameters, context),
};
