import { byName } from '../../base/objects.js';
import { BYTES, DURATION, RATE } from '../../base/units.js';
import { READ } from './reach.js';

/** A drive. */
export interface DiskPart {
  readonly name: string;
  /** Bytes/s of large sequential reads. */
  readonly bandwidth: number;
  /** ns until the first byte of a read. */
  readonly latencyNs: number;
  /** Present if whole files are spread over several drives. Absent: a stripe. */
  readonly byFile?: true;
  /** Sentence on an assumed rate; absent: the rate was given. */
  readonly usual?: string;
  readonly bytes?: number;
}

/** Bytes (ours): large enough for any model, without further effect. */
export const DISK_BYTES = 2e12;

/**
 * ns until the first byte (870 EVO 13,000 reads/s, 905P 10 us, a disk half a turn of 7,200/min and a seek; phones
 * guessed).
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

/** Default rates, from data sheets of usual drives, close to the link limit. */
const USUAL = byName<readonly [rate: string, of: string]>({ nvme: ['7GB/s', 'PCIe 4.0 x4'], sata: ['550MB/s', 'SATA at 6 Gbit/s'] });

/** `nvme`, or `nvme-7GB/s-2TB-60us-byfile` or parts of it. @returns null: no drive; a text: the error */
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
