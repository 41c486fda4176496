// The registry of readers of timings, and the one way to read a log.
import { UserError } from '../../base/errors.js';
import { readText } from '../../base/input-file.js';
import { shownPath } from '../../base/profiles.js';
import { evalRates, ktransformersServer } from './eval-rates.js';
import { llamaBenchJson, llamaBenchMarkdown } from './llama-bench.js';
import { llamaTimings } from './llama-timings.js';
import { oneBatch, serving } from './serving.js';
import { sweepBench } from './sweep-bench.js';
import type { Timing, TimingFormat } from './timing.js';

/** All readers, the most specific first. */
export const TIMING_FORMATS: readonly TimingFormat[] = [
  llamaBenchJson,
  llamaBenchMarkdown,
  sweepBench,
  serving,
  oneBatch,
  ktransformersServer,
  evalRates,
  llamaTimings,
];

/**
 * Timings of a log.
 * @param path a file, or `-` for standard input
 * @returns at least one
 * @throws UserError where it cannot be read, or no reader knows it, or it is damaged: `file:line: what`
 */
export function readTimings(path: string): Timing[] {
  return timingsOf(readText(path, 'log'), shownPath(path));
}

/** {@link readTimings} of text that is at hand; `path` is only for messages. @throws UserError as there */
export function timingsOf(given: string, path: string): Timing[] {
  const text = given.replaceAll('\r\n', '\n');
  const format = TIMING_FORMATS.find((one) => one.recognizes(text));
  if (format === undefined)
    throw new UserError(
      `${path}: holds no timings that are known; give what one of these prints: ${TIMING_FORMATS.map(({ summary }) => summary.replace(/:.*/, '')).join('; ')}`,
    );
  const timings = format.read(text, path).filter(({ decode, prefill }) => decode !== undefined || prefill !== undefined);
  if (timings.length > 0) return timings;
  throw new UserError(`${path}: has no speed of one phase; run the prompt (pp) and generation (tg) as tests of their own`);
}
