// Several GPUs that a runtime drives as one: each card holds some of the layers, or a slice of every tensor. A model then sees one GPU with
// the memory of all, and the transfers between cards as a cost.
import { UserError } from '../base/errors.js';
import { splitLayers } from './gpu-rooms.js';
import { withRate } from './share.js';
import type { Card, HardwareSpec, JoinedGpus, LinkSpec } from './spec.js';

/** Bytes of one value on its way from one card to the next: llama.cpp hands on f32, tensors that are cut meet in 16 bits. */
const VALUE_BYTES = { layers: 4, tensor: 2 } as const;

/**
 * The machine with its GPUs as one; one with a single GPU as it is.
 * @throws UserError where tensors are to be cut over GPUs that differ
 */
export function joinGpus(hardware: HardwareSpec, sharing: JoinedGpus['sharing']): HardwareSpec {
  const { gpus, ...machine } = hardware;
  if (gpus === undefined) return hardware;
  const { count, interconnect, others } = gpus;
  const [memory, ...below] = machine.tiers;
  const first: Card = { device: machine.gpu, bytes: memory!.bytes };
  const cards = [first, ...(others ?? Array.from({ length: count - 1 }, () => first))];
  if (sharing === 'tensor' && others !== undefined) {
    throw new UserError(`${machine.name}: its GPUs differ, and a tensor is cut over GPUs that are alike; take layers, or name one kind`);
  }
  const joined = { ...machine, tiers: [{ ...memory!, bytes: cards.reduce((sum, { bytes }) => sum + bytes, 0) }, ...below] };
  if (sharing === 'layers') return { ...joined, joined: { sharing, cards, interconnect } };
  const { gpu } = machine;
  return {
    ...joined,
    gpu: { ...gpu, peakFlops: gpu.peakFlops * count, memoryBandwidth: gpu.memoryBandwidth * count },
    links: machine.links.map((link) => (link.name === 'h2d' ? together(link, count, hostRate(machine)) : link)),
    joined: { sharing, cards, interconnect },
  };
}

/** Bandwidth of all host memory together, bytes/s. */
function hostRate({ cpu }: Pick<HardwareSpec, 'cpu'>): number {
  return cpu === null ? Number.POSITIVE_INFINITY : cpu.memoryBandwidth * (cpu.sockets?.count ?? 1);
}

/** One link in place of several, over which each card gets its slice of an expert: no faster than the memory that they all read. */
function together(link: LinkSpec, count: number, most: number): LinkSpec {
  const factor = Math.min(count, most / link.bandwidth);
  return withRate(link, (bandwidth) => bandwidth * factor);
}

/** The card of each of `count` layers: in proportion to the cards' memories, in their order (llama.cpp without -ts). */
export function layerCards(cards: readonly Card[], count: number): number[] {
  return splitLayers(
    cards.map(({ bytes }) => bytes),
    count,
  );
}

/** Time of handing activations from card to card, ns: once, and for each token. */
export function hopOf({ cards, interconnect, sharing }: JoinedGpus, hidden: number): { readonly ns: number; readonly nsPerToken: number } {
  // An all-reduce in a ring sends (n - 1) / n of the values twice.
  const share = sharing === 'tensor' ? (2 * (cards.length - 1)) / cards.length : 1;
  return { ns: interconnect.latencyNs, nsPerToken: (share * hidden * VALUE_BYTES[sharing] * 1e9) / interconnect.bandwidth };
}
