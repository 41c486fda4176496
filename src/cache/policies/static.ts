import { byName } from '../../base/objects.js';
import { type CachePolicy, NONE, type Pins, type PolicyContext, policy } from '../policy.js';
import { mostPopular } from '../share.js';

class Static implements CachePolicy {
  /** Experts by preference. */
  readonly #order: readonly number[];
  #chosen: number[] = [];
  readonly #isChosen: Uint8Array;
  readonly #isResident: Uint8Array;
  readonly #sizes: Float64Array;
  readonly #preload: boolean;

  constructor({ capacityBytes, experts, sizes }: PolicyContext, order: readonly number[], preload: boolean) {
    this.#order = order;
    this.#isChosen = new Uint8Array(experts);
    this.#isResident = new Uint8Array(experts);
    this.#sizes = sizes;
    this.#preload = preload;
    this.resized(capacityBytes);
  }

  touch(): void {}

  insert(id: number): void {
    this.#isResident[id] = 1;
  }

  remove(id: number): void {
    this.#isResident[id] = 0;
  }

  /** Only a shrunk cache evicts: the least popular resident outside the fixed set. */
  victim(incoming: number, pins: Pins): number {
    if (incoming !== NONE) return NONE;
    return this.#order.findLast((id) => this.#isResident[id] === 1 && this.#isChosen[id] === 0 && !pins.has(id)) ?? NONE;
  }

  resized(capacityBytes: number): void {
    this.#chosen = [];
    this.#isChosen.fill(0);
    let free = capacityBytes;
    for (const id of this.#order) {
      if (this.#sizes[id]! > free) continue;
      free -= this.#sizes[id]!;
      this.#chosen.push(id);
      this.#isChosen[id] = 1;
    }
  }

  bypasses(incoming: number): boolean {
    return this.#isChosen[incoming] === 0;
  }

  preload(): Iterable<number> {
    return this.#preload ? this.#chosen : [];
  }
}

/** The last layer's experts first, as llama.cpp fills the GPU. */
const byLayer = ({ experts, layerOf }: PolicyContext): number[] =>
  Array.from({ length: experts }, (_, id) => id).sort((a, b) => layerOf[b]! - layerOf[a]! || a - b);

/**
 * Static placement, as in Fiddler and llama.cpp: a fixed resident set. `by=popularity`: experts used most in a profile.
 * `by=layer`: llama.cpp's `--n-cpu-moe n`, the first n MoE layers (`cpuLayers`) on the CPU. `by=id`: first ids
 * (SGLang's `uniform` and `random`). `preload=off`: loaded at first use.
 */
export const staticPlacement = policy({
  name: 'static',
  summary: 'keeps a fixed set of experts and streams all others',
  cites: 'Fiddler, arXiv 2402.07033; llama.cpp --n-cpu-moe',
  parameters: {
    by: { default: 'popularity', values: ['popularity', 'layer', 'id'], description: 'what makes an expert wanted' },
    cpuLayers: { default: 0, min: 0, description: 'experts of so many first MoE layers are never resident' },
    preload: { default: true, description: 'load the chosen experts before the run; off: at their first use' },
  },
  needs: ['popularity'],
  needsWith: ({ by }) => (by === 'popularity' ? ['popularity'] : []),
  create(context, { by, cpuLayers, preload }) {
    const orders = byName<() => number[]>({
      popularity: () => mostPopular(context.popularity!),
      layer: () => byLayer(context),
      id: () => Array.from({ length: context.experts }, (_, id) => id),
    });
    const order = orders[by]!().filter((id) => context.layerOf[id]! >= cpuLayers);
    return new Static(context, order, preload);
  },
});
