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
  /** Present if files are put on several drives, whole: what one needs comes from one of them. Absent: they are a stripe. */
  readonly byFile?: true;
  /** A sentence: its rate was not given, and which one was taken. Absent: it was given. */
  readonly usual?: string;
  readonly bytes?: number;
}

/** Size of a drive without a stated one: it holds any model, and nothing else depends on it. */
export const DISK_BYTES = 2e12;

/** ns until the first byte (870 EVO 13,000 reads/s, 905P 10 us, a disk half a turn of 7,200/min and a seek; phones: a guess). */
const KINDS = byName<number>({
  nvme: READ.latency,
  ssd: READ.latency,
  sata: 80e3,
  ufs: 100e3,
  emmc: 150e3,
  hdd: 12e6,
  optane: 10e3,
});

/** Rates of drives whose rate is not given: those of usual ones' data sheets, close to the limit of their link. */
const USUAL = byName<readonly [rate: string, of: string]>({ nvme: ['7GB/s', 'PCIe 4.0 x4'], sata: ['550MB/s', 'SATA at 6 Gbit/s'] });

/** Reads `nvme`, or `nvme-7GB/s-2TB-60us-byfile` or parts of it. @returns null: no drive; the reason if it cannot be read */
export function parseDisk(text: string): DiskPart | string | null {
  const [word, ...given] = text.trim().split(/[\s-]+/);
  const kind = word!.toLowerCase();
  const latency = KINDS[kind];
  if (latency === undefined) return null;
  const [common, of] = given.length === 0 ? (USUAL[kind] ?? []) : [];
  const [rate, ...rest] = common === undefined ? given : [common];
  const bandwidth = rate === undefined ? null : RATE.read(rate);
  const behind = extrasOf(rest);
  if (bandwidth === null || !rate!.endsWith('/s') || bandwidth === 0 || behind === null)
    return `a drive needs its rate, and may have a size and a latency: ${kind}-7GB/s, ${kind}-7GB/s-2TB or ${kind}-7GB/s-2TB-60us`;
  const usual = common === undefined ? {} : { usual: `Rate of the drive not given: ${kind}-${rate}, usual of ${of}.` };
  return { name: [kind, rate, ...rest].join('-'), bandwidth, latencyNs: latency, ...usual, ...behind };
}

/** Parses the words after the rate; null if one is neither a size nor a latency, or stands twice. */
function extrasOf(words: readonly string[]): Partial<Pick<DiskPart, 'bytes' | 'byFile' | 'latencyNs'>> | null {
  let found: Partial<Pick<DiskPart, 'bytes' | 'byFile' | 'latencyNs'>> = {};
  for (const word of words) {
    const bytes = BYTES.read(word);
    const latencyNs = DURATION.read(word);
    const extra =
      word === 'byfile' ? ({ byFile: true } as const) : bytes !== null && bytes > 0 ? { bytes } : latencyNs !== null ? { latencyNs } : null;
    if (extra === null || Object.keys(extra).some((key) => Object.hasOwn(found, key))) return null;
    found = { ...found, ...extra };
  }
  return found;
}
