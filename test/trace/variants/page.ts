// docs/routing.md: its tables, and how figures are written there.
import { readFileSync } from 'node:fs';
import { resolve } from 'node:path';

/** The page. */
export const page = readFileSync(resolve(import.meta.dirname, '../../../docs/routing.md'), 'utf8');

/** Its YAML examples. */
export const yaml = [...page.matchAll(/```yaml\n([\s\S]*?)```/g)].map((match) => match[1]!);

/** Cells of a row of a table. */
export const cellsOf = (line: string): string[] =>
  line
    .split('|')
    .slice(1, -1)
    .map((cell) => cell.trim());

/** Cells of the rows below the header that starts with `| first |`. */
export function table(first: string): string[][] {
  const [, body] = page.split(`\n| ${first} |`);
  const lines = body!.split('\n\n')[0]!.split('\n').slice(2);
  return lines.map(cellsOf);
}

/** A share as the page writes it. */
export const percent = (share: number, digits = 1): string => `${(100 * share).toFixed(digits)} %`;

/** A time as the page writes it. */
export const ms = (ns: number): string => `${(ns / 1e6).toFixed(1)} ms`;
