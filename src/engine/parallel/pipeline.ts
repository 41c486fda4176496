import type { CostModel, Interconnect } from '../../hardware/door.js';
import { DEGREES, type Overlap } from '../../system/door.js';
import type { Dispatch } from './dispatch.js';
import type { Gathered } from './gathered.js';

/** Bytes of an activation's value on the interconnect: bf16. */
export const VALUE_BYTES = 2;

/** Executions of an event on a GPU, in order. */
export class Sequence {
  /** By member: activations, and earliest execution, ns; the first `size` entries. */
  readonly counts: Float64Array;
  readonly readyNs: Float64Array;
  size = 0;
  /** End of the CPU's part, ns; 0: no part. */
  cpuNs = 0;

  constructor(widest: number) {
    this.counts = new Float64Array(widest);
    this.readyNs = new Float64Array(widest);
  }

  clear(): void {
    this.size = this.cpuNs = 0;
  }

  add(count: number, readyNs: number): void {
    this.counts[this.size] = count;
    this.readyNs[this.size++] = readyNs;
  }
}

/**
 * Return of the last chunk, ns. One stream carries all dispatches, then the combines, each after its chunk (Tutel).
 * Execution ends at e_i, convex in i, so max_i e_i + (r - i + 1) d is that of the first or the last; 2 r d without
 * waits. @param degree chunks, r @param exchangeNs all-to-all of a chunk, d @param firstNs first chunk executed on all
 * GPUs, e_1 @param lastNs last chunk executed, e_r @param startNs first dispatch
 */
export const pipelineNs = (degree: number, exchangeNs: number, firstNs: number, lastNs: number, startNs = 0): number =>
  Math.max(startNs + 2 * degree * exchangeNs, firstNs + degree * exchangeNs, lastNs + exchangeNs);

type Sent = Pick<Dispatch, 'exchanges' | 'gathered'>;

/** Closed-form, by overlap and parallelism. Chunks are equal parts of each expert's activations. */
export class Pipeline {
  /** Chunks of the last event, and the all-to-all of a chunk, ns. */
  degree = 1;
  exchangeNs = 0;
  /** Weights gathered by the last event; null: activations were sent. */
  gathered: Gathered | null = null;
  readonly #other: Gathered | null;
  readonly #cost: CostModel;
  readonly #interconnect: Interconnect;
  readonly #activationBytes: number;
  readonly #degrees: readonly number[];
  readonly #exchanges: boolean;

  /** @param hidden values of an activation @param dispatch without crossing activations: no overlap, no gathering */
  constructor(cost: CostModel, interconnect: Interconnect, hidden: number, overlap: Overlap, { exchanges, gathered }: Sent) {
    this.#other = exchanges ? gathered : null;
    this.#cost = cost;
    this.#interconnect = interconnect;
    this.#activationBytes = hidden * VALUE_BYTES;
    this.#degrees = !exchanges ? [1] : overlap === 'adaptive' ? DEGREES : [overlap];
    this.#exchanges = exchanges;
  }

  /**
   * Ns: latency + bytes / bandwidth of the busiest GPU, with full-duplex ports. @param activations of the busiest GPU
   */
  allToAllNs(activations: number): number {
    if (!this.#exchanges) return 0;
    return this.#interconnect.latencyNs + (activations * this.#activationBytes * 1e9) / this.#interconnect.bandwidth;
  }

  /**
   * Event end at the best degree, or data parallel if faster, ns. @param activations of the busiest GPU
   * @param startNs routing known
   */
  endNs(layer: number, sequences: readonly Sequence[], activations: number, startNs: number): number {
    let bestNs = Number.POSITIVE_INFINITY;
    for (const degree of this.#degrees) {
      const exchangeNs = this.allToAllNs(activations / degree);
      const ns = this.#endAt(layer, sequences, degree, exchangeNs, startNs);
      if (ns >= bestNs) continue;
      bestNs = ns;
      this.degree = degree;
      this.exchangeNs = exchangeNs;
    }
    this.gathered = null;
    const other = this.#other;
    if (other === null || !isResident(sequences, startNs)) return bestNs;
    const ns = startNs + other.gatherNs[layer]! + other.longestNs;
    if (ns >= bestNs) return bestNs;
    this.gathered = other;
    this.degree = 1;
    this.exchangeNs = other.gatherNs[layer]!;
    return ns;
  }

  /** First chunk's end on a GPU, after its weights, ns. */
  firstNs(layer: number, { counts, readyNs, size }: Sequence, degree: number, fromNs: number): number {
    let gpuNs = fromNs;
    for (let k = 0; k < size; k++) gpuNs = Math.max(gpuNs, readyNs[k]!) + this.#cost.expertNs(layer, counts[k]! / degree);
    return gpuNs;
  }

  /** Time of a further chunk on a GPU, ns. */
  chunkNs(layer: number, { counts, size }: Sequence, degree: number): number {
    let ns = 0;
    for (let k = 0; k < size; k++) ns += this.#cost.expertNs(layer, counts[k]! / degree);
    return ns;
  }

  #endAt(layer: number, sequences: readonly Sequence[], degree: number, exchangeNs: number, startNs: number): number {
    let firstNs = startNs + exchangeNs;
    let lastNs = startNs + degree * exchangeNs;
    for (const sequence of sequences) {
      const ownFirstNs = this.firstNs(layer, sequence, degree, startNs + exchangeNs);
      firstNs = Math.max(firstNs, ownFirstNs);
      lastNs = Math.max(lastNs, ownFirstNs, sequence.cpuNs);
      if (degree === 1) continue;
      const chunkNs = this.chunkNs(layer, sequence, degree);
      lastNs = Math.max(lastNs, ownFirstNs + (degree - 1) * chunkNs, startNs + degree * exchangeNs + chunkNs);
    }
    return pipelineNs(degree, exchangeNs, firstNs, lastNs, startNs);
  }
}

/** True if the GPUs have all weights of the event, as gathering needs. */
function isResident(sequences: readonly Sequence[], startNs: number): boolean {
  for (const { cpuNs, readyNs, size } of sequences) {
    if (cpuNs > 0) return false;
    for (let k = 0; k < size; k++) if (readyNs[k]! > startNs) return false;
  }
  return true;
}
