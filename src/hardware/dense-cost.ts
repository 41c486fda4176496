import { twelveDigits } from '../base/rounding.js';
import type { AttentionSpec, DenseSegment, FormatShare } from '../model/door.js';
import { byFormat, type Device } from './spec.js';

interface Speed {
  readonly nsPerByte: number;
  readonly nsPerFlop: number;
}

/** Sharpness of the bend between core and memory limits; ours. */
const BEND = 6;

/** Bytes/s: the smaller of cores and memory, with a soft bend. @param share of the data sheet reached by kernels */
function reach({ coreBandwidth, memoryBandwidth }: Device, share: number): number {
  const given = memoryBandwidth * share;
  return coreBandwidth === undefined ? given : twelveDigits(given / (1 + (given / coreBandwidth) ** BEND) ** (1 / BEND));
}

/** Speed of a device. */
export function speedOf(device: Device): Speed {
  return {
    nsPerByte: 1e9 / reach(device, device.bandwidthFraction),
    nsPerFlop: 1e9 / (device.peakFlops * device.computeFraction),
  };
}

/** Most rows of vector products, attention included: a decoded token and a draft. */
export const VECTOR_TOKENS = 8;

/** Few rows are vectors, more are whole tiles (ggml-cuda: mul_mat_vec_q takes 8 columns, mul_mat_q tiles). */
export const rowsComputed = (rows: number, tileRows: number): number => (rows > VECTOR_TOKENS ? rows + tileRows : rows);

/** Least tokens of a pass for unpacking a latent: ik_llama.cpp's limit. */
const UNPACKED_TOKENS = 128;

/** Of a value of a recurrent state that a pass reads and writes in 32 bits. */
const STATE_BYTES = 8;

interface AttentionSpeed extends Speed {
  /** ns per operation with few new tokens per sequence: heads with caches, and heads that share a latent. */
  readonly vectorNsPerFlop: number;
  readonly latentNsPerFlop: number;
}

function attentionOf(device: Device): AttentionSpeed | null {
  if (device.attention === undefined) return null;
  const attending = { ...device, ...device.attention };
  const { latentFraction = attending.vectorFraction, peakFlops, vectorFraction } = attending;
  const nsAt = (share: number): number => 1e9 / (peakFlops * share);
  return { ...speedOf(attending), vectorNsPerFlop: nsAt(vectorFraction), latentNsPerFlop: nsAt(latentFraction) };
}

/** Time to bring in weights, ns: the larger of reading and unpacking. @param formats absent: unknown */
export function weightsNs(formats: readonly FormatShare[] | undefined, bytes: number, device: Device): number {
  const { bandwidthByFormat, bandwidthFraction, unpacking } = device;
  if (formats === undefined || (bandwidthByFormat === undefined && unpacking === undefined)) return bytes * speedOf(device).nsPerByte;
  let readNs = 0;
  let unpackNs = 0;
  for (const part of formats) {
    const share = (bandwidthByFormat && byFormat(bandwidthByFormat, part.format)) ?? bandwidthFraction;
    readNs += (part.bytes * 1e9) / reach(device, share);
    unpackNs += (part.weights * 1e9) / ((unpacking && byFormat(unpacking, part.format)) ?? Number.POSITIVE_INFINITY);
  }
  return Math.max(readNs, unpackNs);
}

/** The sum of min(p, window) over p = context + 1 .. context + tokens. @param window Infinity: none */
export function attendedPairs(context: number, tokens: number, window: number): number {
  const end = context + tokens;
  if (context >= window) return tokens * window;
  if (end <= window) return (tokens * (context + 1 + end)) / 2;
  return ((window - context) * (context + 1 + window)) / 2 + (end - window) * window;
}

/** A device's part of a segment. */
export interface DensePart extends Pick<DenseSegment, 'weightBytes' | 'flopsPerToken' | 'flopsPerSequence' | 'formats'> {
  /** Decoder layers with framework overhead on the device. */
  readonly layers: number;
  /** Layers by kernels ({@link AttentionSpec.launches}); absent: `layers`. */
  readonly launches?: number;
  readonly attention: readonly AttentionSpec[];
}

/** Layers weighted by kernels; grouped attention counts 1. */
export function launchesOf(attention: readonly AttentionSpec[]): number {
  return attention.reduce((sum, { launches = 1 }) => sum + launches, 0);
}

/** Weights, attention, framework time per layer. Methods allocate nothing. */
export class DenseCost {
  /** 1: as much as the previous in any pass, as in most layers. */
  readonly repeats: Uint8Array;
  readonly #speed: Speed;
  readonly #attention: AttentionSpeed | null;

  // By segment.
  readonly #weightNs: Float64Array;
  readonly #tokenFlops: Float64Array;
  readonly #sequenceFlops: Float64Array;
  readonly #overheadNs: Float64Array;
  /** Time of a segment's recurrent states, ns: by cores per token, through memory per sequence. */
  readonly #stateNs: Float64Array;
  readonly #stateMoveNs: Float64Array;
  readonly #tileRows: number;
  // Attention of segment s: entries [groupStart[s], groupStart[s + 1]), layers of equal windows summed.
  readonly #groupStart: Int32Array;
  readonly #groupKvBytes: Float64Array;
  readonly #groupFlops: Float64Array;
  /** ns per operation with few new tokens per sequence. */
  readonly #groupVectorNs: Float64Array;
  /** Score bytes moved per pair of tokens; 0 with flash attention. */
  readonly #groupScoreBytes: Float64Array;
  readonly #groupWindow: Float64Array;
  /** In prompts: operations per pair; ns to unpack a token of context, 0 if nothing is unpacked. */
  readonly #groupPromptFlops: Float64Array;
  readonly #groupUnpackNs: Float64Array;

  constructor(device: Device, parts: readonly DensePart[]) {
    this.#speed = speedOf(device);
    this.#attention = attentionOf(device);
    this.#weightNs = Float64Array.from(parts, (part) => weightsNs(part.formats, part.weightBytes, device));
    this.#tokenFlops = Float64Array.from(parts, (part) => part.flopsPerToken);
    this.#sequenceFlops = Float64Array.from(parts, (part) => part.flopsPerSequence ?? 0);
    const launches = ({ layers, launches: count = layers }: DensePart): number => (device.fusesLayers === true ? layers : count);
    this.#overheadNs = Float64Array.from(parts, (part) => launches(part) * device.perLayerNs);
    const { recurrenceNs = 0, tileRows = 0 } = device;
    this.#stateNs = Float64Array.from(parts, ({ attention }) =>
      attention.reduce((sum, { stateValues = 0 }) => sum + stateValues * recurrenceNs, 0),
    );
    const moveNs = device.movesState === true ? STATE_BYTES * (this.#attention ?? this.#speed).nsPerByte : 0;
    this.#stateMoveNs = Float64Array.from(parts, ({ attention }) =>
      attention.reduce((sum, { stateValues = 0 }) => sum + stateValues * moveNs, 0),
    );
    this.#tileRows = tileRows;
    this.#groupStart = new Int32Array(parts.length + 1);
    const groups: {
      kvBytes: number;
      flops: number;
      promptFlops: number;
      unpackNs: number;
      scores: number;
      window: number;
      latent: boolean;
    }[] = [];
    for (const [s, part] of parts.entries()) {
      for (const { heads = 0, kvBytesPerToken, flopsPerPair, unpacked, wideBytesPerToken = kvBytesPerToken, window } of part.attention) {
        if (kvBytesPerToken === 0 && flopsPerPair === 0) continue;
        const [size, latent] = [window ?? Number.POSITIVE_INFINITY, unpacked !== undefined];
        let group = groups.slice(this.#groupStart[s]).find((other) => other.window === size && other.latent === latent);
        if (group === undefined)
          groups.push((group = { kvBytes: 0, flops: 0, promptFlops: 0, unpackNs: 0, scores: 0, window: size, latent }));
        group.kvBytes += device.widensKv === true ? wideBytesPerToken : kvBytesPerToken;
        group.flops += flopsPerPair;
        group.scores += heads;
        const prompts = device.unpacksLatent ? unpacked : undefined;
        group.promptFlops += prompts?.flopsPerPair ?? flopsPerPair;
        if (prompts !== undefined)
          group.unpackNs += prompts.flopsPerToken * this.#speed.nsPerFlop + prompts.bytesPerToken * this.#speed.nsPerByte;
      }
      this.#groupStart[s + 1] = groups.length;
    }
    this.#groupKvBytes = Float64Array.from(groups, (group) => group.kvBytes);
    this.#groupFlops = Float64Array.from(groups, (group) => group.flops);
    const { latentNsPerFlop = 0, vectorNsPerFlop = 0 } = this.#attention ?? {};
    this.#groupVectorNs = Float64Array.from(groups, ({ latent }) => (latent ? latentNsPerFlop : vectorNsPerFlop));
    this.#groupPromptFlops = Float64Array.from(groups, (group) => group.promptFlops);
    this.#groupUnpackNs = Float64Array.from(groups, (group) => group.unpackNs);
    this.#groupScoreBytes = Float64Array.from(groups, (group) => group.scores * (device.scoreBytes ?? 0));
    this.#groupWindow = Float64Array.from(groups, (group) => group.window);
    const figures = [this.#weightNs, this.#tokenFlops, this.#sequenceFlops, this.#overheadNs, this.#stateNs, this.#stateMoveNs];
    const costs = parts.map((_, s) =>
      JSON.stringify([figures.map((all) => all[s]), groups.slice(this.#groupStart[s], this.#groupStart[s + 1])]),
    );
    this.repeats = Uint8Array.from(costs, (cost, s) => Number(cost === costs[s - 1]));
  }

  /**
   * Time of a segment, ns: max((weights + KV cache read) / bandwidth, (weight + attention operations) / compute) +
   * overhead; two maxima with separate attention speeds. A sequence reads the cache once; scores move without flash
   * attention.
   * @param segment 0 .. MoE layers @param contexts before the pass @param tokensPerSequence in the pass @param
   * sequences count of entries
   */
  ns(segment: number, tokens: number, contexts: ArrayLike<number>, tokensPerSequence: ArrayLike<number>, sequences: number): number {
    const flops = rowsComputed(tokens, this.#tileRows) * this.#tokenFlops[segment]! + sequences * this.#sequenceFlops[segment]!;
    let kvBytes = 0;
    let attentionFlops = 0;
    let vectorFlops = 0;
    let vectorNs = 0;
    let unpackNs = 0;
    const unpacks = tokens >= UNPACKED_TOKENS;
    const pairFlops = unpacks ? this.#groupPromptFlops : this.#groupFlops;
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
      kvBytes += read * this.#groupKvBytes[group]! + pairs * this.#groupScoreBytes[group]!;
      attentionFlops += pairs * pairFlops[group]!;
      vectorFlops += vectorPairs * pairFlops[group]!;
      vectorNs += vectorPairs * pairFlops[group]! * this.#groupVectorNs[group]!;
      if (unpacks) unpackNs += read * this.#groupUnpackNs[group]!;
    }
    const { nsPerByte, nsPerFlop } = this.#speed;
    const overheadNs = this.#overheadNs[segment]! + tokens * this.#stateNs[segment]! + sequences * this.#stateMoveNs[segment]! + unpackNs;
    const attention = this.#attention;
    if (attention === null) {
      return Math.max(this.#weightNs[segment]! + kvBytes * nsPerByte, (flops + attentionFlops) * nsPerFlop) + overheadNs;
    }
    const weightNs = Math.max(this.#weightNs[segment]!, flops * nsPerFlop);
    const attentionNs = (attentionFlops - vectorFlops) * attention.nsPerFlop + vectorNs;
    return weightNs + Math.max(kvBytes * attention.nsPerByte, attentionNs) + overheadNs;
  }
}
