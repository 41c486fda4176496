import type { OutStream } from '../../base/host/command.js';
import type { Environment } from '../../base/host/process.js';

type Stream = Pick<OutStream, 'isTTY' | 'columns'>;

/** Abilities of a stream. */
export interface Terminal {
  readonly color: boolean;
  /** Columns; 80 without a terminal. */
  readonly width: number;
  readonly unicode: boolean;
}

/** Columns of an unknown width, and limit of text. */
const DEFAULT_WIDTH = 80;

/** Flags win over the environment. @param choice `--color` (true), `--no-color` (false), neither (undefined) */
export const detectTerminal = (stream: Stream, environment: Environment, choice: boolean | undefined): Terminal => ({
  color: choice ?? wantsColor(stream, environment),
  width: stream.isTTY === true && stream.columns !== undefined && stream.columns > 0 ? stream.columns : DEFAULT_WIDTH,
  unicode: speaksUnicode(environment),
});

/** Order: NO_COLOR (no-color.org: set and not empty), FORCE_COLOR, the terminal. */
function wantsColor(stream: Stream, environment: Environment): boolean {
  if (isSet(environment.NO_COLOR)) return false;
  const force = environment.FORCE_COLOR;
  if (force !== undefined) return force !== '0' && force !== 'false';
  return stream.isTTY === true && environment.TERM !== 'dumb';
}

/** False for a locale other than UTF-8, a dumb terminal, and the Linux console. */
function speaksUnicode(environment: Environment): boolean {
  if (environment.TERM === 'dumb' || environment.TERM === 'linux') return false;
  const locale = [environment.LC_ALL, environment.LC_CTYPE, environment.LANG].find(isSet);
  return locale === undefined || /utf-?8/i.test(locale);
}

const isSet = (value: string | undefined): value is string => value !== undefined && value !== '';
