import { UserError } from '../../base/errors.js';
import { quoted } from '../../base/text.js';

/** One request as a file describes it. */
export interface Arrival {
  /** ns on a clock of the file's own; only differences count. */
  readonly arrivalNs: number;
  /** Prompt tokens, at least 1. */
  readonly prompt: number;
  /** Generated tokens, at least 1; the first comes with the last prompt token. */
  readonly output: number;
  /** Class of the request, for objectives that differ by class; empty: none. */
  readonly requestClass: string;
}

/** One member of the family of arrival formats. */
export interface ArrivalFormat {
  readonly name: string;
  /** One sentence: the content of a line. */
  readonly summary: string;
  readonly cites: string;
  /** True if the first line is a header and no request. */
  readonly header: boolean;
  /** True if a file that begins with this line is of this format. */
  recognises(firstLine: string): boolean;
  /** Makes the reader of a line from the file's first; it throws UserError, from its `place` (`path:line`) on, for a malformed line. */
  reader(firstLine: string): (line: string, place: string) => Arrival;
}

/** Reads a number of tokens. @param place `path:line` @throws UserError unless it is a whole number of at least 1 */
export function tokensOf(text: unknown, what: string, place: string): number {
  const value = typeof text === 'string' ? (/^\s*\d+(\.0*)?\s*$/.test(text) ? Number(text) : Number.NaN) : text;
  if (typeof value === 'number' && Number.isInteger(value) && value >= 1 && value <= 0x7fffffff) return value;
  throw new UserError(
    `${place}: ${what} is '${typeof text === 'string' ? text : quoted(text)}', where a whole number of tokens of at least 1 is expected`,
  );
}

/** Reads a moment given as a number of units. @param unitNs ns of one unit @throws UserError unless it is a finite number */
export function arrivalTimeOf(text: unknown, unitNs: number, what: string, place: string): number {
  const value = typeof text === 'number' ? text : typeof text === 'string' && text.trim() !== '' ? Number(text) : Number.NaN;
  if (Number.isFinite(value)) return value * unitNs;
  throw new UserError(`${place}: ${what} is '${typeof text === 'string' ? text : quoted(text)}', where a number is expected`);
}
