// Reference for what lies where: levels of memory, each of caches and the link that fills them (L6, L14).
import { expertSizes } from '../../src/model/spec.js';
import { ReferenceLink, type ReferenceTransfer } from './reference-link.js';
import { cachesOf, type NextUse, type ReferenceCache } from './reference-policies.js';
import { rulesOf, type Scenario } from './scenario.js';

/** A level of memory: caches, the link that fills them, and by which transfer each expert came (none: before the run). */
export class Level {
  readonly caches: readonly ReferenceCache[];
  readonly link: ReferenceLink;
  readonly came = new Map<number, ReferenceTransfer>();
  /** Experts in buffers outside the caches, or on their way there, and whether each leaves when it has arrived. */
  readonly staged = new Map<number, boolean>();
  /** When each free buffer is free, ns. */
  readonly #freeNs: number[];

  constructor(caches: readonly ReferenceCache[], link: ReferenceLink, buffers = 0) {
    this.caches = caches;
    this.link = link;
    this.#freeNs = Array(buffers).fill(0);
  }

  holds(id: number): boolean {
    return this.staged.has(id) || this.caches.some(({ resident }) => resident.has(id));
  }

  arrivalNs(id: number): number {
    return this.came.get(id)?.arrivalNs ?? 0;
  }

  /** What is on its way to a demand yields to nothing. */
  promote(id: number): void {
    const transfer = this.came.get(id);
    if (transfer !== undefined) transfer.yields = false;
  }

  residents(): number[] {
    return [...new Set(this.caches)].flatMap(({ resident }) => [...resident]).sort((a, b) => a - b);
  }

  /** An expert takes the buffer that is free first. @returns when it is, from `atNs` on; Infinity: there is none */
  stage(id: number, atNs: number): number {
    const [freeNs] = this.#freeNs.sort((a, b) => a - b).splice(0, 1);
    if (freeNs === undefined) return Number.POSITIVE_INFINITY;
    this.staged.set(id, false);
    return Math.max(atNs, freeNs);
  }

  /** An expert gives its buffer back. */
  leave(id: number, freeNs: number): void {
    this.staged.delete(id);
    this.#freeNs.push(freeNs);
  }
}

/** The memory of a scenario: whole experts and copies on the GPU, DRAM below them, and the way back. */
export function memoryOf(scenario: Scenario, nextUse: NextUse) {
  const { capacityBytes, copies, dram, hardware, model, policy, scope, staging } = scenario;
  const [h2d, ssd] = hardware.links;
  const sizes = expertSizes(model);
  const copyShare = rulesOf(scenario).find((rule) => rule.do === 'low-precision')?.copyBytes ?? 1;
  const copySizes = sizes.map((bytes) => Math.ceil(bytes * copyShare));
  // L6: copies have their share of the bytes, but where every expert fits whole.
  const fits = capacityBytes >= sizes.reduce((sum, bytes) => sum + bytes, 0);
  const poolBytes = copies === undefined || fits ? 0 : Math.floor(copies.share * capacityBytes);
  const whole = cachesOf(model, sizes, policy, scope, capacityBytes - poolBytes, nextUse);
  // A DRAM that is no cache has everything from the start.
  const below = cachesOf(model, sizes, dram?.policy ?? 'static', 'global', dram?.capacityBytes ?? Infinity, nextUse);
  return {
    sizes,
    copySizes,
    poolBytes,
    slices: poolBytes > 0 && copies!.additive,
    pool: cachesOf(model, copySizes, copies?.policy ?? 'lru', copies?.scope ?? 'global', poolBytes, nextUse),
    gpu: new Level(whole, new ReferenceLink(h2d!), staging),
    dram: new Level(below, new ReferenceLink(ssd ?? h2d!)),
    writeBack: new ReferenceLink(h2d!),
  };
}
