import type { BeladyBound } from '../../cache/bounds/belady-bound.js';
import { WORK } from './demand-block.js';

/** Work up to some moment, or from one to another. */
export interface FloorMark {
  readonly denseNs: number;
  /** Demanded experts, counted by event; and the GPU's time for all of them, ns. */
  readonly demanded: number;
  readonly expertsNs: number;
  /** Fewest misses: those of Belady's MIN with bypass, over all layers. */
  readonly misses: number;
}

interface FloorParts extends FloorMark {
  /** Longest time of one of them on the GPU, and shortest on the CPU, ns. Infinity: the CPU computes none. */
  readonly gpuExpertNs: number;
  readonly cpuExpertNs: number;
  /** Time for which one transfer holds the whole link, ns. */
  readonly transferNs: number;
}

function floorNs({ cpuExpertNs, demanded, denseNs, expertsNs, gpuExpertNs, misses, transferNs }: FloorParts): number {
  if (cpuExpertNs === Number.POSITIVE_INFINITY) return Math.max(denseNs + expertsNs, misses * transferNs);
  // Each expert on the CPU adds to its time and takes from the others': the best share is their crossing.
  const others = (taken: number): number =>
    Math.max(denseNs + Math.max(0, expertsNs - taken * gpuExpertNs), Math.max(0, misses - taken) * transferNs);
  const cpuNs = (taken: number): number => denseNs + taken * cpuExpertNs;
  let least = 0;
  let most = demanded;
  for (let step = 0; step < 60 && most - least > 1e-6; step++) {
    const middle = (least + most) / 2;
    if (cpuNs(middle) < others(middle)) least = middle;
    else most = middle;
  }
  return Math.max(cpuNs(least), others(most));
}

/** The floor: the least time of any run with these demands: the larger of GPU work and fewest transfers, at the best share of the CPU. */
export class FloorWork {
  denseNs = 0;
  #expertsNs = 0;
  #demanded = 0;
  #gpuExpertNs = 0;
  #cpuExpertNs = Number.POSITIVE_INFINITY;
  readonly #belady: BeladyBound;
  readonly #slots: number;
  readonly #transferNs: number;

  /** @param belady over all layers; receives events before this @param slots most experts of the memory @param transferNs see {@link FloorParts} */
  constructor(belady: BeladyBound, slots: number, transferNs: number) {
    this.#belady = belady;
    this.#slots = slots;
    this.#transferNs = transferNs;
  }

  get onCpu(): boolean {
    return this.#cpuExpertNs !== Number.POSITIVE_INFINITY;
  }

  /** An event of `size` experts, see {@link WORK}. */
  demand(size: number, work: Float64Array): void {
    const gpuNs = work[WORK.gpu]!;
    this.#demanded += size;
    this.#expertsNs += gpuNs;
    if (work[WORK.cpu] === Number.POSITIVE_INFINITY) return;
    this.#gpuExpertNs = Math.max(this.#gpuExpertNs, gpuNs / size);
    this.#cpuExpertNs = Math.min(this.#cpuExpertNs, work[WORK.cpu]! / size);
  }

  /** A moment that {@link sinceNs} measures from. */
  mark(): FloorMark {
    const misses = this.#demanded - this.#belady.hits;
    return { denseNs: this.denseNs, expertsNs: this.#expertsNs, demanded: this.#demanded, misses };
  }

  /** Least time of any run from a moment to now, ns, whatever was resident then; null: from the beginning. */
  sinceNs(from: FloorMark | null): number {
    const now = this.mark();
    return floorNs({
      denseNs: now.denseNs - (from?.denseNs ?? 0),
      expertsNs: now.expertsNs - (from?.expertsNs ?? 0),
      demanded: now.demanded - (from?.demanded ?? 0),
      gpuExpertNs: this.#gpuExpertNs,
      cpuExpertNs: this.#cpuExpertNs,
      // Experts that lie there at the start may be hits that MIN did not have.
      misses: from === null ? now.misses : Math.max(0, now.misses - from.misses - this.#slots),
      transferNs: this.#transferNs,
    });
  }
}
