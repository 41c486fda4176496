import type { Result } from '../../result/result.js';
import { printable } from '../format.js';
import { type Column, type Datum, type Grid, gridOf, type Line, type Lines, linesBlock } from './document.js';

/** Command that repeats a run; empty for results of versions that did not store a command. */
export function againText({ environment }: Pick<Result, 'environment'>): string {
  return printable(String(environment.command ?? ''));
}

/** Column of the commands. */
export const AGAIN = { head: 'again', align: 'left', copy: true } as const;

/** Folded commands, for pages. @param keys columns that identify a row */
export function againGrid(keys: readonly Column[], rows: readonly (readonly [key: readonly Datum[], again: string | undefined])[]): Grid {
  const known = rows.filter(([, again]) => again !== undefined && again !== '');
  return gridOf(
    [...keys, AGAIN],
    known.map(([key, again]) => [...key, again]),
    { keys: keys.length, only: ['markdown'], fold: 'The command that repeats each run' },
  );
}

/**
 * Command of one row, for a terminal. @param which the row, e.g. `fastest` @param more place of the remaining commands
 */
export function againLines(which: string, again: string | undefined, more: string): Lines[] {
  if (again === undefined || again === '') return [];
  const where: Line[] = more === '' ? [] : [{ text: more, tone: 'dim' }];
  return [linesBlock([{ text: `${which} again: ${again}` }, ...where], { only: ['terminal'] })];
}
