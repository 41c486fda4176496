import { groupedBy } from '../../base/objects.js';
import { formatBytes, formatCount, formatCounted } from '../../base/units.js';
import { type Document, grid, note } from '../../report/door.js';
import type { QueueAddress } from './address.js';
import type { BuildCells, QueueContents } from './contents.js';
import { isAlike, type Presence } from './protocol.js';
import type { CellEnd } from './sent-result.js';

/** Failure reasons listed by default; ours. */
const REASONS = 5;
/** Digits of a fingerprint, as in `moeprof store ls`. */
const DIGITS = 12;
const COUNTS = ['waiting', 'running', 'delayed', 'done', 'failed'] as const;

/** Contents of a queue's server, as a document. */
export function contentsDocument({ prefix, shown }: QueueAddress, contents: QueueContents, verbose: boolean): Document {
  const { cells, failures, files, results, sweeps, workers } = contents;
  const reasons = [...groupedBy(failures, ({ failure }) => failure).values()];
  const listed = verbose ? reasons : reasons.slice(0, REASONS);
  const others = [...workers, ...sweeps].some((presence) => !isAlike(presence)) || cells.some((presence) => !isAlike(presence));
  const nobody = workers.length === 0 && cells.some(({ waiting }) => waiting > 0);
  const more = reasons.length - listed.length;
  const nothing = cells.length + workers.length + sweeps.length + results.count + files.count === 0;
  return {
    title: `queue ${prefix} at ${shown}`,
    blocks: [
      grid<BuildCells>(cells, [
        { head: 'cells of', of: ({ build, protocol }) => buildText(build, protocol), most: 40 },
        ...COUNTS.map((head) => ({ head, of: (cell: BuildCells) => cell[head] })),
      ]),
      grid<Presence>(workers, [
        { head: 'worker', of: ({ name }) => name, most: 30 },
        { head: 'running', of: ({ running }) => running },
        { head: 'moeprof', align: 'left', of: ({ build, protocol }) => buildText(build, protocol), most: 'rest' },
      ]),
      grid<Presence>(sweeps, [
        { head: 'sweep', of: ({ name }) => name.replace(/^sweep /, '') },
        { head: 'moeprof', align: 'left', of: ({ build, protocol }) => buildText(build, protocol), most: 'rest' },
      ]),
      grid<readonly CellEnd[]>(listed, [
        { head: 'failed', align: 'right', of: (same) => same.length },
        { head: 'a run', align: 'left', of: ([last]) => last!.fingerprint.slice(0, DIGITS) },
        { head: 'worker', align: 'left', of: ([last]) => last!.worker, most: 16 },
        { head: 'why', align: 'left', of: ([last]) => last!.failure, wrap: 40 },
      ]),
      ...(more > 0 ? [note(`${formatCounted(more, 'reason')} more (-v)`, 'dim')] : []),
      note(
        nothing
          ? 'nothing is there'
          : `${formatCounted(results.count, 'result')} (${formatCount(results.untaken)} not taken yet, ${formatBytes(results.bytes)}) and ${formatCounted(files.count, 'file')} (${formatBytes(files.bytes)}) on the server`,
      ),
      ...(nobody ? [note(`no worker is here; moeprof worker --queue ${shown} is one`, 'warning')] : []),
      ...(others ? [note('* another build of moeprof than this one: its cells run on its workers only', 'dim')] : []),
    ],
  };
}

const buildText = (build: string, protocol: number): string => (isAlike({ build, protocol }) ? build : `${build}*`);
