import { placed, UserError } from '../base/errors.js';
import { readText, statOf } from '../base/input-file.js';
import { shownPath } from '../base/profiles.js';
import { isHandTable, readHandTable } from './hand-table.js';
import { RUNTIMES } from './index.js';
import type { Timing, TimingFormat } from './logs/timing.js';
import { isSpoken, readSpoken } from './spoken-timing.js';
import { isTimingText, readTimingText } from './written-timing.js';

export { settingsOfFlags } from './llama.cpp/llama-log.js';
export { timingText } from './written-timing.js';

/** Log formats of runtimes; formats with a distinct mark come first. */
const LOGS = RUNTIMES.flatMap(({ logs, name }) => logs.map((log) => ({ ...log, engine: name }))).sort(
  (a, b) => Number(a.mark === undefined) - Number(b.mark === undefined),
);

/** All readers, the most specific first. */
export const TIMING_FORMATS: readonly TimingFormat[] = [...new Set(RUNTIMES.flatMap(({ logs }) => logs.map(({ format }) => format)))].sort(
  (a, b) => Number(a.isCommon === true) - Number(b.isCommon === true),
);

const printersOf = (format: TimingFormat): string =>
  [...new Set(LOGS.filter((log) => log.format === format).map(({ by }) => by))].join(', ');

/** Timings, at least one. @param path a file, or `-` @throws UserError `file:line: what` */
export const readTimings = (path: string): Timing[] => timingsOf(readText(path, 'log'), shownPath(path));

/** Timings of a text (`eval 24.3 tok/s, -ncmoe 26`) or a log path; at least one. @throws UserError */
export function timingsIn(given: string, place: string): Timing[] {
  if (!isWritten(given)) return placed(place, () => readTimings(given));
  if (given.includes('\n')) return timingsOf(given, place);
  return [!isTimingText(given) && isSpoken(given) ? readSpoken(given, place) : readTimingText(given, place)];
}

/** Longest name of a file, characters. */
const LONGEST_NAME = 255;

/** True for a timing in words, or a pasted log, well-formed or not. */
export const isWritten = (given: string): boolean =>
  (given.length > LONGEST_NAME && given.includes('\n')) ||
  isTimingText(given) ||
  ((isSpoken(given) || /^\s*$|^[\d.]+$|[\x00-\x1f]|tok\/s|\bt\/s/.test(given)) && statOf(given) === null);

/** In order. @throws UserError as {@link timingsIn} */
export function timingsOfFlags(given: readonly string[]): Timing[] {
  return given.flatMap((text) => timingsIn(text, `--timing "${text.slice(0, 200)}"`));
}

/** @param place of the list @throws UserError as {@link timingsIn} */
export function timingsOfFile(kept: readonly string[] | undefined, place: string): Timing[] {
  return (kept ?? []).flatMap((text, i) => timingsIn(text, `${place}.${i}`));
}

/** {@link readTimings} of a loaded text. @param path for messages @throws UserError as {@link readTimings} */
export function timingsOf(given: string, path: string): Timing[] {
  const text = given.replaceAll('\r\n', '\n');
  const format = TIMING_FORMATS.find((format) => format.recognizes(text));
  const byHand = format !== undefined ? [] : isHandTable(text) ? readHandTable(text, path) : isSpoken(text) ? [readSpoken(text, path)] : [];
  if (byHand.length > 0) return byHand.map(offloaded);
  if (format === undefined)
    throw new UserError(
      `${path}: holds no timings that are known; give what one of these prints: ${TIMING_FORMATS.map(printersOf).join('; ')}`,
    );
  const { engine } = LOGS.find((log) => log.format === format && log.mark?.test(text) !== false)!;
  const timings = format.read(text, path).filter(({ decode, prefill }) => decode !== undefined || prefill !== undefined);
  if (timings.length > 0) return timings.map((timing) => offloaded({ ...timing, engine }));
  throw new UserError(`${path}: has no speed of one phase; run the prompt (pp) and generation (tg) as tests of their own`);
}

/** Tokens of a pass without `-ub`. */
const USUAL_UBATCH = 512;

/** A prompt shorter than the variable is computed on the CPU. */
function offloaded(timing: Timing): Timing {
  const { offloadFrom = 0, promptTokens = Number.POSITIVE_INFINITY, ubatch = USUAL_UBATCH } = timing;
  return offloadFrom > Math.min(promptTokens, ubatch) ? { ...timing, noOpOffload: true } : timing;
}
