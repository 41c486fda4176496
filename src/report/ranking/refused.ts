import { ownValue } from '../../base/objects.js';
import type { Result } from '../../result/result.js';
import { AGAIN } from '../document/again.js';
import { type Grid, type GridCell, grid } from '../document/document.js';

/** A refused run of a ranking, in JSON after the results. */
export interface RefusedRun {
  readonly status: 'refused';
  readonly system: string;
  readonly hardware: string;
  readonly name: string;
  readonly reason: string;
  readonly again: string;
}

/** A run of a ranking. */
export type RankedRun = Result | RefusedRun;

/** Terminal columns of name plus reason, and the most for a name; ours. */
const ROOM = 78;
const LONGEST = 30;

/** Separates results and refused runs, keeping order. */
export function splitRuns(runs: readonly RankedRun[]): { readonly results: Result[]; readonly refused: RefusedRun[] } {
  return {
    results: runs.filter((run): run is Result => !('status' in run)),
    refused: runs.filter((run): run is RefusedRun => 'status' in run),
  };
}

/** Table of refused runs with reasons. */
export function refusedGrid(refused: readonly RefusedRun[]): Grid {
  const widest = Math.min(LONGEST, Math.max(0, ...refused.map(({ name }) => name.length)));
  return grid(
    refused,
    [
      { head: '', of: ({ name }) => name, most: LONGEST },
      { head: 'why', align: 'left', of: ({ reason }) => reason, wrap: ROOM - widest },
      { ...AGAIN, of: ({ again }) => again, only: ['markdown'] },
    ],
    { title: 'cannot run', only: ['terminal', 'markdown'] },
  );
}

/** Appends a row per refused run. */
export function withRefused(whole: Grid, refused: readonly RefusedRun[]): Grid {
  if (refused.length === 0) return whole;
  const cell = (text: string | undefined): GridCell => ({ value: text ?? null, text: text ?? '' });
  const knownOf = (run: Readonly<Partial<Record<string, string>>>): GridCell[] =>
    whole.columns.map(({ head }) => cell(ownValue(run, head)));
  return {
    ...whole,
    columns: [...whole.columns, { head: 'reason', only: ['csv'] }],
    rows: [
      ...whole.rows.map((row) => [...row, cell(undefined)]),
      ...refused.map(({ again, hardware, reason, system }) => [...knownOf({ again, hardware, system }), cell(reason)]),
    ],
  };
}
