// Whether a file that popularity is counted in has rows that the run replays: only where it names one of the run's own traces.
import { resolve } from 'node:path';
import { findProfile, isPath, splitRows } from '../base/profiles.js';
import type { RunSpec } from '../system/run.js';
import type { Inputs } from './inputs.js';

/** True where `source` names rows of a trace of the run that are replayed. @param source a file or a bundled name, rows may stand behind it */
export function replayedOf(
  source: string,
  { folder, trace }: Pick<RunSpec, 'folder' | 'trace'>,
  { heads }: Pick<Inputs, 'heads'>,
): boolean {
  const file = fileOf(source, folder);
  const [from, to] = rowsOf(source, Number.POSITIVE_INFINITY);
  return trace.some((named, i) => {
    if (named === 'synthetic' || fileOf(named, folder) !== file) return false;
    const [start, end] = rowsOf(named, Number.POSITIVE_INFINITY);
    return from < Math.min(end, start + heads[i]!) && start < to;
  });
}

function fileOf(named: string, folder: string): string {
  const { path } = splitRows(named);
  return isPath(path) ? resolve(folder, path) : path === '-' ? path : findProfile('traces', path);
}

/** `[from, to)` of the rows that are named. */
function rowsOf(named: string, all: number): readonly [number, number] {
  const [from = '', to = ''] = splitRows(named).rows.slice(1).split(':');
  return [Number(from), to === '' ? all : Number(to)];
}
