import { type DenseSegment, type ModelSpec, scaleFormats } from '../model/door.js';
import { DenseCost, type DensePart, launchesOf } from './dense-cost.js';
import { hopOf } from './several-gpus.js';
import { type Device, type HardwareSpec, type HostDevice, withArithmetic } from './spec.js';

type Holder = 'cpu' | number;

/** Placement of a model's dense part. */
export interface DensePlacement {
  /** By decoder layer, CPU layers first. */
  readonly layers: readonly Holder[];
  readonly head: Holder;
  /** True: KV caches lie in DRAM, and the CPU computes all attention. */
  readonly kvInDram: boolean;
}

/** True if the CPU takes part. @param placement null: dense part on the GPU */
export function usesCpu(placement: DensePlacement | null): boolean {
  return placement !== null && (placement.kvInDram || placement.head === 'cpu' || placement.layers.includes('cpu'));
}

/** Bytes of a dense part on some holders. */
export interface DenseBytes {
  readonly weightBytes: number;
  readonly kvBytesPerToken: number;
}

function holdersOf({ dense }: ModelSpec, { head, layers }: DensePlacement): Holder[][] {
  let first = 0;
  return dense.segments.map(({ attention }, s) => {
    const holders = layers.slice(first, first + attention.length);
    first += attention.length;
    return s === dense.segments.length - 1 ? [...holders, head] : holders;
  });
}

/** Attention of a holder's layers, and weights by share of layers; the head counts as a layer. */
function partOf(segment: DenseSegment, holders: readonly Holder[], holder: Holder, withoutKv: boolean): DensePart {
  const { attention, flopsPerSequence = 0, flopsPerToken, formats, weightBytes } = segment;
  const held = attention.filter((_, at) => holders[at] === holder);
  const units = holders.filter((other) => other === holder).length;
  const share = holders.length === 0 ? Number(holder === 0) : units / holders.length;
  return {
    weightBytes: weightBytes * share,
    flopsPerToken: flopsPerToken * share,
    flopsPerSequence: flopsPerSequence * share,
    ...(formats && { formats: scaleFormats(formats, share, share) }),
    layers: held.length,
    launches: launchesOf(held),
    attention: withoutKv ? [] : held,
  };
}

function cpuPart(segment: DenseSegment, holders: readonly Holder[], kvInDram: boolean): DensePart {
  const ofCpu = partOf(segment, holders, 'cpu', false);
  return kvInDram ? { ...ofCpu, attention: segment.attention } : ofCpu;
}

/** Holder of each MoE layer: the holder of the last decoder layer before routing. */
export function moeHolders(model: ModelSpec, placement: DensePlacement): Holder[] {
  let holder: Holder = 0;
  return holdersOf(model, placement)
    .slice(0, model.layers.length)
    .map((ofLayer) => (holder = ofLayer.at(-1) ?? holder));
}

/** By segment. @param attended segments with attention on the CPU; null: none */
function pathOf(holders: readonly (readonly Holder[])[], attended: readonly DenseSegment[] | null) {
  const switches: number[] = [];
  const hops: number[] = [];
  let at: Holder | null = null;
  for (const [s, ofSegment] of holders.entries()) {
    switches.push(0);
    hops.push(0);
    for (const [u, holder] of ofSegment.entries()) {
      if (at !== null && holder !== at) (holder === 'cpu' || at === 'cpu' ? switches : hops)[s]! += 1;
      at = holder;
      if (holder !== 'cpu' && (attended?.[s]?.attention[u]?.flopsPerPair ?? 0) > 0) switches[s]! += 2;
    }
  }
  return { switches, hops };
}

/** Bytes on the holders that `holds` accepts; the embedding table lies with the first layer. */
export function denseBytes(model: ModelSpec, placement: DensePlacement, holds: (holder: Holder) => boolean): DenseBytes {
  const holders = holdersOf(model, placement);
  const { segments, weightBytes: all } = model.dense;
  const distinct = [...new Set([...placement.layers, placement.head])].filter(holds);
  const tableBytes = all - segments.reduce((sum, { weightBytes }) => sum + weightBytes, 0);
  let weightBytes = holds(placement.layers[0] ?? placement.head) ? tableBytes : 0;
  let kvBytesPerToken = 0;
  for (const holder of distinct) {
    for (const [s, segment] of segments.entries()) {
      const part = partOf(segment, holders[s]!, holder, false);
      weightBytes += part.weightBytes;
      if (!placement.kvInDram) kvBytesPerToken += part.attention.reduce((sum, spec) => sum + spec.kvBytesPerToken, 0);
    }
  }
  if (placement.kvInDram && holds('cpu')) kvBytesPerToken = model.dense.kvBytesPerToken;
  return { weightBytes: Math.round(weightBytes), kvBytesPerToken };
}

/** Several sockets as a device: the runtime's share of summed memory rates; arithmetic scales with cores. */
export function socketsTogether(cpu: HostDevice, count: number): Device {
  const { efficiency = 1, together = 1 } = count > 1 ? (cpu.sockets ?? {}) : {};
  return { ...withArithmetic(cpu, count * together), memoryBandwidth: cpu.memoryBandwidth * count * efficiency };
}

/** All sockets on dense work as on experts; with experts per socket, a single socket's figures. */
function wholeHost(cpu: HostDevice): Device {
  const { sockets } = cpu;
  if (sockets === undefined || sockets.numa === 'expert') return cpu;
  const { count, interconnect, numa } = sockets;
  const together = socketsTogether(cpu, count);
  if (numa === 'tensor') return together;
  // Each socket reads an S-th, of which (S - 1) / S crosses the interconnect.
  const remote = (interconnect.bandwidth * count ** 2) / (count - 1) / cpu.bandwidthFraction;
  return { ...together, memoryBandwidth: Math.min(together.memoryBandwidth, remote) };
}

/** Devices of GPU layers: the cards by layer, or all as one. */
export function gpuDevices({ gpu, joined }: HardwareSpec): readonly Device[] {
  return joined?.sharing === 'layers' ? joined.cards.map(({ device }) => device) : [gpu];
}

/** Prices segments with several holders. Methods allocate nothing. */
export class SplitDense {
  /** CPU time within the last {@link ns}, ns. */
  cpuNs = 0;
  cpuShare = 1;
  readonly #gpus: readonly DenseCost[];
  readonly #cpu: DenseCost | null;
  /** By segment: crossing time between GPU and CPU, ns; hops between GPUs. */
  readonly #switchNs: Float64Array;
  readonly #hops: Float64Array;
  /** Time of a hop, ns: fixed, and per token. */
  readonly #hopNs: number;
  readonly #hopNsPerToken: number;
  readonly #copied: {
    readonly from: number;
    readonly gpu: DenseCost;
    readonly cpu: DenseCost;
    readonly ns: Float64Array;
    readonly ifSooner: boolean;
  } | null;

  constructor(model: ModelSpec, hardware: HardwareSpec, placement: DensePlacement) {
    const { cpu, links } = hardware;
    const { segments } = model.dense;
    const holders = holdersOf(model, placement);
    const devices = gpuDevices(hardware);
    const kvInDram = placement.kvInDram;
    this.#gpus = devices.map(
      (device, g) =>
        new DenseCost(
          device,
          segments.map((segment, s) => partOf(segment, holders[s]!, g, kvInDram)),
        ),
    );
    const ofCpu = segments.map((segment, s) => cpuPart(segment, holders[s]!, kvInDram));
    const host = cpu === null ? null : wholeHost(cpu);
    this.#cpu = host === null ? null : new DenseCost(host, ofCpu);
    const path = pathOf(holders, kvInDram ? segments : null);
    const handoverNs = cpu?.handoverNs ?? 0;
    this.#switchNs = Float64Array.from(path.switches, (switches) => (switches * handoverNs) / 2);
    const { joined } = hardware;
    // Tensor slices meet after attention and after the experts of every layer.
    const cut = joined?.sharing === 'tensor';
    this.#hops = Float64Array.from(cut ? segments.map(({ attention }) => 2 * attention.length) : path.hops);
    const hop = joined === undefined ? { ns: 0, nsPerToken: 0 } : hopOf(joined, model.hidden);
    this.#hopNs = hop.ns;
    this.#hopNsPerToken = hop.nsPerToken;
    const from = hardware.software?.offloadFrom ?? null;
    const link = links[0];
    this.#copied =
      from === null || host === null || link === undefined || !placement.layers.includes('cpu')
        ? null
        : {
            from,
            gpu: new DenseCost(
              devices[0]!,
              segments.map((segment, s) => partOf(segment, holders[s]!, 'cpu', true)),
            ),
            cpu: new DenseCost(
              host,
              ofCpu.map(({ attention }) => ({ weightBytes: 0, flopsPerToken: 0, layers: 0, attention })),
            ),
            ifSooner: hardware.software?.offloadIfSooner === true,
            ns: Float64Array.from(ofCpu, (part) => {
              const copyNs = part.weightBytes === 0 ? 0 : link.latencyNs + (part.weightBytes * 1e9) / link.bandwidth;
              return copyNs + part.attention.filter(({ flopsPerPair }) => flopsPerPair > 0).length * handoverNs;
            }),
          };
  }

  /** Time of a segment, ns, as {@link DenseCost.ns}: all holders' parts, and the crossings. */
  ns(segment: number, tokens: number, contexts: ArrayLike<number>, tokensPerSequence: ArrayLike<number>, sequences: number): number {
    let ns = 0;
    for (const gpu of this.#gpus) ns += gpu.ns(segment, tokens, contexts, tokensPerSequence, sequences);
    ns += this.#hops[segment]! * (this.#hopNs + tokens * this.#hopNsPerToken);
    const copied = this.#copied;
    this.cpuNs = 0;
    const copies = copied !== null && tokens >= copied.from;
    if (this.#cpu !== null && (!copies || copied.ifSooner))
      this.cpuNs = this.#cpu.ns(segment, tokens, contexts, tokensPerSequence, sequences) / this.cpuShare;
    const onCpuNs = this.cpuNs + this.#switchNs[segment]!;
    if (!copies) return ns + onCpuNs;
    const cpuNs = copied.cpu.ns(segment, tokens, contexts, tokensPerSequence, sequences) / this.cpuShare;
    const copiedNs = cpuNs + copied.gpu.ns(segment, tokens, contexts, tokensPerSequence, sequences) + copied.ns[segment]!;
    if (copied.ifSooner && onCpuNs <= copiedNs) return ns + onCpuNs;
    this.cpuNs = cpuNs;
    return ns + copiedNs;
  }
}
