import { UserError } from '../../base/errors.js';
import { CpuShare, MOST_DUMMIES } from '../cpu-share.js';
import { besideHeld } from '../held-layers.js';
import { IdLists } from '../id-lists.js';
import { type CachePolicy, type Clock, NONE, type Pins, type PolicyContext, policy } from '../policy.js';

/** Larger passes only read residents. */
const MOST_TOKENS = 32;
/** First build with frequency classes. */
const CLASSES_FROM = 12170;

/**
 * LRU of b11480, by event: hits move in order of first appearance, then misses ascending by expert. Without
 * `demanded`, each use is an event.
 */
class EventLru implements CachePolicy {
  protected readonly lists: IdLists;
  protected readonly layerOf: Uint16Array;
  /** Tokens of earlier events, by layer. */
  protected readonly clocks: Float64Array;
  readonly #clock: Clock;
  readonly #sizes: Float64Array;
  /** By layer: experts, and bytes of each. */
  readonly #widths: Int32Array;
  readonly #expertBytes: Float64Array;
  readonly #share: CpuShare | null;
  readonly #resident: Uint8Array;
  /** By id: last event with the expert as a member, as an insertion, and on the CPU; NONE: never. */
  readonly #member: Int32Array;
  readonly #placed: Int32Array;
  readonly #onCpu: Int32Array;
  readonly #missed: Int32Array;
  #capacityBytes: number;
  #bytes = 0;
  /** Events so far; 0: `demanded` is never called. */
  #event = 0;
  #layer = 0;
  #tokens = 0;
  #reading = false;

  constructor({ capacityBytes, clock, experts, layerOf, layers, sizes }: PolicyContext, lists: number, share: CpuShare | null) {
    this.lists = new IdLists(experts, lists);
    this.layerOf = layerOf;
    this.clocks = new Float64Array(layers);
    this.#clock = clock;
    this.#sizes = sizes;
    this.#widths = new Int32Array(layers);
    this.#expertBytes = new Float64Array(layers);
    for (const [id, layer] of layerOf.entries()) {
      this.#widths[layer]! += 1;
      this.#expertBytes[layer] = sizes[id]!;
    }
    this.#share = share;
    this.#resident = new Uint8Array(experts);
    this.#member = new Int32Array(experts).fill(NONE);
    this.#placed = new Int32Array(experts).fill(NONE);
    this.#onCpu = new Int32Array(experts).fill(NONE);
    this.#missed = new Int32Array(experts);
    this.#capacityBytes = capacityBytes;
  }

  demanded(layer: number, chosen: Int32Array, tokens: number, topK: number): void {
    const { clocks } = this;
    const member = this.#member;
    const missed = this.#missed;
    const choices = tokens * topK;
    clocks[this.#layer]! += this.#tokens;
    const event = ++this.#event;
    const bytes = this.#expertBytes[layer]!;
    this.#reading = tokens > MOST_TOKENS || Math.min(choices, this.#widths[layer]!) * bytes > this.#capacityBytes;
    this.#layer = layer;
    this.#tokens = this.#reading ? 0 : tokens;
    let misses = 0;
    for (let at = 0; at < choices; at++) {
      const id = chosen[at]!;
      if (id === NONE || member[id] === event) continue;
      member[id] = event;
      if (this.#reading) continue;
      this.count(id);
      if (this.#resident[id] === 1) this.lists.moveToFront(this.listOf(id), id);
      else missed[misses++] = id;
    }
    if (this.#share === null || misses === 0 || this.#bytes + bytes <= this.#capacityBytes) return;
    const computed = this.#share.of(layer, missed, misses, chosen, tokens, topK);
    for (let k = 0; k < computed; k++) this.#onCpu[missed[k]!] = event;
  }

  touch(id: number): void {
    if (this.judged(id)) return;
    this.#use(id);
    this.lists.moveToFront(this.listOf(id), id);
  }

  streamed(id: number): void {
    if (!this.judged(id)) this.#use(id);
  }

  bypasses(incoming: number): boolean {
    return this.judged(incoming) && (this.#reading || this.#onCpu[incoming] === this.#event);
  }

  insert(id: number, used: boolean): void {
    if (used) this.streamed(id);
    if (used && this.#event > 0) this.place(id);
    else this.lists.pushFront(this.listOf(id), id);
    this.#resident[id] = 1;
    this.#bytes += this.#sizes[id]!;
  }

  remove(id: number): void {
    this.lists.unlink(id);
    this.#placed[id] = NONE;
    this.#resident[id] = 0;
    this.#bytes -= this.#sizes[id]!;
  }

  resized(capacityBytes: number): void {
    this.#capacityBytes = capacityBytes;
  }

  victim(_incoming: number, pins: Pins): number {
    return this.lists.oldest(this.lists.end, pins);
  }

  /** Places an expert inserted on demand above earlier ones of its event with lower ids. */
  protected place(id: number): void {
    const { lists } = this;
    const placed = this.#placed;
    const list = this.listOf(id);
    let older = lists.older(list);
    placed[id] = this.#event;
    while (older !== list && older > id && placed[older] === this.#event) older = lists.older(older);
    lists.insertNewer(older, id);
  }

  /** Counts a use of an expert. */
  protected count(_id: number): void {}

  /** Sentinel of an expert's list. */
  protected listOf(_id: number): number {
    return this.lists.end;
  }

  /** True for members of the running event, counted on demand. */
  protected judged(id: number): boolean {
    return this.#member[id] === this.#event;
  }

  /** Use outside the events of `demanded`; without any, passes are the clock. */
  #use(id: number): void {
    if (this.#event === 0) this.clocks[this.layerOf[id]!] = this.#clock.pass;
    this.count(id);
  }
}

/** Most credit of a slot in forks. */
const MOST_CREDIT = 15;

/**
 * LRU of forks: a use adds credit up to `most`, and a sweep for a victim spends one of each expert that it passes, which
 * becomes the newest. Members of the event pass without spending.
 */
class CreditLru extends EventLru {
  readonly #credits: Uint8Array;
  readonly #most: number;
  /** Experts inserted by the event, ascending, which is the order of their slots in time. */
  readonly #filled: Int32Array;
  #fills = 0;

  constructor(context: PolicyContext, most: number) {
    super(context, 1, null);
    this.#credits = new Uint8Array(context.experts);
    this.#most = most;
    this.#filled = new Int32Array(context.experts);
  }

  override demanded(layer: number, chosen: Int32Array, tokens: number, topK: number): void {
    super.demanded(layer, chosen, tokens, topK);
    this.#fills = 0;
  }

  override insert(id: number, used: boolean): void {
    super.insert(id, used);
    this.#credits[id] = 0;
  }

  override remove(id: number): void {
    super.remove(id);
    const at = this.#filled.subarray(0, this.#fills).indexOf(id);
    if (at >= 0) this.#filled.copyWithin(at, at + 1, this.#fills--);
  }

  override victim(_incoming: number, pins: Pins): number {
    const { lists } = this;
    const credits = this.#credits;
    if (lists.oldest(lists.end, pins) === NONE) return NONE;
    for (;;) {
      const id = lists.newer(lists.end);
      const pinned = pins.has(id);
      if (!pinned && credits[id] === 0) return id;
      if (!pinned) credits[id]! -= 1;
      lists.moveToFront(lists.end, id);
    }
  }

  protected override place(id: number): void {
    const { lists } = this;
    const filled = this.#filled;
    lists.pushFront(lists.end, id);
    let at = this.#fills++;
    for (; at > 0 && filled[at - 1]! > id; at--) {
      lists.swap(filled[at - 1]!, id);
      filled[at] = filled[at - 1]!;
    }
    filled[at] = id;
  }

  protected override count(id: number): void {
    this.#credits[id] = Math.min(this.#most, this.#credits[id]! + 1);
  }
}

/** Classes of counts: [2^k, 2^(k+1)), the last without end. */
const CLASSES = 8;
/** Tokens that halve a count. */
const HALF_LIFE = 128;
/** 2^(-tokens / 128), 32-bit; smaller factors change no sum with 1. */
const DECAY = Float32Array.from({ length: 40 * HALF_LIFE }, (_, tokens) => 2 ** (-tokens / HALF_LIFE));
/** Least 32-bit count of each class: log2, rounded to 32 bits, may round up to the class. */
const LEAST = Float32Array.from({ length: CLASSES + 1 }, (_, k) => {
  const [step, of] = [2 ** (k - 24), (count: number) => Math.floor(Math.fround(Math.log2(count)))];
  let least = 2 ** k;
  while (k > 0 && of(least - step) === k) least -= step;
  return k === CLASSES ? Number.POSITIVE_INFINITY : least;
});

/** Classes of b12170: LRU lists by decayed 32-bit counts; of the oldest, the stalest for its class leaves. */
class ClassLru extends EventLru {
  readonly #counts: Float32Array;
  /** Layer clock at the last use. */
  readonly #used: Float64Array;

  constructor(context: PolicyContext, counts: Float32Array, share: CpuShare | null) {
    super(context, CLASSES, share);
    this.#counts = counts;
    this.#used = new Float64Array(context.experts).fill(-1);
  }

  override victim(_incoming: number, pins: Pins): number {
    const { clocks, layerOf, lists } = this;
    let [victim, stalest] = [NONE, Number.NEGATIVE_INFINITY];
    for (let k = 0, weight = 1; k < CLASSES; k++, weight /= 2) {
      const id = lists.oldest(lists.end + k, pins);
      if (id === NONE) continue;
      const score = (clocks[layerOf[id]!]! - this.#used[id]!) * weight;
      if (score <= stalest) continue;
      victim = id;
      stalest = score;
    }
    return victim;
  }

  protected override count(id: number): void {
    const clock = this.clocks[this.layerOf[id]!]!;
    const tokens = clock - this.#used[id]!;
    this.#counts[id] = tokens < DECAY.length ? Math.fround(this.#counts[id]! * DECAY[tokens]!) + 1 : 1;
    this.#used[id] = clock;
  }

  protected override listOf(id: number): number {
    const count = this.#counts[id]!;
    const k = Math.min(CLASSES - 1, Math.max(0, 31 - Math.clz32(count)));
    return this.lists.end + (count >= LEAST[k + 1]! ? k + 1 : k);
  }
}

/**
 * llama.cpp's expert cache (`--moe-cache-mib`), event by event as builds execute it. Forks with the LRU of b11480:
 * ik_llama.cpp, unslothai, nilo85; with credit: UltraRabbit.
 */
export const llamaMoeCache = policy({
  name: 'llama-moe-cache',
  summary: 'evicts by event: LRU, or from build 12170 on the expert that is stalest for its class of decayed use counts',
  cites: 'llama.cpp, src/llama-moe-cache.cpp',
  parameters: {
    build: { default: CLASSES_FROM, min: 11480, description: 'build: LRU from 11480 on, frequency classes from 12170 on' },
    share: { default: 0, min: 0, max: 1, description: 'share of the misses of a full cache that gets no slot (--moe-cache-cpu-share)' },
    credit: {
      default: 0,
      min: 0,
      max: MOST_CREDIT,
      description: 'sweeps that uses in a slot can save an expert from; a fork of build 11480',
    },
    cpuLayers: {
      default: 0,
      min: 0,
      description: 'first MoE layers that it is for; all experts of later ones stay; 0: of all (--n-cpu-moe)',
    },
  },
  passTokens: MOST_TOKENS,
  cachedLayers: ({ cpuLayers }) => cpuLayers,
  // A kernel reads past the last slot.
  spare: ({ share }, topK) => 1 + (share > 0 ? Math.min(topK, MOST_DUMMIES) : 0),
  create(whole, { build, cpuLayers, credit, share }) {
    if (credit > 0 && build >= CLASSES_FROM)
      throw new UserError(`policy llama-moe-cache: credit: build ${build} has none; use build=11480, of which forks with credit are`);
    if (share > 0 && build < CLASSES_FROM)
      throw new UserError(`policy llama-moe-cache: share: build ${build} has none; use build=${CLASSES_FROM} or later`);
    return besideHeld(whole, cpuLayers, (context) => {
      const counts = new Float32Array(context.experts);
      const onCpu = share > 0 ? new CpuShare(share, context, counts) : null;
      if (credit > 0) return new CreditLru(context, Math.floor(credit));
      return build < CLASSES_FROM ? new EventLru(context, 1, onCpu) : new ClassLru(context, counts, onCpu);
    });
  },
});
