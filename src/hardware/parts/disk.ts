// Disks by rate: what a drive is called says less of its speed than one figure does.
import { BYTES, RATE } from '../../base/units.js';

/** One drive. */
export interface DiskPart {
  /** As written: `nvme-7GB/s`. */
  readonly name: string;
  /** Bytes/s of large sequential reads. */
  readonly bandwidth: number;
  /** Size, where given. */
  readonly bytes?: number;
}

/** Kinds of drives; the kind is a name, the rate is what counts. */
const KINDS = ['nvme', 'ssd', 'sata', 'ufs', 'emmc', 'hdd', 'optane'];

/**
 * Reads `nvme-7GB/s` or `nvme-7GB/s-2TB`.
 * @returns null where it names no drive; the reason, where it does and cannot be read
 */
export function parseDisk(text: string): DiskPart | string | null {
  const [kind, rate, size, ...rest] = text.trim().split(/[\s-]+/);
  if (!KINDS.includes(kind!.toLowerCase())) return null;
  const bandwidth = rate === undefined ? null : RATE.read(rate);
  const bytes = size === undefined ? undefined : BYTES.read(size);
  if (bandwidth === null || !rate!.endsWith('/s') || bandwidth === 0 || bytes === null || bytes === 0 || rest.length > 0)
    return `a drive needs its rate, and may have a size: ${kind!.toLowerCase()}-7GB/s or ${kind!.toLowerCase()}-7GB/s-2TB`;
  return {
    name: `${kind!.toLowerCase()}-${[rate, size].filter((part) => part !== undefined).join('-')}`,
    bandwidth,
    ...(bytes !== undefined && { bytes }),
  };
}
