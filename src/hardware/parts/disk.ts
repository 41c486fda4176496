// Disks by read rate: one figure says more about the speed of a drive than its name.
import { byName } from '../../base/objects.js';
import { BYTES, DURATION, RATE } from '../../base/units.js';
import { READ } from './reach.js';

/** One drive. */
export interface DiskPart {
  /** As written: `nvme-7GB/s`. */
  readonly name: string;
  /** Bytes/s of large sequential reads. */
  readonly bandwidth: number;
  /** Time until the first byte of a read, ns. */
  readonly latencyNs: number;
  /** Present where files are put on several drives, whole: what one needs comes from one of them. Absent: they are a stripe. */
  readonly byFile?: true;
  /** Size, where given. */
  readonly bytes?: number;
}

/** Size of a drive without a stated one: it holds any model, and nothing else depends on it. */
export const DISK_BYTES = 2e12;

/**
 * Kinds of drives, and ns until the first byte of a read: what data sheets say of random reads one by one (870 EVO 13,000 a second, 905P 10
 * us, a disk of 7,200 turns a minute half a turn and a seek); flash of phones is an estimate.
 */
const KINDS = byName<number>({
  nvme: READ.latency,
  ssd: READ.latency,
  sata: 80e3,
  ufs: 100e3,
  emmc: 150e3,
  hdd: 12e6,
  optane: 10e3,
});

/**
 * Reads `nvme-7GB/s`, with its size, its latency and the word `byfile` behind where they are wanted: `nvme-7GB/s-2TB-60us-byfile`.
 * @returns null where it names no drive; the reason, where it does and cannot be read
 */
export function parseDisk(text: string): DiskPart | string | null {
  const [word, rate, ...rest] = text.trim().split(/[\s-]+/);
  const kind = word!.toLowerCase();
  const usual = KINDS[kind];
  if (usual === undefined) return null;
  const bandwidth = rate === undefined ? null : RATE.read(rate);
  const behind = extrasOf(rest);
  if (bandwidth === null || !rate!.endsWith('/s') || bandwidth === 0 || behind === null)
    return `a drive needs its rate, and may have a size and a latency: ${kind}-7GB/s, ${kind}-7GB/s-2TB or ${kind}-7GB/s-2TB-60us`;
  return { name: [kind, rate, ...rest].join('-'), bandwidth, latencyNs: usual, ...behind };
}

/** Parses the words behind the rate; null where one is neither a size nor a latency, or stands twice. */
function extrasOf(words: readonly string[]): Partial<Pick<DiskPart, 'bytes' | 'byFile' | 'latencyNs'>> | null {
  let found: Partial<Pick<DiskPart, 'bytes' | 'byFile' | 'latencyNs'>> = {};
  for (const word of words) {
    const bytes = BYTES.read(word);
    const latencyNs = DURATION.read(word);
    const one =
      word === 'byfile' ? ({ byFile: true } as const) : bytes !== null && bytes > 0 ? { bytes } : latencyNs !== null ? { latencyNs } : null;
    if (one === null || Object.keys(one).some((key) => Object.hasOwn(found, key))) return null;
    found = { ...found, ...one };
  }
  return found;
}
