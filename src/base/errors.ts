import { shortened, visible } from './text.js';

/** CI jobs distinguish gates, input errors and internal errors. */
export const EXIT = { ok: 0, gateFailed: 1, input: 2, notComparable: 3, internal: 70, interrupted: 130, terminated: 143 } as const;

/** User's mistake, with a complete one-line message. */
export class UserError extends Error {
  override readonly name = 'UserError';
  readonly exitCode: number;

  /** @param message one line: `place: fault and remedy`; cut beyond 500 characters @param exitCode of {@link EXIT} */
  constructor(message: string, exitCode: number = EXIT.input) {
    super(shortened(visible(message)));
    this.exitCode = exitCode;
  }
}

/** Result of `work`, or its UserError. */
export function orUserError<T>(work: () => T): T | UserError {
  try {
    return work();
  } catch (error) {
    return userErrorOf(error);
  }
}

/** @throws any other value */
export function userErrorOf(error: unknown): UserError {
  if (error instanceof UserError) return error;
  throw error;
}

/** Prefixes the message of a UserError with a place. */
export function placed<T>(place: string, work: () => T): T {
  try {
    return work();
  } catch (error) {
    throw error instanceof UserError ? new UserError(`${place}: ${error.message}`, error.exitCode) : error;
  }
}

/** Internal bug: a violated law of docs/semantics.md. */
export class InternalError extends Error {
  override readonly name = 'InternalError';

  /** @param law as in `L8` @param what the violation, with its numbers */
  constructor(law: string, what: string) {
    super(`${law}: ${what}`);
  }
}

/** A wrong argument would become a wrong figure. @throws InternalError for NaN, or outside `least..most` */
export function within(law: string, name: string, value: number, least = 0, most = Number.POSITIVE_INFINITY): void {
  if (!(value >= least && value <= most)) throw new InternalError(law, `${name} is ${value}, not ${least} to ${most}`);
}

/** Message of any thrown value. */
export const messageOf = (error: unknown): string => (error instanceof Error ? error.message : String(error));

/** One-line reason for a loss, with a call to report internal failures. */
export const whyLost = (error: unknown): string =>
  error instanceof UserError ? error.message : shortened(visible(`moeprof fails on it (${messageOf(error)}): please report it`));

/** System error code (`ENOENT`), or null. */
export function codeOf(error: unknown): string | null {
  const { code } = (error ?? {}) as { readonly code?: string };
  return code ?? null;
}

/** Error for packages installed separately. @param names `bullmq and ioredis` @param need e.g. `a queue needs them` */
export function unloadable(error: unknown, names: string, need: string, install: string): UserError {
  const [is, does] = names.includes(' and ') ? ['are', 'do'] : ['is', 'does'];
  const isMissing = ['MODULE_NOT_FOUND', 'ERR_MODULE_NOT_FOUND'].includes(codeOf(error) ?? '');
  const why = isMissing ? `${is} not installed` : `${does} not load (${messageOf(error)})`;
  return new UserError(`${names} ${why}; ${need}: ${install}`);
}
