// What is drafted in a run: what its profile says, and, where that is silent, what the model and the software that runs it entail.
import { CostModel } from '../hardware/cost.js';
import type { ModelSpec } from '../model/spec.js';
import type { SpeculationSpec } from '../schedule/speculation.js';
import type { RunSpec } from '../system/run.js';
import { acceptancesOf } from '../system/speculation.js';
import type { Inputs } from './inputs.js';

/**
 * Runtimes that keep the state of recurrent layers from before a pass, and run accepted tokens again after a rejection: llama.cpp
 * (ggml-org/llama.cpp pull 19493) and ik_llama.cpp where experts are in host memory (ikawrakow/ik_llama.cpp pull 1669).
 */
const CHECKPOINTS = /llama\.cpp/;

/** What is drafted; null: nothing. */
export function draftingOf(
  { hardware, model }: Pick<Inputs, 'hardware' | 'model'>,
  { workload }: Pick<RunSpec, 'workload'>,
): SpeculationSpec | null {
  const { speculation } = workload;
  if (speculation === undefined || speculation.draft === 0) return null;
  const redoes = isRecurrent(model) && CHECKPOINTS.test(hardware.software?.runtime ?? '');
  return {
    draft: speculation.draft,
    acceptances: acceptancesOf(speculation),
    drafterNs: speculation.drafter ?? headNs(model, new CostModel(model, hardware)),
    rollback: speculation.rollback ?? (redoes ? 'redo' : 'free'),
  };
}

/** True where layers keep a state in place of a KV cache, beside others that have one. */
function isRecurrent({ dense }: ModelSpec): boolean {
  return (
    dense.kvBytesPerToken > 0 && dense.segments.some(({ attention }) => attention.some(({ kvBytesPerToken }) => kvBytesPerToken === 0))
  );
}

/** A multi-token prediction head on the GPU, ns a token: a layer like those of the model on average, the output layer, and a pass. */
function headNs({ layers }: ModelSpec, cost: CostModel): number {
  const one = [1];
  const layerNs = layers.map(({ index, topK }) => cost.denseNs(index, 1, one, one, 1) + topK * cost.expertNs(index, 1));
  return layerNs.reduce((sum, ns) => sum + ns, 0) / layers.length + cost.denseNs(layers.length, 1, one, one, 1) + cost.passNs;
}
