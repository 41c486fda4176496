import type { ExpertSplit, ModelSpec } from '../model/door.js';
import { DenseCost, launchesOf, rowsComputed, speedOf, VECTOR_TOKENS, weightsNs } from './dense-cost.js';
import { type DensePlacement, gpuDevices, moeHolders, SplitDense, socketsTogether } from './dense-split.js';
import { byFormat, type Device, type HardwareSpec, type HostDevice, type ReadBacks } from './spec.js';

/** Times of an expert by MoE layer, ns: a read of the weights; arithmetic of an activation. */
interface ExpertTimes {
  readonly weightNs: Float64Array;
  readonly activationNs: Float64Array;
  /** Extra rows of a multi-row product. */
  readonly tileRows: number;
  /** Each of a few rows reads the weights by itself. */
  readonly rereads: boolean;
}

/** @param tokens of the pass, which decide the kernel where vectors read again; 0: unknown, the faster of both */
function expertTime(
  { activationNs, rereads, tileRows, weightNs }: ExpertTimes,
  layer: number,
  activations: number,
  tokens: number,
): number {
  const [readNs, rowNs] = [weightNs[layer]!, activationNs[layer]!];
  if (!rereads) return Math.max(readNs, rowsComputed(activations, tileRows) * rowNs);
  const vectorNs = activations * Math.max(readNs, rowNs);
  if (tokens > 0 && tokens <= VECTOR_TOKENS) return vectorNs;
  const tiledNs = Math.max(readNs, (tileRows + Math.max(tileRows, activations)) * rowNs);
  return tokens === 0 && activations <= VECTOR_TOKENS ? Math.min(vectorNs, tiledNs) : tiledNs;
}

function expertTimes(model: ModelSpec, deviceOf: (layer: number) => Device): ExpertTimes {
  return {
    tileRows: deviceOf(0).tileRows ?? 0,
    rereads: deviceOf(0).rereads === true,
    weightNs: Float64Array.from(model.layers, (layer) => weightsNs(layer.formats, layer.expertBytes, deviceOf(layer.index))),
    activationNs: Float64Array.from(model.layers, ({ flopsPerToken, formats, index }) => {
      const device = deviceOf(index);
      const { nsPerFlop } = speedOf(device);
      const [main] = formats ?? [];
      const formatPeak = main && device.peakByFormat ? byFormat(device.peakByFormat, main.format) : null;
      return flopsPerToken * (formatPeak === null ? nsPerFlop : 1e9 / (formatPeak * device.computeFraction));
    }),
  };
}

/**
 * Times of a CPU expert: on one of several busy sockets; slices on S sockets divide both times by S. Spread pages take
 * the slower of all memories together and the interconnect, which carries (S - 1) / S of each part.
 */
function hostTimes(model: ModelSpec, cpu: HostDevice): ExpertTimes {
  if (cpu.sockets === undefined) return expertTimes(model, () => cpu);
  const { count, interconnect, numa } = cpu.sockets;
  const device = socketsTogether(cpu, numa === 'expert' ? 1 : count);
  const times = expertTimes(model, () => device);
  if (numa !== 'interleaved') return times;
  const remoteNsPerByte = ((count - 1) * 1e9) / (interconnect.bandwidth * count ** 2);
  return { ...times, weightNs: times.weightNs.map((ns, l) => Math.max(ns, model.layers[l]!.expertBytes * remoteNsPerByte)) };
}

function withPart(model: ModelSpec, split: ExpertSplit | null, device: 'cpu' | 'gpu'): ModelSpec {
  if (split === null) return model;
  return { ...model, layers: model.layers.map((layer) => (layer.index === split.layer ? { ...layer, ...split[device] } : layer)) };
}

const NO_READ_BACKS: ReadBacks = { ns: 0, layers: 0, tokens: 0, unqueuedNs: 0 };

/** A roofline (the larger of memory traffic and arithmetic) plus overheads. Methods allocate nothing. */
export class CostModel {
  readonly passNs: number;
  /** Cost of a CPU handover per event, ns; Infinity without a second processor. */
  readonly handoverNs: number;
  /** Sockets that compute experts in parallel: expert `id` runs on socket `id % cpuQueues`. */
  readonly cpuQueues: number;

  /** GPU time of an expert for a single activation by MoE layer, ns; of the running pass. */
  singleNs: Float64Array;
  /** 1 for each MoE layer on the CPU, experts included: no handover. */
  readonly onCpu: Uint8Array;
  /** Most tokens of a pass whose experts wait for the last copy of their layer; 0: none. */
  readonly awaitingTokens: number;
  /** Further time of a copy in passes of more tokens, ns. */
  readonly unqueuedNs: number;
  /** MoE layer with expert projections on both CPU and GPU; -1: none. */
  readonly splitLayer: number;

  readonly #dense: DenseCost | SplitDense;
  /** Null: all dense layers on the GPU. */
  readonly #split: SplitDense | null;
  readonly #launchNs: number;
  readonly #gpuExperts: ExpertTimes;
  readonly #cpuExperts: ExpertTimes | null;
  readonly #gpuParts: ExpertTimes;
  readonly #cpuLaunchNs: number;
  readonly #readBacks: ReadBacks;
  readonly #vectorNs: Float64Array;
  readonly #tiledNs: Float64Array;
  #cpuShare = 1;
  #tokens = 0;

  /** @param placement null: dense part on the GPU @param split layer with experts on two devices; null: no split */
  constructor(model: ModelSpec, hardware: HardwareSpec, placement: DensePlacement | null = null, split: ExpertSplit | null = null) {
    const { gpu, cpu } = hardware;
    this.passNs = gpu.perPassNs;
    this.handoverNs = cpu?.handoverNs ?? Number.POSITIVE_INFINITY;
    this.#launchNs = gpu.launchNs;
    const devices = gpuDevices(hardware);
    const holders = placement === null ? [] : moeHolders(model, placement);
    const deviceOf = (layer: number): Device => {
      const holder = holders[layer];
      return typeof holder === 'number' ? devices[holder]! : devices[0]!;
    };
    this.splitLayer = split?.layer ?? -1;
    this.#gpuExperts = expertTimes(model, deviceOf);
    this.#gpuParts = split === null ? this.#gpuExperts : expertTimes(withPart(model, split, 'gpu'), deviceOf);
    this.#cpuExperts = cpu === null ? null : hostTimes(withPart(model, split, 'cpu'), cpu);
    this.#vectorNs = Float64Array.from(model.layers, ({ index }) => this.expertNs(index, 1));
    this.singleNs = this.#vectorNs;
    this.beginPass(VECTOR_TOKENS + 1);
    this.#tiledNs = this.#gpuExperts.rereads ? Float64Array.from(model.layers, ({ index }) => this.expertNs(index, 1)) : this.#vectorNs;
    this.beginPass(0);
    const sockets = cpu?.sockets;
    const alone = sockets === undefined || sockets.numa === 'expert';
    this.cpuQueues = alone ? (sockets?.count ?? 1) : 1;
    this.#cpuLaunchNs = (cpu?.launchNs ?? 0) + (alone ? 0 : sockets.interconnect.latencyNs);

    const whole = model.dense.segments.map((segment) => ({
      ...segment,
      layers: segment.attention.length,
      launches: launchesOf(segment.attention),
    }));
    this.#split = placement === null ? null : new SplitDense(model, hardware, placement);
    const dense = new DenseCost(gpu, whole);
    this.#dense = this.#split ?? dense;
    this.repeats = this.#split === null ? dense.repeats : new Uint8Array(whole.length);
    this.onCpu = Uint8Array.from(model.layers, ({ index }) => Number(holders[index] === 'cpu'));
    const { layers: waiting, ...waits } = hardware.readBacks ?? NO_READ_BACKS;
    this.#readBacks = { ...waits, layers: Math.min(waiting, model.layers.length) };
    this.repeats[this.#readBacks.layers] = 0;
    this.awaitingTokens = this.#readBacks.tokens;
    this.unqueuedNs = this.#readBacks.unqueuedNs;
  }

  /** Sequences per read of dense weights. */
  attending = Number.POSITIVE_INFINITY;
  /** By dense segment: 1 if {@link denseNs} equals the previous segment's in any pass. */
  readonly repeats: Uint8Array;
  /** CPU share of the last {@link denseNs}, ns. */
  cpuDenseNs = 0;

  /**
   * Time of a dense segment on all holders, ns, as {@link DenseCost.ns}, with the wait for the ids of a cached layer.
   */
  denseNs(segment: number, tokens: number, contexts: ArrayLike<number>, tokensPerSequence: ArrayLike<number>, sequences: number): number {
    const { attending } = this;
    const waits = this.#readBacks;
    const waitNs = segment < waits.layers && tokens <= waits.tokens ? waits.ns : 0;
    if (sequences <= attending) {
      const ns = this.#dense.ns(segment, tokens, contexts, tokensPerSequence, sequences);
      this.cpuDenseNs = this.#split?.cpuNs ?? 0;
      return ns + waitNs;
    }
    let [ns, cpuNs] = [waitNs, 0];
    for (let from = 0; from < sequences; from += attending) {
      const part = (all: ArrayLike<number>): number[] => Array.prototype.slice.call(all, from, Math.min(sequences, from + attending));
      const parts = part(tokensPerSequence);
      const sum = parts.reduce((total, part) => total + part, 0);
      ns += this.#dense.ns(segment, sum, part(contexts), parts, parts.length);
      cpuNs += this.#split?.cpuNs ?? 0;
    }
    this.cpuDenseNs = cpuNs;
    return ns;
  }

  /** Tells the tokens of the pass whose experts are asked for next; before the first, the faster kernel is taken. */
  beginPass(tokens: number): void {
    this.#tokens = tokens;
    this.singleNs = tokens > VECTOR_TOKENS ? this.#tiledNs : this.#vectorNs;
  }

  /** GPU time of an expert, ns; `activations` tokens share a weight read. @param share of the columns, 0..1 */
  expertNs(layer: number, activations: number, share = 1): number {
    return expertTime(this.#gpuExperts, layer, activations, this.#tokens) * share + this.#launchNs;
  }

  /** GPU time of the split layer's projections on the GPU, ns. */
  gpuPartNs(activations: number): number {
    return expertTime(this.#gpuParts, this.splitLayer, activations, this.#tokens) + this.#launchNs;
  }

  /** CPU time of an expert (split layer: its projections), ns, without {@link handoverNs}; Infinity without a CPU. */
  cpuExpertNs(layer: number, activations: number, share = 1): number {
    const times = this.#cpuExperts;
    if (times === null) return Number.POSITIVE_INFINITY;
    return (expertTime(times, layer, activations, this.#tokens) * share) / this.#cpuShare + this.#cpuLaunchNs;
  }

  /** Sets the CPU's share of full speed, (0, 1]. */
  throttleCpu(share: number): void {
    this.#cpuShare = share;
    if (this.#split !== null) this.#split.cpuShare = share;
  }
}
