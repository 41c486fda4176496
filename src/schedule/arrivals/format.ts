import { UserError } from '../../base/errors.js';
import { quoted } from '../../base/text.js';

/** A request as described by a file. */
export interface Arrival {
  /** ns on the file's clock; only differences count. */
  readonly arrivalNs: number;
  /** Prompt tokens, at least 1. */
  readonly prompt: number;
  /** Generated tokens, at least 1; the first comes with the last prompt token. */
  readonly output: number;
  /** Class for objectives; empty: none. */
  readonly requestClass: string;
}

/** A member of the family of arrival formats. */
export interface ArrivalFormat {
  readonly name: string;
  /** One sentence: the content of a line. */
  readonly summary: string;
  readonly cites: string;
  /** True if the first line is a header. */
  readonly header: boolean;
  recognises(firstLine: string): boolean;
  /** Makes a line reader from the first line; errors are UserErrors that begin with `place` (`path:line`). */
  reader(firstLine: string): (line: string, place: string) => Arrival;
}

/** @param place `path:line` @throws UserError unless a whole number of at least 1 */
export function tokensOf(text: unknown, what: string, place: string): number {
  const value = typeof text === 'string' ? (/^\s*\d+(\.0*)?\s*$/.test(text) ? Number(text) : Number.NaN) : text;
  if (typeof value === 'number' && Number.isInteger(value) && value >= 1 && value <= 0x7fffffff) return value;
  throw new UserError(
    `${place}: ${what} is '${typeof text === 'string' ? text : quoted(text)}', where a whole number of tokens of at least 1 is expected`,
  );
}

/** @param unitNs ns of a unit @throws UserError unless a finite number */
export function arrivalTimeOf(text: unknown, unitNs: number, what: string, place: string): number {
  const value = typeof text === 'number' ? text : typeof text === 'string' && text.trim() !== '' ? Number(text) : Number.NaN;
  if (Number.isFinite(value)) return value * unitNs;
  throw new UserError(`${place}: ${what} is '${typeof text === 'string' ? text : quoted(text)}', where a number is expected`);
}
