// What work costs on a machine: a roofline. A kernel takes as long as the larger of its memory traffic and its arithmetic, plus fixed
// overheads; at batch 1 the overheads of a framework weigh as much as the bytes, so they are part of the model, not noise.
import type { FormatShare, ModelSpec } from '../model/spec.js';
import { byFormat } from './by-format.js';
import type { Device, HardwareSpec, HostDevice } from './spec.js';

/** Nanoseconds per byte and per operation that a device reaches. */
interface Speed {
  readonly nsPerByte: number;
  readonly nsPerFlop: number;
}

function speedOf(device: Device): Speed {
  return {
    nsPerByte: 1e9 / (device.memoryBandwidth * device.bandwidthFraction),
    nsPerFlop: 1e9 / (device.peakFlops * device.computeFraction),
  };
}

/** New tokens of a sequence up to which attention is a product of vectors: a decoded token and a draft beside it. */
const VECTOR_TOKENS = 8;

/** What attention reaches; its arithmetic has two speeds. */
interface AttentionSpeed extends Speed {
  /** Where few tokens of a sequence are new, ns per operation. */
  readonly vectorNsPerFlop: number;
}

function attentionOf(device: Device): AttentionSpeed | null {
  if (device.attention === undefined) return null;
  return { ...speedOf({ ...device, ...device.attention }), vectorNsPerFlop: 1e9 / (device.peakFlops * device.attention.vectorFraction) };
}

/** Times of one expert by MoE layer: reading its weights once, and the arithmetic of one activation, in ns. */
interface ExpertTimes {
  readonly weightNs: Float64Array;
  readonly activationNs: Float64Array;
}

function expertTimes(model: ModelSpec, device: Device): ExpertTimes {
  const { nsPerFlop } = speedOf(device);
  return {
    weightNs: Float64Array.from(model.layers, (layer) => weightsNs(layer.formats, layer.expertBytes, device)),
    activationNs: Float64Array.from(model.layers, ({ flopsPerToken, formats }) => {
      const [main] = formats ?? [];
      const own = main && device.peakByFormat && byFormat(device.peakByFormat, main.format);
      return flopsPerToken * (own === undefined ? nsPerFlop : 1e9 / (own * device.computeFraction));
    }),
  };
}

/**
 * Time to bring weights to where they are multiplied, in ns: the larger of reading their bytes and unpacking them. Few bits a weight
 * are read fast and unpacked no faster than others.
 * @param formats what they are made of; absent: nothing is known but their bytes
 */
function weightsNs(formats: readonly FormatShare[] | undefined, bytes: number, device: Device): number {
  const { bandwidthByFormat, bandwidthFraction, memoryBandwidth, unpacking } = device;
  if (formats === undefined || (bandwidthByFormat === undefined && unpacking === undefined)) return bytes * speedOf(device).nsPerByte;
  let readNs = 0;
  let unpackNs = 0;
  for (const part of formats) {
    const share = (bandwidthByFormat && byFormat(bandwidthByFormat, part.format)) ?? bandwidthFraction;
    readNs += (part.bytes * 1e9) / (memoryBandwidth * share);
    unpackNs += (part.weights * 1e9) / ((unpacking && byFormat(unpacking, part.format)) ?? Number.POSITIVE_INFINITY);
  }
  return Math.max(readNs, unpackNs);
}

/**
 * Times of one expert on the CPU. Where it is one socket's, they are those of a device. A slice of it on each of S sockets takes an S-th
 * of both. Pages that are spread over S sockets are served by all memories together, which is no faster than slices (L20); of the S-th
 * that each socket reads, an S-th lies in its own memory and the rest comes over the interconnect, whichever takes longer.
 */
function hostTimes(model: ModelSpec, cpu: HostDevice): ExpertTimes {
  const alone = expertTimes(model, cpu);
  if (cpu.sockets === undefined || cpu.sockets.numa === 'expert') return alone;
  const { count, efficiency = 1, interconnect, numa } = cpu.sockets;
  const remoteNsPerByte = numa === 'tensor' ? 0 : ((count - 1) * 1e9) / (interconnect.bandwidth * count ** 2);
  return {
    weightNs: alone.weightNs.map((ns, l) => Math.max(ns / (count * efficiency), model.layers[l]!.expertBytes * remoteNsPerByte)),
    activationNs: alone.activationNs.map((ns) => ns / count),
  };
}

/**
 * Positions that `tokens` new tokens attend to after `context` earlier ones: the sum of min(p, window) over p = context + 1 ..
 * context + tokens (causal attention, a token attends to itself).
 * @param window sliding window in tokens; Infinity: none
 */
export function attendedPairs(context: number, tokens: number, window: number): number {
  const end = context + tokens;
  if (context >= window) return tokens * window;
  if (end <= window) return (tokens * (context + 1 + end)) / 2;
  return ((window - context) * (context + 1 + window)) / 2 + (end - window) * window;
}

/**
 * Prices one model on one machine. Everything that does not depend on the pass is computed once; the methods allocate nothing.
 */
export class CostModel {
  /** Fixed cost of a pass in ns. */
  readonly passNs: number;
  /** Cost in ns, once per event, of handing activations to the CPU and back; Infinity where the machine has no second processor. */
  readonly handoverNs: number;
  /** Sockets that compute experts beside one another: expert `id` is computed by socket `id % cpuQueues`. */
  readonly cpuQueues: number;

  readonly #gpu: Speed;
  /** Of attention, where it takes its own time; null: it shares the roofline of the weights. */
  readonly #attention: AttentionSpeed | null;
  readonly #launchNs: number;
  readonly #gpuExperts: ExpertTimes;
  readonly #cpuExperts: ExpertTimes | null;
  readonly #cpuLaunchNs: number;
  /** Share of its speed that the CPU has now. */
  #cpuShare = 1;

  // Dense segments, one entry each.
  readonly #weightBytes: Float64Array;
  readonly #weightNs: Float64Array;
  readonly #tokenFlops: Float64Array;
  readonly #sequenceFlops: Float64Array;
  readonly #overheadNs: Float64Array;
  // Attention of segment s: entries [groupStart[s], groupStart[s + 1]), layers of one window summed.
  readonly #groupStart: Int32Array;
  readonly #groupKvBytes: Float64Array;
  readonly #groupFlops: Float64Array;
  readonly #groupWindow: Float64Array;

  constructor(model: ModelSpec, hardware: HardwareSpec) {
    const { gpu, cpu } = hardware;
    this.passNs = gpu.perPassNs;
    this.handoverNs = cpu?.handoverNs ?? Number.POSITIVE_INFINITY;
    this.#gpu = speedOf(gpu);
    this.#attention = attentionOf(gpu);
    this.#launchNs = gpu.launchNs;
    this.#gpuExperts = expertTimes(model, gpu);
    this.#cpuExperts = cpu === null ? null : hostTimes(model, cpu);
    const sockets = cpu?.sockets;
    const alone = sockets === undefined || sockets.numa === 'expert';
    this.cpuQueues = alone ? (sockets?.count ?? 1) : 1;
    // Where sockets share an expert, they wait for one another at its end.
    this.#cpuLaunchNs = (cpu?.launchNs ?? 0) + (alone ? 0 : sockets.interconnect.latencyNs);

    const { segments } = model.dense;
    this.#weightBytes = Float64Array.from(segments, (segment) => segment.weightBytes);
    this.#weightNs = Float64Array.from(segments, (segment) => weightsNs(segment.formats, segment.weightBytes, gpu));
    this.#tokenFlops = Float64Array.from(segments, (segment) => segment.flopsPerToken);
    this.#sequenceFlops = Float64Array.from(segments, (segment) => segment.flopsPerSequence ?? 0);
    this.#overheadNs = Float64Array.from(segments, (segment) => segment.attention.length * gpu.perLayerNs);
    this.#groupStart = new Int32Array(segments.length + 1);
    const groups: { kvBytes: number; flops: number; window: number }[] = [];
    for (const [s, segment] of segments.entries()) {
      for (const { kvBytesPerToken, flopsPerPair, window } of segment.attention) {
        if (kvBytesPerToken === 0 && flopsPerPair === 0) continue;
        const size = window ?? Number.POSITIVE_INFINITY;
        let group = groups.slice(this.#groupStart[s]).find((one) => one.window === size);
        if (group === undefined) groups.push((group = { kvBytes: 0, flops: 0, window: size }));
        group.kvBytes += kvBytesPerToken;
        group.flops += flopsPerPair;
      }
      this.#groupStart[s + 1] = groups.length;
    }
    this.#groupKvBytes = Float64Array.from(groups, (group) => group.kvBytes);
    this.#groupFlops = Float64Array.from(groups, (group) => group.flops);
    this.#groupWindow = Float64Array.from(groups, (group) => group.window);
  }

  /**
   * Time of a dense segment for one pass in ns: max((weights + KV cache read) / bandwidth, (weight + attention operations) / compute),
   * plus the per-layer overhead; where attention has its own speeds, the two maxima of weights and of attention. The tokens of one
   * sequence share one read of its KV cache (flash attention).
   * @param segment index of the segment, 0 .. MoE layers
   * @param tokens tokens of the pass
   * @param contexts tokens of each sequence before this pass
   * @param tokensPerSequence tokens of each sequence in this pass
   * @param sequences entries of both arrays that count
   */
  denseNs(segment: number, tokens: number, contexts: ArrayLike<number>, tokensPerSequence: ArrayLike<number>, sequences: number): number {
    const flops = tokens * this.#tokenFlops[segment]! + sequences * this.#sequenceFlops[segment]!;
    let kvBytes = 0;
    let attentionFlops = 0;
    let vectorFlops = 0;
    const last = this.#groupStart[segment + 1]!;
    for (let group = this.#groupStart[segment]!; group < last; group++) {
      const window = this.#groupWindow[group]!;
      let read = 0;
      let pairs = 0;
      let vectorPairs = 0;
      for (let s = 0; s < sequences; s++) {
        const context = contexts[s]!;
        const added = tokensPerSequence[s]!;
        read += Math.min(context + added, window + added - 1);
        const attended = attendedPairs(context, added, window);
        pairs += attended;
        if (added <= VECTOR_TOKENS) vectorPairs += attended;
      }
      kvBytes += read * this.#groupKvBytes[group]!;
      attentionFlops += pairs * this.#groupFlops[group]!;
      vectorFlops += vectorPairs * this.#groupFlops[group]!;
    }
    const { nsPerByte, nsPerFlop } = this.#gpu;
    const overheadNs = this.#overheadNs[segment]!;
    const attention = this.#attention;
    if (attention === null) {
      const bytes = this.#weightBytes[segment]! + kvBytes;
      return Math.max(bytes * nsPerByte, (flops + attentionFlops) * nsPerFlop) + overheadNs;
    }
    const weightNs = Math.max(this.#weightNs[segment]!, flops * nsPerFlop);
    const attentionNs = (attentionFlops - vectorFlops) * attention.nsPerFlop + vectorFlops * attention.vectorNsPerFlop;
    return weightNs + Math.max(kvBytes * attention.nsPerByte, attentionNs) + overheadNs;
  }

  /** Time of one expert of MoE layer `layer` on the GPU in ns; its `activations` tokens share one read of the weights. */
  expertNs(layer: number, activations: number): number {
    return Math.max(this.#gpuExperts.weightNs[layer]!, activations * this.#gpuExperts.activationNs[layer]!) + this.#launchNs;
  }

  /** The same on the CPU, without {@link handoverNs}; Infinity where the machine has no second processor. */
  cpuExpertNs(layer: number, activations: number): number {
    const times = this.#cpuExperts;
    if (times === null) return Number.POSITIVE_INFINITY;
    return Math.max(times.weightNs[layer]!, activations * times.activationNs[layer]!) / this.#cpuShare + this.#cpuLaunchNs;
  }

  /** From now on the CPU computes at this share of its speed, (0, 1]. */
  throttleCpu(share: number): void {
    this.#cpuShare = share;
  }
}
