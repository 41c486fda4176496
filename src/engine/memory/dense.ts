import { type DenseBytes, type DensePlacement, denseBytes, layerCards, moeHolders } from '../../hardware/door.js';
import { decoderLayers, type ExpertSplit, expertBytesTotal, type ModelSpec, splitExperts } from '../../model/door.js';
import { DEFAULT_SYSTEM } from '../../runtime/door.js';
import { isWord, misfit, type RunSpec, type SystemSpec, sharingPart } from '../../system/door.js';
import type { Inputs } from '../inputs/inputs.js';

/** Parts without the expert cache. */
export interface DenseRooms {
  readonly gpu: DenseBytes;
  readonly dram: DenseBytes;
  /** Bytes of experts in the GPU's layers; a split layer's part counts as dense weights. */
  readonly expertBytes: number;
}

/** @param placement null: all on the GPU @param split the CPU has all earlier layers; null: no split layer */
export function denseRooms(model: ModelSpec, placement: DensePlacement | null, split: ExpertSplit | null): DenseRooms {
  const rooms = wholeRooms(model, placement);
  if (split === null) return rooms;
  const above = model.layers.filter(({ index }) => index > split.layer);
  const parts = model.layers[split.layer]!.experts * split.gpu.expertBytes;
  return {
    ...rooms,
    gpu: { ...rooms.gpu, weightBytes: rooms.gpu.weightBytes + parts },
    expertBytes: Math.min(rooms.expertBytes, expertBytesTotal({ layers: above })),
  };
}

function wholeRooms(model: ModelSpec, placement: DensePlacement | null): DenseRooms {
  if (placement === null) {
    const { kvBytesPerToken, weightBytes } = model.dense;
    return { gpu: { kvBytesPerToken, weightBytes }, dram: { kvBytesPerToken: 0, weightBytes: 0 }, expertBytes: expertBytesTotal(model) };
  }
  const held = moeHolders(model, placement);
  const kept = model.layers.filter(({ index }) => held[index] !== 'cpu');
  return {
    gpu: denseBytes(model, placement, (holder) => holder !== 'cpu'),
    dram: denseBytes(model, placement, (holder) => holder === 'cpu'),
    expertBytes: kept.reduce((sum, { expertBytes, experts }) => sum + experts * expertBytes, 0),
  };
}

/** Why layers and tensors are not divided, and the option for experts on the CPU. */
const EXPERTS_SHARED = 'is for GPUs that share layers or tensors, and here they share experts; name a runtime that does';
const STAYING = `take ${DEFAULT_SYSTEM}, or another static policy with scope global and onMiss cpu`;

/** True if the CPU computes experts in its memory, without moving experts. */
const staysOnCpu = ({ cache, onMiss }: SystemSpec): boolean =>
  isWord(onMiss, 'cpu') && cache.scope !== 'layer' && cache.policy.name === 'static';

/** Null: all on the GPU. @throws UserError if machine or system forbid the placement */
export function densePlacementOf({ hardware, model, system }: Inputs, run: RunSpec): DensePlacement | null {
  const { gpuLayers, kv, kvGrowth, kvIn } = run.memory;
  const layers = decoderLayers(model);
  const first = gpuLayers === undefined ? 0 : Math.max(0, layers - gpuLayers);
  const headOnCpu = gpuLayers !== undefined && gpuLayers <= layers;
  const kvInDram = kvIn === 'dram';
  const refuse = (key: string, what: string): never => {
    throw misfit(run, `memory.${key}`, what);
  };
  if (kvInDram) {
    if (hardware.cpu === null) refuse('kvIn', `${hardware.name} has no CPU beside a GPU that could attend to them; leave it out`);
    if (kv !== undefined) refuse('kv', 'is room on the GPU, and KV caches lie in DRAM; leave one of them out');
    if (kvGrowth !== undefined && kvGrowth !== 'static')
      refuse('kvGrowth', 'KV caches in DRAM take nothing from the expert cache; leave one of them out');
  }
  const { joined } = hardware;
  const part = sharingPart(system);
  if (joined !== undefined && part !== null) {
    const what = `${system.name} shares experts, and the runtime was told that GPUs share ${joined.sharing === 'layers' ? 'layers' : 'tensors'}`;
    throw misfit(run, `system.${part}`, `${what}; leave runtime.gpu.several out`);
  }
  if (!kvInDram && !headOnCpu && joined === undefined) return null;
  if (hardware.gpus !== undefined) refuse(kvInDram ? 'kvIn' : 'gpuLayers', EXPERTS_SHARED);
  if (headOnCpu) {
    if (hardware.cpu === null)
      refuse('gpuLayers', `${hardware.name} has no CPU beside a GPU that could take the other layers; leave it out`);
    if (model.dense.segments[0]!.attention.length === 0) refuse('gpuLayers', `nothing says which layers ${model.name} has; leave it out`);
    if (!staysOnCpu(system))
      refuse('gpuLayers', `layers of the CPU keep their experts there, and ${system.name} has them elsewhere; ${STAYING}`);
  }
  // The head is the GPUs' last part.
  const onGpus = layers - first + Number(!headOnCpu);
  const cards = joined?.sharing === 'layers' ? layerCards(joined.cards, onGpus) : new Array<number>(onGpus).fill(0);
  return {
    layers: Array.from({ length: layers }, (_, layer) => (layer < first ? 'cpu' : cards[layer - first]!)),
    head: headOnCpu ? 'cpu' : cards.at(-1)!,
    kvInDram,
  };
}

/** Null: no split. @throws UserError if machine, model or system forbid a split */
export function expertSplitOf({ hardware, model, system }: Inputs, run: RunSpec): ExpertSplit | null {
  const { splitLayer } = run.memory;
  if (splitLayer === undefined) return null;
  const refuse = (what: string): never => {
    throw misfit(run, 'memory.splitLayer', what);
  };
  if (hardware.cpu === null) refuse(`${hardware.name} has no CPU beside a GPU that could compute a part of the experts; leave it out`);
  if (hardware.gpus !== undefined) refuse(EXPERTS_SHARED);
  if (!staysOnCpu(system)) refuse(`a split layer's experts stay where they are, and ${system.name} moves them; ${STAYING}`);
  if (splitLayer.layer >= model.layers.length)
    refuse(`layer ${splitLayer.layer} is none of the ${model.layers.length} with experts, counted from 0; take a smaller one`);
  return splitExperts(model, splitLayer.layer, splitLayer.cpu);
}
