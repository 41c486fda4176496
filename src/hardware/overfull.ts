import { formatBytes, formatTokensPerSecond } from '../base/units.js';
import { readOver } from './load.js';
import { READ } from './parts/reach.js';
import type { RuntimeSpec } from './runtime.js';

/** Share of memory for file pages; the rest is for the system and the program. Ours: 4 to 6 GiB of 64. */
export const PAGES_SHARE = 0.9;

/** Default drive: NVMe on four lanes of PCIe 3.0, by data sheet. Our choice. */
export const USUAL_DRIVE = { name: 'nvme-3.5GB/s', bandwidth: 3.5e9 };

/** A model in too small a memory: file pages are read again, or card bytes move to host memory. */
export interface Overfull {
  /** Bytes needed in the memory; bytes available. */
  readonly needs: number;
  readonly has: number;
  /** Needed bytes read per token. */
  readonly touched: number;
  readonly speed: number;
}

/** Location of the overflow, in words, and read rate, bytes/s. */
export interface OverflowMemory {
  readonly place: string;
  readonly rate: number;
}

/** @param bandwidth bytes/s; null: the default drive */
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

/** Bytes read again per token: the shortfall, at most the touched bytes. */
export const readAgain = ({ has, needs, touched }: Overfull): number => Math.min(Math.max(0, needs - has), touched);

/** Tokens/s with bytes read again; the read time adds to a token's time. */
export function overfullSpeed(model: Overfull, { rate }: OverflowMemory): number {
  return 1 / (1 / model.speed + readAgain(model) / rate);
}

/** Sentence on the forecast, without a full stop. */
export function overfullText(model: Overfull, from: OverflowMemory, what: 'weights' | 'weights and KV cache', memory: string): string {
  const { has, needs, speed } = model;
  const [slow, fast] = [overfullSpeed(model, from), speed].map(formatTokensPerSecond);
  return `${formatBytes(needs)} of ${what} in ${formatBytes(has)} of ${memory}: ${formatBytes(readAgain(model))} are read from ${from.place} for every token; about ${slow} in place of ${fast}`;
}
