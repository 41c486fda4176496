// Chooses the drive that experts are read from, at the usual rate of its kind.
import { formatCounted } from '../../base/units.js';
import type { Draft } from './draft.js';
import type { Seen, SeenDisk } from './tools/seen.js';

/** GB/s that drives of a kind read at, as their data sheets say: usual ones, ours to choose. */
const USUAL_RATES: Readonly<Record<Exclude<SeenDisk['kind'], 'virtual' | 'nvme'>, number>> = { sata: 0.55, hdd: 0.2, emmc: 0.3, ufs: 2 };
/** The same of NVMe drives with four lanes, by generation. */
const NVME_RATES: Readonly<Record<number, number>> = { 1: 0.8, 2: 1.6, 3: 3.3, 4: 7, 5: 12, 6: 24 };
const USUAL_NVME = 3.3;

/** Adds the fastest drive, of equal ones the largest. */
export function addDisk({ disks = [] }: Seen, { notSeen, parts, remarks }: Draft): void {
  const rated = disks.flatMap((disk) => (disk.kind === 'virtual' ? [] : [{ disk, rate: rateOf(disk) }]));
  const [best, ...others] = rated.sort((a, b) => b.rate - a.rate || b.disk.bytes - a.disk.bytes);
  if (best === undefined) {
    notSeen.push(
      `${disks.length > 0 ? 'The drive is virtual, and its rate was not seen' : 'No drive was seen'}: a model that does not fit in memory is refused. moeprof machine calibrate measures it.`,
    );
    return;
  }
  const { disk, rate } = best;
  const kind = disk.kind === 'sata' ? 'ssd' : disk.kind;
  parts.push({
    part: `${kind}-${rate}GB/s-${driveSize(disk.bytes)}`,
    seen: `${disk.name}${disk.link?.generation === undefined ? '' : `, PCIe ${disk.link.generation}.0 x${disk.link.lanes ?? 4}`}`,
    exact: true,
  });
  notSeen.push('The rate of the drive was not seen: what drives of its kind read at is taken. moeprof machine calibrate measures it.');
  if (others.length > 0)
    remarks.push(
      `${formatCounted(others.length, 'more drive')} ${others.length === 1 ? 'is' : 'are'} left out: several would be read as a stripe.`,
    );
}

function rateOf({ kind, link }: SeenDisk): number {
  if (kind !== 'nvme') return USUAL_RATES[kind as keyof typeof USUAL_RATES];
  const full = link?.generation === undefined ? USUAL_NVME : (NVME_RATES[link.generation] ?? USUAL_NVME);
  return Math.round(100 * full * Math.min(1, (link?.lanes ?? 4) / 4)) / 100;
}

/** Drives are sold in powers of ten. */
function driveSize(bytes: number): string {
  return bytes >= 1e12 ? `${Math.round(bytes / 1e11) / 10}TB` : `${Math.max(1, Math.round(bytes / 1e9))}GB`;
}
