import type { Random } from '../../base/random.js';
import { FrequencyList } from '../frequency-list.js';
import { IdLists } from '../id-lists.js';
import { type CachePolicy, NONE, type Pins, type PolicyContext, policy } from '../policy.js';
import { mostResidents } from '../share.js';

/** Regret of an eviction missed after as many uses as slots, relative to an immediate miss. */
const FADED = 0.005;

class LeCaR implements CachePolicy {
  /** Residents by recency; then evictions by LRU and by LFU. */
  readonly #lists: IdLists;
  readonly #byUses: FrequencyList;
  readonly #uses: Float64Array;
  /** Eviction list of an expert, or NONE. */
  readonly #ghostOf: Int32Array;
  readonly #evictedAt: Float64Array;
  /** Entries of the two histories; most entries of each. */
  readonly #ghosts: [number, number] = [0, 0];
  readonly #most: number;
  readonly #rate: number;
  readonly #discount: number;
  readonly #random: Random;
  #lruWeight = 0.5;
  #now = 0;
  #named = NONE;
  #namedBy: 0 | 1 = 0;

  constructor(context: PolicyContext, rate: number) {
    const { experts, random } = context;
    this.#lists = new IdLists(experts, 3);
    this.#byUses = new FrequencyList(experts);
    this.#uses = new Float64Array(experts);
    this.#ghostOf = new Int32Array(experts).fill(NONE);
    this.#evictedAt = new Float64Array(experts);
    this.#most = Math.max(1, mostResidents(context));
    this.#rate = rate;
    this.#discount = FADED ** (1 / this.#most);
    this.#random = random;
  }

  touch(id: number): void {
    this.#now++;
    this.#uses[id]! += 1;
    this.#lists.moveToFront(this.#lists.end, id);
    this.#byUses.increment(id);
  }

  streamed(id: number): void {
    this.#now++;
    this.#regret(id);
    this.#uses[id] = this.#leaveGhosts(id) + 1;
  }

  insert(id: number, used: boolean): void {
    if (used) this.#now++;
    if (used) this.#regret(id);
    this.#uses[id] = this.#leaveGhosts(id) + (used ? 1 : 0);
    this.#lists.pushFront(this.#lists.end, id);
    this.#byUses.add(id, this.#uses[id]!);
  }

  remove(id: number): void {
    this.#lists.unlink(id);
    this.#byUses.delete(id);
    const by = id === this.#named ? this.#namedBy : 0;
    const lists = this.#lists;
    const history = lists.end + 1 + by;
    if (this.#ghosts[by] === this.#most) this.#leaveGhosts(lists.newer(history));
    lists.pushFront(history, id);
    this.#ghosts[by]++;
    this.#ghostOf[id] = by;
    this.#evictedAt[id] = this.#now;
  }

  victim(_incoming: number, pins: Pins): number {
    this.#namedBy = this.#random.next() < this.#lruWeight ? 0 : 1;
    this.#named = this.#namedBy === 0 ? this.#lists.oldest(this.#lists.end, pins) : this.#byUses.min(pins);
    return this.#named;
  }

  /** Shifts weight to the rival of the policy that evicted a missed expert, less for older evictions. */
  #regret(id: number): void {
    const by = this.#ghostOf[id]!;
    if (by === NONE) return;
    const gain = Math.exp(this.#rate * this.#discount ** (this.#now - this.#evictedAt[id]!));
    const [lru, lfu] = [this.#lruWeight, 1 - this.#lruWeight];
    this.#lruWeight = by === 0 ? lru / (lru + lfu * gain) : (lru * gain) / (lru * gain + lfu);
  }

  /** @returns uses remembered in the history, or 0 */
  #leaveGhosts(id: number): number {
    const by = this.#ghostOf[id]!;
    if (by === NONE) return 0;
    this.#lists.unlink(id);
    this.#ghosts[by as 0 | 1]--;
    this.#ghostOf[id] = NONE;
    return this.#uses[id]!;
  }
}

/**
 * LeCaR: a random draw between LRU and LFU, by weights that fall with each regretted eviction. Learning rate 0.45,
 * regret discounted by 0.005^(1/slots) a use, histories as long as the cache's slots.
 */
export const lecar = policy({
  name: 'lecar',
  summary: 'evicts by recency or by frequency, whichever has been regretted less',
  cites: 'Vietri et al., "Driving cache replacement with ML-based LeCaR", HotStorage 2018',
  parameters: {
    rate: { default: 0.45, min: 0, max: 10, description: 'how much one regretted eviction moves the odds' },
  },
  create: (context, { rate }) => new LeCaR(context, rate),
});
