import { UserError } from '../base/errors.js';
import { parseDuration } from '../base/units.js';

/** Shown part of a run, as time or passes: viewers cannot open files of long runs. */
export type Window =
  | { readonly by: 'time' /** ns */; readonly from: number /** ns, exclusive */; readonly to: number }
  | { readonly by: 'pass' /** first pass, from 1 */; readonly from: number /** last pass, inclusive */; readonly to: number };

/** The whole run. */
export const EVERYTHING: Window = { by: 'time', from: 0, to: Number.POSITIVE_INFINITY };

/** `0.5s..1s`, `2ms..`, `..1s`, or `pass:100..120`. @param place e.g. flag @throws UserError if malformed or empty */
export function parseWindow(text: string, place: string): Window {
  const dots = text.indexOf('..');
  if (dots < 0) throw new UserError(`${place} ${text}: is no range; write e.g. 0.5s..1s or pass:100..120`);
  const unit = /^\s*pass(es)?\s*:/.exec(text);
  const by = unit === null ? 'time' : 'pass';
  const first = text.slice(unit === null ? 0 : unit[0].length, dots).trim();
  const last = text.slice(dots + 2).trim();
  const read = by === 'time' ? timeOf : passOf;
  const from = first === '' ? Number(by === 'pass') : read(first, `${place} ${text}`);
  const to = last === '' ? Number.POSITIVE_INFINITY : read(last, `${place} ${text}`);
  if (to < from || (by === 'time' && to === from))
    throw new UserError(`${place} ${text}: ends before it begins; write the earlier end first`);
  return { by, from, to };
}

function timeOf(text: string, place: string): number {
  if (/^[1-9]\d*$/.test(text)) throw new UserError(`${place}: '${text}' has no unit; write ${text}ms, or pass:${text}.. for a pass`);
  return parseDuration(text, place);
}

function passOf(text: string, place: string): number {
  if (!/^[1-9]\d*$/.test(text)) throw new UserError(`${place}: '${text}' is no pass; passes are counted from 1`);
  return Number(text);
}
