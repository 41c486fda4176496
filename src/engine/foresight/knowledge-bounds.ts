// How fast a run could be by what one knows (L19): LRU knows the past, foresight all that is demanded, and nobody is faster than the floor.
import type { BeladyBound } from '../../cache/belady-bound.js';
import { floorNs } from './floor.js';
import { Foresight, type ForesightMachine } from './foresight.js';
import { LruClock } from './lru-clock.js';

/** The clocks of one run. */
export class KnowledgeBounds {
  readonly #foresight: Foresight;
  readonly #lru: LruClock;
  readonly #belady: BeladyBound;
  readonly #own: boolean;
  readonly #transferNs: number;
  #denseNs = 0;
  #expertsNs = 0;
  #demanded = 0;
  #gpuExpertNs = 0;
  #cpuExpertNs = Number.POSITIVE_INFINITY;

  /**
   * @param belady over all layers, at the capacity of the machine
   * @param own true: nobody else tells it of events
   * @param transferNs time for which one transfer of the smallest expert holds the whole link, ns
   */
  constructor(machine: ForesightMachine, belady: BeladyBound, own: boolean, transferNs: number) {
    this.#own = own;
    this.#foresight = new Foresight(machine);
    this.#lru = new LruClock(machine);
    this.#belady = belady;
    this.#transferNs = transferNs;
  }

  /** True: the CPU may compute experts. */
  get onCpu(): boolean {
    return this.#cpuExpertNs !== Number.POSITIVE_INFINITY;
  }

  /** Time of the run so far under LRU on demand, ns. */
  get lruNs(): number {
    return this.#lru.nowNs;
  }

  /** Time that no run of what was demanded so far is below, ns. */
  get floorNs(): number {
    return floorNs({
      denseNs: this.#denseNs,
      demanded: this.#demanded,
      expertsNs: this.#expertsNs,
      gpuExpertNs: this.#gpuExpertNs,
      cpuExpertNs: this.#cpuExpertNs,
      misses: this.#demanded - this.#belady.hits,
      transferNs: this.#transferNs,
    });
  }

  /** The GPU works on what is no expert. */
  dense(ns: number): void {
    this.#denseNs += ns;
    this.#lru.nowNs += ns;
    this.#foresight.dense(ns);
  }

  /**
   * An event.
   * @param ids members by dense id, the first `size` entries, at least one
   * @param gpuNs time of all of them on the GPU; each is taken to need as much as the others
   * @param cpuNs the same on the CPU; Infinity: they are not computed there
   */
  event(layer: number, ids: Int32Array, size: number, gpuNs: number, cpuNs: number): void {
    const gpuExpertNs = gpuNs / size;
    const cpuExpertNs = cpuNs / size;
    this.#demanded += size;
    this.#expertsNs += gpuNs;
    this.#gpuExpertNs = Math.max(this.#gpuExpertNs, gpuExpertNs);
    this.#cpuExpertNs = Math.min(this.#cpuExpertNs, cpuExpertNs);
    if (this.#own) this.#belady.event(layer, ids, size);
    this.#lru.event(ids, size, gpuExpertNs, cpuExpertNs);
    this.#foresight.event(ids, size, gpuExpertNs, cpuExpertNs);
  }

  /** A pass has ended. */
  passEnded(): void {
    this.#foresight.passEnded();
  }

  /** End of each pass under foresight, ns; the run has ended. */
  foresightEnds(): readonly number[] {
    return this.#foresight.passEnds();
  }
}
