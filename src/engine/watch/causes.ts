// What each expert cost and why: the time that GPUs waited for it and the bytes that were moved of it, by tier and cause. For flame
// graphs; its memory is a few numbers an expert.
import type { ModelSpec } from '../../model/spec.js';
import type { Causes, ExpertCause } from '../../result/details.js';
import type { Link } from '../transfer/link.js';
import type { Observer } from './observer.js';

/** One GPU. */
interface CauseGpu {
  /** What fills it. */
  readonly gpu: { readonly link: Link };
  /** DRAM where it is a cache of the SSD; by the GPU's own ids: when experts are (or will be) there, ns. */
  readonly dram: { readonly link: Link; readonly arrivalNs: Float64Array } | null;
  /** Dense id in the whole model by the GPU's own ids; null: they are the same. */
  readonly whole: Int32Array | null;
}

/** What is watched. Arrays are indexed by dense id. */
export interface CauseParts {
  readonly model: ModelSpec;
  /** Names of the tiers below the GPU, nearest first. */
  readonly tiers: readonly string[];
  readonly gpus: readonly CauseGpu[];
}

/** Sums by expert under `tier/cause`. */
type Sums = Map<string, { readonly tier: string; readonly cause: string; readonly byExpert: Float64Array }>;

/** Records the causes of one run. */
export class CauseRecorder implements Observer {
  readonly #parts: CauseParts;
  readonly #stalls: Sums = new Map();
  readonly #bytes: Sums = new Map();
  readonly #otherStallNs: Float64Array;
  /** By GPU and expert: bytes of a prefetch that nobody has demanded yet. */
  readonly #open: readonly Float64Array[];
  /** By GPU and expert: 1 where the running event found it on its way. */
  readonly #late: readonly Uint8Array[];
  /** By GPU: its own id of each expert of the model. */
  readonly #own: readonly Int32Array[];
  /** Prefetches that each link has started, as far as they were seen. */
  readonly #started = new Map<Link, number>();
  /** When the running event began, ns. */
  #eventNs = 0;

  constructor(parts: CauseParts) {
    const { gpus, model } = parts;
    this.#parts = parts;
    this.#otherStallNs = new Float64Array(model.layers.length);
    this.#own = gpus.map(({ whole }) => {
      const own = Int32Array.from({ length: model.experts }, (_, id) => id);
      whole?.forEach((id, mine) => {
        own[id] = mine;
      });
      return own;
    });
    this.#open = gpus.map(() => new Float64Array(model.experts));
    this.#late = gpus.map(() => new Uint8Array(model.experts));
  }

  judged(_layer: number, _hits: number, _late: number, _misses: number, nowNs: number): void {
    this.#eventNs = nowNs;
  }

  transferred(link: Link, _lane: number, id: number, bytes: number, _startNs: number, _endNs: number, prefetch: boolean): void {
    const { gpus, tiers } = this.#parts;
    if (prefetch) {
      // A prefetch whose lane was lost starts again; the link counts it once.
      const started = (this.#started.get(link) ?? 0) + 1;
      if (started > link.prefetches) return;
      this.#started.set(link, started);
    }
    const gpu = gpus.findIndex((one) => one.gpu.link === link);
    if (gpu >= 0) {
      if (prefetch) this.#open[gpu]![id] = bytes;
      else this.#add(this.#bytes, tiers[0]!, 'on demand', id, bytes);
    } else if (gpus.some(({ dram }) => dram?.link === link)) {
      this.#add(this.#bytes, tiers[1]!, prefetch ? 'prefetch' : 'on demand', id, bytes);
    } else {
      this.#add(this.#bytes, 'gpu', 'write-back', id, bytes);
    }
  }

  prefetchUsed(id: number, late: boolean, gpu = 0): void {
    this.#late[gpu]![id] = Number(late);
    this.#close(id, late ? 'late prefetch' : 'useful prefetch', gpu);
  }

  evicted(id: number, _layer: number, _nowNs: number, gpu = 0): void {
    this.#close(id, 'wasted prefetch', gpu);
  }

  stalled(id: number, layer: number, startNs: number, endNs: number, gpu = 0): void {
    if (id < 0) {
      this.#otherStallNs[layer]! += endNs - startNs;
      return;
    }
    const { gpus, tiers } = this.#parts;
    const { dram } = gpus[gpu]!;
    const tier = tiers[dram !== null && dram.arrivalNs[this.#own[gpu]![id]!]! > this.#eventNs ? 1 : 0]!;
    this.#add(this.#stalls, tier, this.#late[gpu]![id] === 1 ? 'late prefetch' : 'on demand', id, endNs - startNs);
  }

  executed(id: number, _layer: number, _startNs: number, _endNs: number, gpu = 0): void {
    this.#late[gpu]![id] = 0;
  }

  passStarted(): void {}
  passEnded(): void {}
  dense(): void {}
  planned(): void {}
  computedOnCpu(): void {}

  /** What was recorded; the run has ended. */
  causes(): Causes {
    this.#open.forEach((open, gpu) => {
      for (let id = 0; id < open.length; id++) this.#close(id, 'pending prefetch', gpu);
    });
    return {
      stallNs: this.#columns(this.#stalls),
      otherStallNs: Array.from(this.#otherStallNs, rounded),
      bytes: this.#columns(this.#bytes),
    };
  }

  /** What a prefetch was good for is known. */
  #close(id: number, cause: string, gpu: number): void {
    const bytes = this.#open[gpu]![id]!;
    if (bytes === 0) return;
    this.#open[gpu]![id] = 0;
    this.#add(this.#bytes, this.#parts.tiers[0]!, cause, id, bytes);
  }

  #add(sums: Sums, tier: string, cause: string, id: number, amount: number): void {
    const key = `${tier}/${cause}`;
    let sum = sums.get(key);
    if (sum === undefined) sums.set(key, (sum = { tier, cause, byExpert: new Float64Array(this.#parts.model.experts) }));
    sum.byExpert[id]! += amount;
  }

  #columns(sums: Sums): ExpertCause[] {
    const { layers } = this.#parts.model;
    return [...sums.values()].map(({ tier, cause, byExpert }) => ({
      tier,
      cause,
      byExpert: layers.map(({ experts, offset }) => Array.from(byExpert.subarray(offset, offset + experts), rounded)),
    }));
  }
}

/** To a thousandth of the unit, which no picture shows and which keeps files short. */
function rounded(value: number): number {
  return Math.round(value * 1000) / 1000;
}
