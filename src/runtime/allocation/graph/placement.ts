import { UserError } from '../../../base/errors.js';
import { LIMITS, Meter } from '../../../base/meter.js';
import { rememberedLately } from '../../../base/objects.js';
import { splitLayers } from '../../../hardware/door.js';
import type { Anatomy, Tensor } from '../../../model/door.js';
import type { DeviceName, LoadPlan } from './load-plan.js';
import { parseTensorPattern } from './overrides.js';

/** Device of each tensor and layer, by llama.cpp's loading rules. */
export interface Placement {
  /** Device of attention and KV cache by decoder layer, multi-token prediction layers last. */
  readonly layers: readonly DeviceName[];
  readonly output: DeviceName;
  readonly tensors: readonly DeviceName[];
}

/** Routed experts with biases, as in `--n-cpu-moe` and `--cpu-moe`. */
const EXPERTS = /\.ffn_(up|down|gate|gate_up)_(ch)?exps\./;

/** @throws UserError for a malformed pattern or a device missing from the plan */
export function placementOf(anatomy: Anatomy, plan: LoadPlan): Placement {
  const depth = anatomy.layers.length + anatomy.nextLayers;
  const onGpus = plan.gpus === 0 ? 0 : Math.min(plan.gpuLayers, depth + 1);
  const { headFirst } = plan.rules;
  const first = Math.max(0, depth + Number(headFirst) - plan.gpuLayers);
  const cards = splitLayers(partsOf(plan), onGpus);
  const layers = Array.from(
    { length: depth },
    (_, layer): DeviceName => (onGpus === 0 || layer < first ? 'cpu' : `gpu${cards[layer - first]!}`),
  );
  const output: DeviceName = onGpus > (headFirst ? 0 : depth) ? `gpu${cards.at(-1)!}` : 'cpu';
  const steps = new Meter('-ot', { ...LIMITS.matching, most: 10 * LIMITS.matching.most });
  const overrides = (plan.overrides ?? []).map(({ pattern, device }) => ({
    found: foundIn(anatomy, pattern, steps),
    device: known(device, plan),
  }));
  const placed = ({ layer, name }: Tensor, place: number): DeviceName => {
    const override = overrides.find(({ found }) => found[place] === 1);
    if (override !== undefined) return override.device;
    if (layer !== null) return layer < (plan.cpuMoeLayers ?? 0) && EXPERTS.test(name) ? 'cpu' : layers[layer]!;
    // Token lookup is in host memory; a multi-part embedding table has similar names.
    return /^(token_embd|per_layer_token_embd|token_types|position_embd)/.test(name) ? 'cpu' : output;
  };
  return { layers, output, tensors: anatomy.tensors.map(placed) };
}

/** Recent patterns by model: a search for settings repeats patterns. */
const FOUND = new WeakMap<Anatomy, Map<string, Uint8Array>>();
const MOST_KNOWN = 64;

function foundIn(anatomy: Anatomy, pattern: string, steps: Meter): Uint8Array {
  const known = FOUND.get(anatomy) ?? new Map<string, Uint8Array>();
  FOUND.set(anatomy, known);
  return rememberedLately(known, MOST_KNOWN, pattern, () => {
    const parsed = parseTensorPattern(pattern, `-ot ${pattern}`, steps);
    return Uint8Array.from(anatomy.tensors, ({ name }) => Number(parsed.test(name)));
  });
}

/** Share of layers by GPU. @throws UserError if all are 0 */
function partsOf({ gpus, tensorSplit }: LoadPlan): number[] {
  const parts = Array.from({ length: gpus }, (_, gpu) => (tensorSplit === undefined ? 1 : (tensorSplit[gpu] ?? 0)));
  const total = parts.reduce((sum, part) => sum + part, 0);
  if (gpus > 0 && !(total > 0)) throw new UserError('tensor split: gives no GPU anything; write a positive number for one of them');
  return parts;
}

function known(device: DeviceName, { gpus }: LoadPlan): DeviceName {
  if (device === 'cpu' || Number(device.slice(3)) < gpus) return device;
  const has = gpus === 0 ? 'no GPU' : gpus === 1 ? 'gpu0' : `gpu0 to gpu${gpus - 1}`;
  throw new UserError(`-ot ...=${device}: there is no such device; this machine has ${has} and cpu`);
}
