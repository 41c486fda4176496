// Memory that llama.cpp and ik_llama.cpp allocate for a model on each device: weights, KV cache, compute and output buffers. The formulas reproduce
// published logs exactly (docs/memory.md); none is fitted.

import { UserError } from '../../base/errors.js';
import { remembered } from '../../base/objects.js';
import type { Anatomy, ContextMemory, ModelSpec } from '../../model/door.js';
import { bufferBytes } from './graph/allocator.js';
import { buildGraph, distinctLayers } from './graph/build.js';
import { kvBytesOf } from './graph/kv.js';
import type { DeviceName, LoadPlan } from './graph/load-plan.js';
import { type Placement, placementOf } from './graph/placement.js';
import { Scene } from './graph/scene.js';
import { scheduled } from './graph/schedule.js';

/** Bytes that one device holds. */
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

/** Memory of a loaded model. */
export interface Allocation {
  /** GPUs by number, then `cpu`. */
  readonly devices: readonly DeviceAllocation[];
}

type Holding = Pick<DeviceAllocation, 'name' | 'weights' | 'kv'>;

/** A model without a list of tensors. */
const UNKNOWN = 'nothing says which tensors its file has; name a profile, a config.json or a GGUF file';

/** Computes the memory that the engine allocates. @throws UserError if the model's tensors are unknown, or the plan names what is not there */
export function allocate(model: ModelSpec, plan: LoadPlan): Allocation {
  const anatomy = anatomyOf(model);
  const placement = placementOf(anatomy, plan);
  const compute = computeBytes(model, anatomy, plan, placement);
  const devices = holdingsOf(anatomy, plan, placement).map((holding, index) => ({
    ...holding,
    compute: compute[index]!,
    output: holding.name === 'cpu' ? plan.parallel * anatomy.vocab * 4 : 0,
  }));
  return { devices };
}

/** The part of {@link allocate} that stays as loaded: weights and KV cache, which need no graph. @throws UserError as there */
export function holdings(model: ModelSpec, plan: LoadPlan): Holding[] {
  const anatomy = anatomyOf(model);
  return holdingsOf(anatomy, plan, placementOf(anatomy, plan));
}

function anatomyOf({ anatomy, name }: ModelSpec): Anatomy {
  if (anatomy === undefined) throw new UserError(`model ${name}: ${UNKNOWN}`);
  return anatomy;
}

/** GPUs by number, then `cpu`. */
function holdingsOf(anatomy: Anatomy, plan: LoadPlan, { layers, output, tensors }: Placement): Holding[] {
  const names: DeviceName[] = [...Array.from({ length: plan.gpus }, (_, gpu): DeviceName => `gpu${gpu}`), 'cpu'];
  const devices = new Map(names.map((name) => [name, { name, weights: 0, kv: 0 }]));
  for (const [index, { bytes }] of anatomy.tensors.entries()) devices.get(tensors[index]!)!.weights += bytes;
  // A table that is the head, too, is loaded once more if the head is on a GPU.
  const tied = output !== 'cpu' && !anatomy.tensors.some(({ name }) => name === 'output.weight');
  if (tied) devices.get(output)!.weights += anatomy.tensors.find(({ name }) => name === 'token_embd.weight')?.bytes ?? 0;
  // Layers that predict further tokens are like the last one.
  const next = new Array<ContextMemory>(plan.rules.cachesNextLayers ? anatomy.nextLayers : 0).fill(anatomy.layers.at(-1)!);
  for (const [layer, memory] of [...anatomy.layers, ...next].entries()) {
    devices.get(plan.kvOnCpu ? 'cpu' : layers[layer]!)!.kv += kvBytesOf(memory, plan);
  }
  return [...devices.values()];
}

/** Sizes computed so far, by model and by the inputs of a graph: a search for settings needs the same graph many times. */
const known = new WeakMap<Anatomy, Map<string, number[]>>();

/** Bytes of compute buffers: each GPU's, then the host's: the most in use at once in the graph of a full ubatch over a full context. */
function computeBytes(model: ModelSpec, anatomy: Anatomy, plan: LoadPlan, placement: Placement): number[] {
  const scene = new Scene(model, anatomy, plan, placement);
  const { key, layers } = distinctLayers(scene);
  const { cpuMoeLayers: _, gpuLayers, overrides: __, tensorSplit: ___, ...settings } = plan;
  const whole = gpuLayers > placement.layers.length;
  const question = JSON.stringify([settings, model.layers[0]?.topK, whole, placement.output, key]);
  const answers = remembered(known, anatomy, () => new Map<string, number[]>());
  return remembered(answers, question, () => {
    buildGraph(scene, layers);
    return bufferBytes(scheduled(scene.graph, plan.gpus + 1, plan.pipelineCopies ?? 1), plan.gpus + 1);
  });
}
