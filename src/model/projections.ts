import { UserError } from '../base/errors.js';
import type { Tensor } from './anatomy.js';
import { decoderLayerOf, type FormatShare, type ModelSpec, type MoeLayer, scaleFormats, sumFormats } from './spec.js';

/** Expert projections on the CPU: a contiguous step, so that a pass crosses once. */
export const CPU_PROJECTIONS = ['down', 'gate+up'] as const;
/** An entry of {@link CPU_PROJECTIONS}. */
export type CpuProjections = (typeof CPU_PROJECTIONS)[number];

type ExpertPart = Pick<MoeLayer, 'expertBytes' | 'flopsPerToken' | 'formats'>;

/** A layer with experts on two devices. */
export interface ExpertSplit {
  /** MoE layer, 0-based. */
  readonly layer: number;
  readonly cpu: ExpertPart;
  readonly gpu: ExpertPart;
}

/** A tensor of routed experts; group 1 is the projection. */
const EXPERTS = /\.ffn_(gate_up|gate|up|down)_(?:ch)?exps\./;

/** Beginnings of a layer's expert tensor names: `blk.24.ffn_down_exps`. */
export function projectionTensors(model: ModelSpec, layer: number, projections: CpuProjections): readonly string[] {
  return [...new Set(tensorsOf(model, layer, projections).map(({ name }) => name.replace(/exps\..*$/, 'exps')))];
}

function tensorsOf(model: ModelSpec, layer: number, projections: CpuProjections): Tensor[] {
  const decoderLayer = decoderLayerOf(model, layer);
  const tensors = model.anatomy?.tensors.filter((tensor) => tensor.layer === decoderLayer && EXPERTS.test(tensor.name)) ?? [];
  return tensors.filter(({ name }) => (EXPERTS.exec(name)![1] === 'down') === (projections === 'down'));
}

/** True if the expert projections of a layer are separate tensors. */
export const isSeparable = (model: ModelSpec, layer: number): boolean =>
  CPU_PROJECTIONS.every((projections) => tensorsOf(model, layer, projections).length > 0);

/** Parts by equal matrices. @throws UserError for unknown tensors */
export function splitExperts(model: ModelSpec, layer: number, projections: CpuProjections): ExpertSplit {
  if (!isSeparable(model, layer))
    throw new UserError(
      `model ${model.name}: nothing says which tensors hold the projections of layer ${layer}'s experts; leave them on one device`,
    );
  const whole = model.layers[layer]!;
  const down = tensorsOf(model, layer, 'down');
  const gateUp = tensorsOf(model, layer, 'gate+up');
  const bytes = (tensors: readonly Tensor[]): number => tensors.reduce((sum, tensor) => sum + tensor.bytes, 0);
  const matrices = gateUp.filter(({ name }) => name.endsWith('.weight')).reduce((sum, { name }) => sum + (/gate_up/.test(name) ? 2 : 1), 0);
  const [cpu, gpu] = projections === 'down' ? [down, gateUp] : [gateUp, down];
  const share = (group: readonly Tensor[]): number => (group === down ? 1 : matrices) / (1 + matrices);
  const all = bytes(down) + bytes(gateUp);
  const cpuBytes = Math.round((whole.expertBytes * bytes(cpu)) / all);
  return {
    layer,
    cpu: partOf(whole, cpu, cpuBytes, share(cpu)),
    gpu: partOf(whole, gpu, whole.expertBytes - cpuBytes, share(gpu)),
  };
}

function partOf({ flopsPerToken, formats }: MoeLayer, tensors: readonly Tensor[], expertBytes: number, share: number): ExpertPart {
  const flops = flopsPerToken * share;
  if (formats === undefined) return { expertBytes, flopsPerToken: flops };
  const stored = tensors.reduce((sum, { bytes }) => sum + bytes, 0);
  const weights = formats.reduce((sum, format) => sum + format.weights, 0) * share;
  const lists = tensors.map(({ bytes, format }): FormatShare[] => [{ format, weights: (weights * bytes) / stored, bytes }]);
  return { expertBytes, flopsPerToken: flops, formats: scaleFormats(sumFormats(lists), 1, expertBytes / stored) };
}
