// The command that repeats a run, as reports show it.
import type { Result } from '../../result/result.js';
import { printable } from '../format.js';
import { type Column, type Datum, type Grid, gridOf, type Line, type Lines, linesBlock } from './document.js';

/** Command that repeats a run; empty for results of earlier versions, which do not store it. */
export function againText({ environment }: Pick<Result, 'environment'>): string {
  return printable(String(environment.command ?? ''));
}

/** The column of commands that repeat the runs of a table. */
export const AGAIN = { head: 'again', align: 'left', copy: true } as const;

/** The commands of all rows, for pages, folded. @param keys columns that name a row @param rows values of the keys, and the command */
export function againGrid(keys: readonly Column[], rows: readonly (readonly [key: readonly Datum[], again: string | undefined])[]): Grid {
  const known = rows.filter(([, again]) => again !== undefined && again !== '');
  return gridOf(
    [...keys, AGAIN],
    known.map(([key, again]) => [...key, again]),
    { keys: keys.length, only: ['markdown'], fold: 'The command that repeats each run' },
  );
}

/** The command of one row, for a terminal, which has no room for all. @param which the row, e.g. `fastest`; @param more where the others stand */
export function againLines(which: string, again: string | undefined, more: string): Lines[] {
  if (again === undefined || again === '') return [];
  const where: Line[] = more === '' ? [] : [{ text: more, tone: 'dim' }];
  return [linesBlock([{ text: `${which} again: ${again}` }, ...where], { only: ['terminal'] })];
}
