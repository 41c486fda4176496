import { formatBytes, formatNs, formatNumber, formatRate, formatRatio } from '../../../base/units.js';
import { aboutRate, bareRange } from '../../../report/door.js';
import type { CacheUses } from '../../../runtime/door.js';
import type { Measurement } from '../../validate/rows/measurement.js';
import { copyBandwidth } from '../../validate/rows/row-machine.js';
import type { CauseRule, CheckCase } from './rule.js';
import { WEIGHTS } from './weights.js';

/** An expert cache, by what it printed of itself: hits, uploads, and the time that these take of a token. */
export const expertCache: CauseRule = {
  name: 'expert-cache',
  title: 'the expert cache',
  weight: WEIGHTS.expertCache,
  unlike: true,
  advice:
    'Try more MiB, weights in pinned memory (--load-mode none, older builds: --no-mmap), from which uploads are faster, and no cache at all.',
  examine: (run) => {
    const { cache, row } = run;
    if (cache === null || row.measured.tg_tps === undefined) return null;
    const { copiedBytes, large, small } = cache;
    const uses = small === undefined || demanded(large) > demanded(small) ? large : small;
    if (uses === undefined) return null;
    const other = uses === small ? large : small;
    const [tokens, others] = uses === small ? ['up to 8', '9 to 32'] : ['9 to 32', 'up to 8'];
    const onCpu = uses.onCpu === 0 ? '' : `, ${formatRatio(uses.onCpu / uses.misses, 0)} of the misses on the CPU`;
    const beside = other === undefined ? '' : ` (${others}: ${hitsOf(other)})`;
    return [
      `${hitsOf(uses)} hits in passes of ${tokens} tokens${beside}${onCpu}; ${uploadsOf(run, uses)}.`,
      sizeOf(run),
      copiedBytes === undefined ? '' : `Longer passes took ${formatBytes(copiedBytes)} from it, not over the link.`,
      withoutIt(run),
    ]
      .filter((text) => text !== '')
      .join(' ');
  },
};

const demanded = (uses: CacheUses | undefined): number => (uses === undefined ? 0 : uses.hits + uses.misses);

const hitsOf = (uses: CacheUses): string => formatRatio(uses.hits / demanded(uses));

/** Uploads of a token, and their time over the link, where both are known. */
function uploadsOf({ cache, row }: CheckCase, { uploadedBytes }: CacheUses): string {
  const { tokens = 0 } = cache!;
  if (tokens === 0) return `${formatBytes(uploadedBytes)} uploaded in all`;
  const bytes = uploadedBytes / tokens;
  const uploads = `${formatBytes(bytes)} uploaded for each generated token`;
  const link = linkOf(row.machine);
  const spent = link === null ? 0 : (bytes * 1e9) / link.rate;
  const token = 1e9 / row.measured.tg_tps!;
  // Requests at a time share a token's time, and no upload takes longer than all.
  if (link === null || (row.run.batch_users ?? 1) > 1 || spent > token) return uploads;
  return `${uploads}: about ${formatNs(spent)} of its ${formatNs(token)}, ${link.words} ${formatRate(link.rate)}`;
}

/** Bytes/s of the link to each GPU; null: none, or several kinds. */
function linkOf({ gpus, unified }: Measurement['machine']): { readonly rate: number; readonly words: string } | null {
  const [first] = gpus;
  if (first?.pcie === undefined || unified === true) return null;
  const { gen, lanes, measured_gbps } = first.pcie;
  const rate = copyBandwidth(first);
  if (gpus.some((gpu) => gpu.pcie === undefined || copyBandwidth(gpu) !== rate)) return null;
  return { rate, words: measured_gbps === undefined ? `if PCIe ${gen}.0 x${lanes} carries` : 'over a link measured at' };
}

function sizeOf({ cache, model }: CheckCase): string {
  if (cache!.size === undefined) return '';
  const { bytes, hostBytes, layers, slots } = cache!.size;
  const topK = model?.layers[0]?.topK;
  const worth = topK === undefined || layers === 0 ? '' : `, room for what ${formatNumber(slots / (layers * topK), 1)} tokens ask`;
  return `It has ${formatBytes(bytes)} for ${formatBytes(hostBytes)} of experts${worth}.`;
}

/** The prediction of the same setting, in which nothing is cached. */
function withoutIt({ decode, row }: CheckCase): string {
  if (decode === null || row.placement.kind !== 'cpu-layers' || row.machine.unified === true) return '';
  const { band, expected } = decode;
  const range = band === null ? '' : ` (${bareRange(band, expected)})`;
  return `Predicted for the same line without it: ${aboutRate(expected)} tok/s${range}.`;
}
