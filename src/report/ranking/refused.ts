// Runs of a ranking that cannot be: a row each that says why, below those that ran.
import type { Result } from '../../result/result.js';
import { type Grid, grid } from '../document/document.js';

/** A run that was refused, as JSON has it, after the results. */
export interface RefusedRun {
  readonly status: 'refused';
  readonly system: string;
  readonly hardware: string;
  /** How rows name it: as they name those that ran. */
  readonly name: string;
  readonly reason: string;
  /** The command that asks for it again. */
  readonly again: string;
}

/** A run of a ranking. */
export type RankedRun = Result | RefusedRun;

/** Columns that a name and its reason share on a terminal, and the most that the name takes of them. */
const ROOM = 78;
const LONGEST = 30;

/** Results, and runs that cannot be; both in the order of the ranking. */
export function splitRuns(runs: readonly RankedRun[]): { readonly results: Result[]; readonly refused: RefusedRun[] } {
  return {
    results: runs.filter((run): run is Result => !('status' in run)),
    refused: runs.filter((run): run is RefusedRun => 'status' in run),
  };
}

/** Their table, for people. */
export function refusedGrid(refused: readonly RefusedRun[]): Grid {
  const widest = Math.min(LONGEST, Math.max(0, ...refused.map(({ name }) => name.length)));
  return grid(
    refused,
    [
      { head: '', of: ({ name }) => name, most: LONGEST },
      { head: 'why', align: 'left', of: ({ reason }) => reason, wrap: ROOM - widest },
      { head: 'again', align: 'left', of: ({ again }) => again, only: ['markdown'] },
    ],
    { title: 'cannot run', only: ['terminal', 'markdown'] },
  );
}

/** The rows of a grid that has one for each result, with one more for each that was refused: what is known of it under its columns. */
export function withRefused(whole: Grid, refused: readonly RefusedRun[]): Grid {
  if (refused.length === 0) return whole;
  const fields = ({ again, hardware, reason, system }: RefusedRun): Readonly<Record<string, string>> => ({
    again,
    hardware,
    reason,
    system,
  });
  const none = { value: null, text: '' };
  const rows = refused.map((run) =>
    whole.columns.map(({ head }) => {
      const text = fields(run)[head];
      return text === undefined ? none : { value: text, text };
    }),
  );
  const reasons = { head: 'reason', only: ['csv'] as const };
  return {
    ...whole,
    columns: [...whole.columns, reasons],
    rows: [
      ...whole.rows.map((row) => [...row, none]),
      ...rows.map((row, at) => [...row, { value: refused[at]!.reason, text: refused[at]!.reason }]),
    ],
  };
}
