// Static placement: a fixed set of experts stays resident and nothing else ever enters. What Fiddler and llama.cpp do.
import { type CachePolicy, NONE, type PolicyContext, type PolicyDefinition } from '../policy.js';

class Static implements CachePolicy {
  /** The chosen experts, most wanted first. */
  readonly #chosen: number[] = [];
  readonly #isChosen: Uint8Array;
  readonly #preload: boolean;

  /** @param order experts by preference; those that fit are chosen */
  constructor(context: PolicyContext, order: readonly number[], preload: boolean) {
    this.#isChosen = new Uint8Array(context.experts);
    this.#preload = preload;
    let free = context.capacityBytes;
    for (const id of order) {
      if (context.sizes[id]! > free) continue;
      free -= context.sizes[id]!;
      this.#chosen.push(id);
      this.#isChosen[id] = 1;
    }
  }

  touch(): void {}

  insert(): void {}

  remove(): void {}

  victim(): number {
    return NONE;
  }

  bypasses(incoming: number): boolean {
    return this.#isChosen[incoming] === 0;
  }

  preload(): Iterable<number> {
    return this.#preload ? this.#chosen : [];
  }
}

/** Most popular first; ties by id. */
function byPopularity(popularity: Float64Array): number[] {
  return Array.from(popularity.keys()).sort((a, b) => popularity[b]! - popularity[a]! || a - b);
}

/** The last layer's experts first, as llama.cpp fills the GPU; none of the first `cpuLayers` layers. */
function byLayer({ experts, layerOf }: PolicyContext, cpuLayers: number): number[] {
  const ids = Array.from({ length: experts }, (_, id) => id).filter((id) => layerOf[id]! >= cpuLayers);
  return ids.sort((a, b) => layerOf[b]! - layerOf[a]! || a - b);
}

/**
 * `by=popularity`: Fiddler (arXiv 2402.07033) keeps the experts that a profiling run used most. `by=layer`: llama.cpp's
 * `--n-cpu-moe n` keeps the experts of the first n MoE layers (`cpuLayers`) on the CPU and the others on the GPU.
 * `preload=off` loads the chosen experts at their first use instead of before the run.
 */
export const staticPlacement: PolicyDefinition = {
  name: 'static',
  summary: 'keeps a fixed set of experts and streams all others',
  cites: 'Fiddler, arXiv 2402.07033; llama.cpp --n-cpu-moe',
  parameters: {
    by: { default: 'popularity', description: 'what makes an expert wanted', values: ['popularity', 'layer'] },
    cpuLayers: { default: 0, description: 'by=layer: experts of so many first MoE layers are never resident', min: 0 },
    preload: { default: true, description: 'load the chosen experts before the run; off: at their first use' },
  },
  needs: ['popularity'],
  needsWith: ({ by }) => (by === 'popularity' ? ['popularity'] : []),
  create(context, { by, cpuLayers, preload }) {
    const order = by === 'popularity' ? byPopularity(context.popularity!) : byLayer(context, Number(cpuLayers));
    return new Static(context, order, preload === true);
  },
};
