import { UserError } from '../../base/errors.js';
import { parseCount } from '../../base/units.js';
import { SHAPE } from '../../model/door.js';
import { describeMetric } from '../../result/catalogue.js';
import type { OptionsOf } from './declared.js';
import type { TRACE } from './groups.js';

/** Values of the flags that read a trace. */
export type TraceFlags = OptionsOf<typeof TRACE>;

/** The model that flags name, or that they describe by its shape; undefined: neither. */
export const namedModel = ({ model, shape }: Pick<TraceFlags, 'model' | 'shape'>): string | undefined =>
  model ?? (shape === undefined ? undefined : SHAPE + shape);

/** @throws UserError for a non-integer */
export function parseSeed(text: string): number {
  if (!/^-?\d{1,10}$/.test(text)) throw new UserError(`--seed: '${text}' is no whole number; write e.g. --seed 7`);
  return Number(text);
}

/** From 1 to `most`. @throws UserError for another value */
export function positiveCount(flag: string, text: string, most = Number.MAX_SAFE_INTEGER): number {
  const value = parseCount(text, flag);
  if (value < 1) throw new UserError(`${flag} ${text}: must be at least 1`);
  if (value > most) throw new UserError(`${flag} ${text}: must be at most ${most}`);
  return value;
}

/** Reads `-j`; undefined: not given. @throws UserError for a non-number or 0 */
export function parseJobs(text: string | undefined): number | undefined {
  const jobs = text === undefined ? undefined : parseCount(text, '--jobs');
  if (jobs === 0) throw new UserError('--jobs: 0 at a time compute nothing; use 1 or more');
  return jobs;
}

/** @throws UserError with the nearest name */
export const metricNames = (text: string, flag: string): string[] =>
  text.split(',').map((part) => {
    try {
      return describeMetric(part.trim()).name;
    } catch (error) {
      throw new UserError(`${flag}: ${(error as Error).message}`);
    }
  });
