// The command that repeats a run, as reports show it.
import type { Result } from '../result/result.js';
import { printable } from './format.js';

/** Empty where the result does not say: earlier versions wrote none. */
export function againText({ environment }: Pick<Result, 'environment'>): string {
  return printable(String(environment.command ?? ''));
}
