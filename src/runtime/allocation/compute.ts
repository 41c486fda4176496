// The compute buffer of each device. The engines build the graph of a full ubatch over a full context once, and allocate the most memory that
// is in use at any moment. So does this file, with the graph alone.
import type { Anatomy, ModelSpec } from '../../model/door.js';
import { bufferBytes } from './graph/allocator.js';
import { buildGraph } from './graph/build.js';
import { distinctLayers } from './graph/distinct.js';
import type { LoadPlan } from './graph/load-plan.js';
import type { Placement } from './graph/placement.js';
import { Scene } from './graph/scene.js';
import { scheduled } from './graph/schedule.js';

/** Sizes computed so far, by model and by the inputs of a graph: a search for settings asks for the same graph many times. */
const known = new WeakMap<Anatomy, Map<string, number[]>>();

/** Bytes of the compute buffers: of each GPU, then of host memory. */
export function computeBytes(model: ModelSpec, anatomy: Anatomy, plan: LoadPlan, placement: Placement): number[] {
  const scene = new Scene(model, anatomy, plan, placement);
  const { key, layers } = distinctLayers(scene);
  const { cpuMoeLayers: _, gpuLayers, overrides: __, tensorSplit: ___, ...settings } = plan;
  const whole = gpuLayers > placement.layers.length;
  const question = JSON.stringify([settings, model.layers[0]?.topK, whole, placement.output, key]);
  const answers = known.get(anatomy) ?? new Map<string, number[]>();
  known.set(anatomy, answers);
  const answer = answers.get(question);
  if (answer !== undefined) return answer;
  buildGraph(scene, layers);
  const bytes = bufferBytes(scheduled(scene.graph, plan.gpus + 1, plan.pipelineCopies ?? 1), plan.gpus + 1);
  answers.set(question, bytes);
  return bytes;
}
