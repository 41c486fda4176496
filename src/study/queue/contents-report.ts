// The content of a queue's server, as a document.

import { formatBytes, formatCount, formatCounted } from '../../base/units.js';
import { type Document, grid, note } from '../../report/door.js';
import type { QueueAddress } from './address.js';
import type { BuildCells, QueueContents } from './contents.js';
import { isAlike, type Presence } from './protocol.js';
import type { CellEnd } from './sent-result.js';

/** Reasons of failures that are listed unless everything is asked for. */
const REASONS = 5;
/** Digits of a fingerprint: as `moeprof store ls` shows it. */
const DIGITS = 12;

/** A document of a queue. */
export function contentsDocument({ prefix, shown }: QueueAddress, contents: QueueContents, verbose: boolean): Document {
  const { cells, failures, files, results, sweeps, workers } = contents;
  const reasons = byReason(failures);
  const listed = verbose ? reasons : reasons.slice(0, REASONS);
  const others = [...workers, ...sweeps].some((one) => !isAlike(one)) || cells.some((one) => !isAlike({ ...one, name: '', running: 0 }));
  const nobody = workers.length === 0 && cells.some(({ waiting }) => waiting > 0);
  const more = reasons.length - listed.length;
  const nothing = cells.length + workers.length + sweeps.length + results.count + files.count === 0;
  return {
    title: `queue ${prefix} at ${shown}`,
    blocks: [
      grid<BuildCells>(cells, [
        { head: 'cells of', of: ({ build, protocol }) => buildText(build, protocol), most: 40 },
        { head: 'waiting', of: ({ waiting }) => waiting },
        { head: 'running', of: ({ running }) => running },
        { head: 'delayed', of: ({ delayed }) => delayed },
        { head: 'done', of: ({ done }) => done },
        { head: 'failed', of: ({ failed }) => failed },
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
      grid<Failure>(listed, [
        { head: 'failed', align: 'right', of: ({ cells: failed }) => failed },
        { head: 'a run', align: 'left', of: ({ fingerprint }) => fingerprint.slice(0, DIGITS) },
        { head: 'worker', align: 'left', of: ({ worker }) => worker, most: 16 },
        { head: 'why', align: 'left', of: ({ why }) => why, wrap: 40 },
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

/** Cells that failed for one reason, and the last of them. */
interface Failure {
  readonly cells: number;
  readonly why: string;
  readonly fingerprint: string;
  readonly worker: string;
}

/** @param failures the last one first */
function byReason(failures: readonly CellEnd[]): readonly Failure[] {
  const found = new Map<string, Failure>();
  for (const { failure, fingerprint, worker } of failures) {
    const why = failure ?? '';
    const known = found.get(why) ?? { cells: 0, why, fingerprint, worker };
    found.set(why, { ...known, cells: known.cells + 1 });
  }
  return [...found.values()];
}

/** A build, marked where it is not this one. */
function buildText(build: string, protocol: number): string {
  return isAlike({ name: '', build, protocol, running: 0 }) ? build : `${build}*`;
}
