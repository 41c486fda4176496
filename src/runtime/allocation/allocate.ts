// Memory that llama.cpp and ik_llama.cpp allocate per device. The formulas reproduce published logs exactly
// (docs/memory.md); no formula is fitted.

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

/** Bytes on a device. */
export interface DeviceAllocation {
  readonly name: DeviceName;
  readonly weights: number;
  /** KV cache, and recurrent states. */
  readonly kv: number;
  /** Scratch buffer of the graph. */
  readonly compute: number;
  /** Logits for the program, in host memory. */
  readonly output: number;
}

/** Memory of a loaded model. */
export interface Allocation {
  readonly devices: readonly DeviceAllocation[];
}

type Holding = Pick<DeviceAllocation, 'name' | 'weights' | 'kv'>;

/** Error text for a model without tensors. */
const UNKNOWN = 'nothing says which tensors its file has; name a profile, a config.json or a GGUF file';

/** @throws UserError for unknown tensors, or devices missing from the machine */
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

/** Weights and KV cache of {@link allocate}, without the graph's buffers. @throws UserError as {@link allocate} */
export function holdings(model: ModelSpec, plan: LoadPlan): Holding[] {
  const anatomy = anatomyOf(model);
  return holdingsOf(anatomy, plan, placementOf(anatomy, plan));
}

function anatomyOf({ anatomy, name }: ModelSpec): Anatomy {
  if (anatomy === undefined) throw new UserError(`model ${name}: ${UNKNOWN}`);
  return anatomy;
}

function holdingsOf(anatomy: Anatomy, plan: LoadPlan, { layers, output, tensors }: Placement): Holding[] {
  const names: DeviceName[] = [...Array.from({ length: plan.gpus }, (_, gpu): DeviceName => `gpu${gpu}`), 'cpu'];
  const devices = new Map(names.map((name) => [name, { name, weights: 0, kv: 0 }]));
  for (const [index, { bytes }] of anatomy.tensors.entries()) devices.get(tensors[index]!)!.weights += bytes;
  // A table shared with the head is loaded again if the head is on a GPU.
  const tied = output !== 'cpu' && !anatomy.tensors.some(({ name }) => name === 'output.weight');
  if (tied) devices.get(output)!.weights += anatomy.tensors.find(({ name }) => name === 'token_embd.weight')?.bytes ?? 0;
  const next = new Array<ContextMemory>(plan.rules.cachesNextLayers ? anatomy.nextLayers : 0).fill(anatomy.layers.at(-1)!);
  for (const [layer, memory] of [...anatomy.layers, ...next].entries()) {
    devices.get(plan.kvOnCpu ? 'cpu' : layers[layer]!)!.kv += kvBytesOf(memory, plan);
  }
  return [...devices.values()];
}

/** Cached sizes: a search for settings repeats graphs. */
const known = new WeakMap<Anatomy, Map<string, number[]>>();

/** Peak bytes of compute buffers, GPUs first, for a full ubatch at the end of a full context. */
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
