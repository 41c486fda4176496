// Tells whether a file for popularity has rows that the run replays, which needs one of the run's own traces.
import { findProfile, splitRows } from '../../base/profiles.js';
import type { RunSpec } from '../../system/run.js';
import { rangeOfRows } from '../../trace/selection.js';
import type { Inputs } from './inputs.js';

/** True where `source` names rows of a trace of the run that are replayed. @param source a file or a bundled name, rows may stand behind it */
export function replayedOf(
  source: string,
  { folder, trace }: Pick<RunSpec, 'folder' | 'trace'>,
  { heads }: Pick<Inputs, 'heads'>,
): boolean {
  const counted = partOf(source, folder);
  return trace.some((named, i) => {
    if (named === 'synthetic') return false;
    const { end, file, start } = partOf(named, folder);
    return file === counted.file && counted.start < Math.min(end, start + heads[i]!) && start < counted.end;
  });
}

/** The file and the rows, `[start, end)`, that a name means. */
function partOf(named: string, folder: string): { readonly file: string; readonly start: number; readonly end: number } {
  const { path, rows } = splitRows(named);
  const [start, end] = rangeOfRows(rows, Number.POSITIVE_INFINITY);
  return { file: path === '-' ? path : findProfile('traces', path, folder), start, end };
}
