// The layers that the size of a buffer depends on. Memory is reused from layer to layer, so in a sequence of layers on the same device the
// first two of each kind and the last need as much as all of them.
import type { Scene } from './scene.js';

/** Layers of a kind that a graph needs: the first allocates what later ones reuse. */
const ALIKE = 2;

/** The layers of a reduced graph. */
interface Distinct {
  /** Their numbers, in order. */
  readonly layers: readonly number[];
  /** Key of the graph: equal keys mean equal graphs. */
  readonly key: string;
}

/** Finds the layers that a graph needs. */
export function distinctLayers({ anatomy, placement, plan }: Scene): Distinct {
  const all = anatomy.layers.map((_, layer) => layer);
  // Where a layer's tensors lie, and of what kind it is: what it remembers, and what a GPU would have to fetch.
  const places = all.map((layer): string[] => [placement.layers[layer]!]);
  const kinds = anatomy.layers.map((memory): (string | number)[] => [Object.values(memory).join()]);
  const outside: string[] = [];
  for (const [index, { bytes, layer, name }] of anatomy.tensors.entries()) {
    const device = placement.tensors[index]!;
    if (layer === null) {
      outside.push(device);
      continue;
    }
    places[layer]!.push(device);
    kinds[layer]!.push(device === 'cpu' ? bytes : name.length);
  }
  const place = places.map((devices) => devices.join());
  let seen = new Map<string, number>();
  // Copies for pipelining are never given back: each layer brings its own.
  const whole = (plan.pipelineCopies ?? 1) > 1;
  const layers = all.filter((layer) => {
    if (place[layer - 1] !== place[layer]) seen = new Map();
    const kind = kinds[layer]!.join();
    const before = seen.get(kind) ?? 0;
    seen.set(kind, before + 1);
    return whole || before < ALIKE || place[layer + 1] !== place[layer];
  });
  return { layers, key: [outside.join(), ...layers.map((layer) => `${place[layer]} ${kinds[layer]!.join()}`)].join('|') };
}
