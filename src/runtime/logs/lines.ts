import { UserError } from '../../base/errors.js';
import { definedFields } from '../../base/objects.js';
import type { PrintedTiming, TimingFormat } from './timing.js';

/** A field with a list; no field for an empty list. */
export const listField = <K extends string, T>(name: K, list: readonly T[]): Partial<Record<K, readonly T[]>> =>
  list.length === 0 ? {} : ({ [name]: list } as Partial<Record<K, readonly T[]>>);

/** Most characters of a line (ours): useful lines are short, and patterns take quadratic time. */
export const LONGEST_LINE = 4096;

/** A line with its place. */
export interface PlacedLine {
  readonly text: string;
  /** `file:line`. */
  readonly place: string;
}

/** Lines of a text with places, without terminal colours. */
export function linesOf(text: string, path: string): PlacedLine[] {
  return text.split('\n').map((line, i) => ({ text: line.replace(/\x1b\[[\d;]*m/g, ''), place: `${path}:${i + 1}` }));
}

/** Fastest credible speed, tokens/s; ours. */
export const FASTEST = 1e7;

/** A speed, tokens/s. @throws UserError if malformed */
export function printedSpeed(text: string, place: string, what: string): number {
  const value = Number(text.replaceAll(',', '').trim());
  if (value > 0 && value <= FASTEST) return value;
  throw new UserError(`${place}: ${what}: "${text.trim().slice(0, 40)}" is no speed; expected tokens a second, e.g. 24.6`);
}

/** A whole number from 0; undefined otherwise. */
export function wholeOf(text: string | number | undefined): number | undefined {
  const value = text === '' ? Number.NaN : Number(text);
  return Number.isInteger(value) && value >= 0 ? value : undefined;
}

/** Bytes of a ggml size, `59.02 GiB`; undefined if malformed. */
export function printedSize(text: string | undefined): number | undefined {
  const match = /^([\d.]+) ([KMGT])iB$/.exec(text ?? '');
  return match === null ? undefined : Number(match[1]) * 1024 ** ('KMGT'.indexOf(match[2]!) + 1);
}

/** A phase's speed. */
export const speedFields = (isPrompt: boolean, speed: number, tokens: number | undefined): Partial<PrintedTiming> =>
  isPrompt
    ? { prefill: speed, ...definedFields({ promptTokens: tokens }) }
    : { decode: speed, ...definedFields({ generatedTokens: tokens }) };

/** Cells; `\\|` is a bar within a cell. */
export const tableCells = (line: string): string[] =>
  line
    .trim()
    .replace(/^\||\|$/g, '')
    .split(/(?<!\\)\|/)
    .map((cell) => cell.trim().replaceAll('\\|', '|'));

/** @throws UserError if a row and its table head differ in cells: a cut line */
export function demandCells(cells: readonly string[], columns: number, place: string): void {
  if (cells.length !== columns)
    throw new UserError(`${place}: has ${cells.length} cells in a table of ${columns} columns; is the line whole?`);
}

/** `prompt eval rate` and `eval rate` after a reply. */
export const evalRates: TimingFormat = {
  recognizes: (text) => /^[ \t]*eval rate:\s+\S+ tokens\/s/m.test(text),
  read: (text, path) => {
    const found: PrintedTiming[] = [];
    let fields: Partial<PrintedTiming> = {};
    for (const { place, text: line } of linesOf(text, path)) {
      const match = /^\s*(prompt eval count|prompt eval rate|eval count|eval rate):\s+([^\s(]+)/.exec(line);
      if (match === null) continue;
      const [, key, value] = match as unknown as [string, string, string];
      const count = definedFields({ [key === 'eval count' ? 'generatedTokens' : 'promptTokens']: wholeOf(value) });
      if (key.endsWith('count')) fields = { ...fields, ...count };
      else if (key === 'prompt eval rate') fields = { ...fields, prefill: printedSpeed(value, place, key) };
      else {
        found.push({ ...fields, ...definedFields({ depth: fields.promptTokens }), decode: printedSpeed(value, place, key), place });
        fields = {};
      }
    }
    return found;
  },
};
