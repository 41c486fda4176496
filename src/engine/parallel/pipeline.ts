import type { CostModel, Interconnect } from '../../hardware/door.js';
import { DEGREES, type Overlap } from '../../system/door.js';
import type { Dispatch } from './dispatch.js';
import type { Gathered } from './gathered.js';

/** Bytes of one value of an activation on the interconnect: bf16. */
export const VALUE_BYTES = 2;

/** The executions of an event on one GPU, in order. */
export class Sequence {
  /** Activations of each member, and when it can be executed, ns: the first `size` entries. */
  readonly counts: Float64Array;
  readonly readyNs: Float64Array;
  size = 0;
  /** End of the CPU's part, ns; 0: it has none. */
  cpuNs = 0;

  /** @param widest most members */
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
 * When every chunk has come back, ns.
 *
 * One communication stream carries the dispatches of all chunks and then their combines, each as soon as all GPUs have executed the chunk
 * (Tutel). Chunk i has been dispatched after i d and executed at e_i, which is linear in i or a maximum of two such, so that its
 * combine ends at max_i e_i + (r - i + 1) d, whose largest term is the first or the last, or at 2 r d if nothing is ever waited for.
 * @param degree chunks, r
 * @param exchangeNs one all-to-all of one chunk, d
 * @param firstNs when all GPUs have executed the first chunk, e_1
 * @param lastNs the same for the last, e_r
 * @param startNs when the first dispatch begins
 */
export const pipelineNs = (degree: number, exchangeNs: number, firstNs: number, lastNs: number, startNs = 0): number =>
  Math.max(startNs + 2 * degree * exchangeNs, firstNs + degree * exchangeNs, lastNs + exchangeNs);

type Sent = Pick<Dispatch, 'exchanges' | 'gathered'>;

/** Prices events on several GPUs, in closed form, to choose overlap and parallelism. Chunks are equal parts of each expert's activations. */
export class Pipeline {
  /** Chunks of the last event, and the time of one all-to-all of one of them, ns. */
  degree = 1;
  exchangeNs = 0;
  /** What the last event gathered, instead of sending activations; null: it sent them. */
  gathered: Gathered | null = null;
  readonly #other: Gathered | null;
  readonly #cost: CostModel;
  readonly #interconnect: Interconnect;
  readonly #activationBytes: number;
  readonly #degrees: readonly number[];
  readonly #exchanges: boolean;

  /** @param hidden values of an activation @param dispatch if no activation ever leaves its GPU, there is nothing to overlap or gather */
  constructor(cost: CostModel, interconnect: Interconnect, hidden: number, overlap: Overlap, { exchanges, gathered }: Sent) {
    this.#other = exchanges ? gathered : null;
    this.#cost = cost;
    this.#interconnect = interconnect;
    this.#activationBytes = hidden * VALUE_BYTES;
    this.#degrees = !exchanges ? [1] : overlap === 'adaptive' ? DEGREES : [overlap];
    this.#exchanges = exchanges;
  }

  /** Time of one all-to-all, ns: latency + bytes / bandwidth of the busiest GPU, both ways at once. @param activations of that GPU */
  allToAllNs(activations: number): number {
    if (!this.#exchanges) return 0;
    return this.#interconnect.latencyNs + (activations * this.#activationBytes * 1e9) / this.#interconnect.bandwidth;
  }

  /** Ends an event at the best degree, or data parallel if faster; the end, ns. @param activations of the busiest GPU @param startNs routing known */
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

  /** End of the first chunk on one GPU, which waits for the weights, ns. */
  firstNs(layer: number, { counts, readyNs, size }: Sequence, degree: number, fromNs: number): number {
    let gpuNs = fromNs;
    for (let k = 0; k < size; k++) gpuNs = Math.max(gpuNs, readyNs[k]!) + this.#cost.expertNs(layer, counts[k]! / degree);
    return gpuNs;
  }

  /** Time of any further chunk on one GPU, ns. */
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

/** True if the GPUs have all weights that the event needs: only then can they be gathered. */
function isResident(sequences: readonly Sequence[], startNs: number): boolean {
  for (const { cpuNs, readyNs, size } of sequences) {
    if (cpuNs > 0) return false;
    for (let k = 0; k < size; k++) if (readyNs[k]! > startNs) return false;
  }
  return true;
}
