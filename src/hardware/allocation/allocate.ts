// What llama.cpp and ik_llama.cpp allocate for a model on each device: weights, KV cache, compute buffer, output buffer. Formulas are
// identities of published logs (docs/memory.md); none is fitted.
import { UserError } from '../../base/errors.js';
import type { ModelSpec } from '../../model/spec.js';
import { computeBytesOf } from './compute.js';
import { kvBytesOf } from './kv.js';
import type { DeviceName, LoadPlan } from './load-plan.js';
import { type Placement, placementOf } from './placement.js';

/** What one device holds, bytes. */
export interface DeviceAllocation {
  readonly name: DeviceName;
  readonly weights: number;
  /** KV cache, and states of layers that keep one instead. */
  readonly kv: number;
  /** Scratch buffer of the graph. */
  readonly compute: number;
  /** Logits that the program reads; host memory. */
  readonly output: number;
}

/** What a loaded model takes. */
export interface Allocation {
  /** GPUs by number, then `cpu`. */
  readonly devices: readonly DeviceAllocation[];
}

/**
 * What the engine allocates.
 * @throws UserError where nothing says which tensors the model has, or the plan names what is not there
 */
export function allocate(model: ModelSpec, plan: LoadPlan): Allocation {
  const { anatomy } = model;
  if (anatomy === undefined)
    throw new UserError(`model ${model.name}: nothing says which tensors its file has; name a profile, a config.json or a GGUF file`);
  const placement = placementOf(anatomy, plan);
  const names: DeviceName[] = [...Array.from({ length: plan.gpus }, (_, gpu): DeviceName => `gpu${gpu}`), 'cpu'];
  return {
    devices: names.map((name) => ({
      name,
      weights: weightsOn(name, model, placement),
      kv: anatomy.layers.reduce(
        (sum, memory, layer) => sum + ((plan.kvOnCpu ? 'cpu' : placement.layers[layer]) === name ? kvBytesOf(memory, plan) : 0),
        0,
      ),
      compute: computeBytesOf(name, model, anatomy, plan, placement),
      output: name === 'cpu' ? plan.parallel * anatomy.vocab * 4 : 0,
    })),
  };
}

/** Weights of a device. A table that is the head, too, is loaded once more where the head is on a GPU. */
function weightsOn(device: DeviceName, { anatomy }: ModelSpec, { output, tensors }: Placement): number {
  const all = anatomy!.tensors;
  const own = all.reduce((sum, { bytes }, index) => (tensors[index] === device ? sum + bytes : sum), 0);
  const tied = output === device && device !== 'cpu' && !all.some(({ name }) => name === 'output.weight');
  return own + (tied ? all.reduce((sum, { bytes, name }) => (name === 'token_embd.weight' ? sum + bytes : sum), 0) : 0);
}
