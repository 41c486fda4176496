import { formatBytes, formatTokensPerSecond } from '../base/units.js';
import { readOver } from './load.js';
import { READ } from './parts/reach.js';
import type { RuntimeSpec } from './runtime.js';

/** Share of a memory that can hold pages of a file; the rest is the system's and the program's. Ours: 4 to 6 GiB of 64. */
export const PAGES_SHARE = 0.9;

/** The drive of a machine that names none: an NVMe drive on four lanes of PCIe 3.0, by its data sheet. Ours to choose. */
export const USUAL_DRIVE = { name: 'nvme-3.5GB/s', bandwidth: 3.5e9 };

/** A model and a memory too small for it: pages of a mapped file are read again, or the driver moves bytes of a card to host memory. */
export interface Overfull {
  /** Bytes that should lie there, and that find room. */
  readonly needs: number;
  readonly has: number;
  /** Bytes of them that one token reads. */
  readonly touched: number;
  /** Tokens/s if all find room. */
  readonly speed: number;
}

/** Where the rest lies, in words, and the rate of reading it, bytes/s. */
export interface OverflowMemory {
  readonly place: string;
  readonly rate: number;
}

/** A drive as a runtime reads pages of a mapped file. @param bandwidth bytes/s; null: none is named, the usual one is */
export function pagesOf(bandwidth: number | null, runtime: RuntimeSpec): OverflowMemory {
  const disk = {
    name: 'ssd',
    bandwidth: bandwidth ?? USUAL_DRIVE.bandwidth,
    latencyNs: READ.latency,
    lanes: READ.lanes,
    chunkBytes: null,
  } as const;
  const place = bandwidth === null ? `a drive (${USUAL_DRIVE.name}, since none is named)` : 'the drive';
  return { place, rate: readOver(disk, runtime).bandwidth };
}

/** Bytes that each token reads again: of a cycle through the model, a memory misses what it lacks, and at most what is read at all. */
export const readAgain = ({ has, needs, touched }: Overfull): number => Math.min(Math.max(0, needs - has), touched);

/** Tokens/s with the bytes that are read again: their time comes to that of a token, which waits for each page. */
export function overfullSpeed(model: Overfull, { rate }: OverflowMemory): number {
  return 1 / (1 / model.speed + readAgain(model) / rate);
}

/** The forecast in a sentence, without its full stop. */
export function overfullText(model: Overfull, from: OverflowMemory, what: 'weights' | 'weights and KV cache', memory: string): string {
  const { has, needs, speed } = model;
  const [slow, fast] = [overfullSpeed(model, from), speed].map(formatTokensPerSecond);
  return `${formatBytes(needs)} of ${what} in ${formatBytes(has)} of ${memory}: ${formatBytes(readAgain(model))} are read from ${from.place} for every token; about ${slow} in place of ${fast}`;
}
