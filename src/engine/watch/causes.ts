import type { ModelSpec } from '../../model/door.js';
import type { Causes, ExpertCause } from '../../result/details.js';
import type { SimulatedGpu } from '../compose/simulation.js';
import type { Link } from '../transfer/link.js';
import { Onlooker } from '../transfer/observer.js';

type CauseGpu = Pick<SimulatedGpu, 'dram' | 'gpu' | 'whole'>;

/** Causes of waits and transfers, in the order of the numbers below. */
const CAUSES = ['on demand', 'prefetch', 'write-back', 'useful prefetch', 'late prefetch', 'wasted prefetch', 'pending prefetch'] as const;
const [ON_DEMAND, PREFETCH, WRITE_BACK, USEFUL, LATE, WASTED, PENDING] = [0, 1, 2, 3, 4, 5, 6] as const;

class Sums {
  readonly #tiers: readonly string[];
  readonly #experts: number;
  readonly #sums = new Map<number, Float64Array>();
  readonly #byKind: Float64Array[] = [];

  constructor(tiers: readonly string[], experts: number) {
    this.#tiers = tiers;
    this.#experts = experts;
  }

  add(tier: number, cause: number, id: number, amount: number): void {
    const kind = tier * CAUSES.length + cause;
    const sums = this.#byKind[kind] ?? this.#first(kind);
    sums[id]! += amount;
  }

  #first(kind: number): Float64Array {
    const sums = new Float64Array(this.#experts);
    this.#sums.set(kind, sums);
    this.#byKind[kind] = sums;
    return sums;
  }

  columns({ layers }: ModelSpec): ExpertCause[] {
    return Array.from(this.#sums, ([kind, sums]) => ({
      tier: this.#tiers[Math.floor(kind / CAUSES.length)]!,
      cause: CAUSES[kind % CAUSES.length]!,
      byExpert: layers.map(({ experts, offset }) => Array.from(sums.subarray(offset, offset + experts), rounded)),
    }));
  }
}

/** Causes of a run's waits and transfers. */
export class CauseRecorder extends Onlooker {
  readonly #model: ModelSpec;
  readonly #tiers: readonly string[];
  readonly #gpus: readonly CauseGpu[];
  readonly #stalls: Sums;
  readonly #bytes: Sums;
  readonly #otherStallNs: Float64Array;
  /** By GPU and expert: bytes of undemanded prefetches. */
  readonly #open: readonly Float64Array[];
  #waiting = 0;
  /** By GPU and expert: layer number of the event with the expert in flight; 0: no event, or awaited. */
  readonly #late: readonly Float64Array[];
  /** By GPU: local id by whole-model id. */
  readonly #own: readonly Int32Array[];
  /** Links of GPUs, then of DRAM; further links write back. */
  readonly #links: readonly (Link | null)[];
  readonly #started: Float64Array;
  /** Start of the running event, ns, and layers run, running layer included. */
  #eventNs = 0;
  #layersRun = 0;

  constructor(model: ModelSpec, tiers: readonly string[], gpus: readonly CauseGpu[]) {
    super();
    this.#model = model;
    this.#tiers = tiers;
    this.#gpus = gpus;
    this.#stalls = new Sums(tiers, model.experts);
    this.#bytes = new Sums([...tiers, 'gpu'], model.experts);
    this.#links = [...gpus.map(({ gpu }) => gpu.link), ...gpus.map(({ dram }) => dram?.link ?? null)];
    this.#started = new Float64Array(this.#links.length);
    this.#otherStallNs = new Float64Array(model.layers.length);
    this.#own = gpus.map(({ whole }) => {
      const ids = Int32Array.from({ length: model.experts }, (_, id) => id);
      whole?.forEach((id, mine) => {
        ids[id] = mine;
      });
      return ids;
    });
    this.#open = gpus.map(() => new Float64Array(model.experts));
    this.#late = gpus.map(() => new Float64Array(model.experts));
  }

  override dense(): void {
    this.#layersRun++;
  }

  override judged(_layer: number, _hits: number, _late: number, _misses: number, nowNs: number): void {
    this.#eventNs = nowNs;
  }

  override transferred(link: Link, _lane: number, id: number, bytes: number, _startNs: number, _endNs: number, prefetch: boolean): void {
    const links = this.#links;
    let at = 0;
    while (at < links.length && links[at] !== link) at++;
    if (at === links.length) {
      this.#bytes.add(this.#tiers.length, WRITE_BACK, id, bytes);
      return;
    }
    // A prefetch restarts after a lost lane; the link counts a single prefetch.
    if (prefetch && this.#started[at]! === link.prefetches) return;
    if (prefetch) this.#started[at]! += 1;
    if (at >= this.#gpus.length) this.#bytes.add(1, prefetch ? PREFETCH : ON_DEMAND, id, bytes);
    else if (prefetch) this.#await(at, id, bytes);
    else this.#bytes.add(0, ON_DEMAND, id, bytes);
  }

  override prefetchUsed(id: number, late: boolean, gpu = 0): void {
    if (late) this.#late[gpu]![id] = this.#layersRun;
    this.#close(id, late ? LATE : USEFUL, gpu);
  }

  override evicted(id: number, _layer: number, _nowNs: number, gpu = 0): void {
    this.#close(id, WASTED, gpu);
  }

  override stalled(id: number, layer: number, startNs: number, endNs: number, gpu = 0): void {
    if (id < 0) {
      this.#otherStallNs[layer]! += endNs - startNs;
      return;
    }
    const { dram } = this.#gpus[gpu]!;
    const tier = dram !== null && dram.arrivalNs[this.#own[gpu]![id]!]! > this.#eventNs ? 1 : 0;
    const late = this.#late[gpu]!;
    this.#stalls.add(tier, late[id] === this.#layersRun ? LATE : ON_DEMAND, id, endNs - startNs);
    late[id] = 0;
  }

  causes(): Causes {
    this.#open.forEach((open, gpu) => {
      for (let id = 0; id < open.length; id++) this.#close(id, PENDING, gpu);
    });
    return {
      stallNs: this.#stalls.columns(this.#model),
      otherStallNs: Array.from(this.#otherStallNs, rounded),
      bytes: this.#bytes.columns(this.#model),
    };
  }

  #await(gpu: number, id: number, bytes: number): void {
    if (this.#open[gpu]![id] === 0 && bytes > 0) this.#waiting++;
    this.#open[gpu]![id] = bytes;
  }

  #close(id: number, cause: number, gpu: number): void {
    if (this.#waiting === 0) return;
    const bytes = this.#open[gpu]![id]!;
    if (bytes === 0) return;
    this.#waiting--;
    this.#open[gpu]![id] = 0;
    this.#bytes.add(0, cause, id, bytes);
  }
}

/** Rounds to a thousandth of the unit, for short files and stable pictures; negative rounding errors become 0. */
export const rounded = (value: number): number => Math.max(0, Math.round(value * 1000) / 1000);
