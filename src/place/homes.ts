import { mean, sum } from '../base/statistics.js';
import type { ModelSpec } from '../model/door.js';
import type { Homes } from './formats/format.js';
import { ranked } from './residents.js';

/** Expert parallelism with neighbours on a GPU; `redundant` slots repeat the first experts (SGLang's `trivial`). */
export const linearHomes = ({ layers }: ModelSpec, gpus: number, redundant: number): Homes =>
  layers.map(({ experts }) => {
    const share = (experts + redundant) / gpus;
    return Array.from({ length: gpus }, (_, gpu) => Array.from({ length: share }, (_, slot) => (gpu * share + slot) % experts));
  });

/** As DeepSeek's EPLB: copies the busiest experts, then packs, longest first. @param demand by dense id */
export function balancedHomes(model: ModelSpec, demand: Float64Array, gpus: number, redundant: number): Homes {
  return model.layers.map(({ experts, index, offset }) => {
    const copies = new Int32Array(experts).fill(1);
    const load = (expert: number): number => demand[offset + expert]! / copies[expert]!;
    const order = ranked(model, demand, index);
    for (let i = 0; i < redundant; i++) {
      // Two copies on a GPU share no work.
      const [first = 0] = order.filter((expert) => copies[expert]! < gpus).sort((a, b) => load(b) - load(a) || a - b);
      copies[first]!++;
    }
    const slots = order.flatMap((expert) => Array<number>(copies[expert]!).fill(expert)).sort((a, b) => load(b) - load(a) || a - b);
    const homes = Array.from({ length: gpus }, (): number[] => []);
    const work = new Float64Array(gpus);
    for (const expert of slots) {
      const free = [...homes.keys()].filter((gpu) => homes[gpu]!.length < (experts + redundant) / gpus);
      const apart = free.filter((gpu) => !homes[gpu]!.includes(expert));
      const home = (apart.length > 0 ? apart : free).sort((a, b) => work[a]! - work[b]! || a - b)[0]!;
      homes[home]!.push(expert);
      work[home]! += load(expert);
    }
    return homes.map((experts) => experts.sort((a, b) => a - b));
  });
}

/** Work of the busiest GPU over the mean, averaged over layers; 1: balanced. */
export function imbalanceOf(model: ModelSpec, homes: Homes, demand: Float64Array): number {
  const byLayer = model.layers.map(({ experts, offset }, l) => {
    const copies = new Int32Array(experts);
    for (const expert of homes[l]!.flat()) copies[expert]!++;
    const work = homes[l]!.map((experts) => sum(experts.map((expert) => demand[offset + expert]! / copies[expert]!)));
    const all = sum(work);
    return all === 0 ? 1 : (Math.max(...work) * work.length) / all;
  });
  return mean(byLayer);
}
