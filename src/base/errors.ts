import { shortened, visible } from './text.js';

/** Exit codes of the command line: a CI job must be able to distinguish gates, input errors and internal errors. */
export const EXIT = { ok: 0, gateFailed: 1, input: 2, notComparable: 3, internal: 70, interrupted: 130, terminated: 143 } as const;

/** A mistake in the input, the configuration or the usage. Its message is complete: one line, no stack trace needed. */
export class UserError extends Error {
  override readonly name = 'UserError';
  readonly exitCode: number;

  /** @param message one line: `place: what is wrong, and what instead`; made printable, cut beyond 500 characters @param exitCode of {@link EXIT} */
  constructor(message: string, exitCode: number = EXIT.input) {
    super(shortened(visible(message)));
    this.exitCode = exitCode;
  }
}

/** The value of `work`, or the UserError that it throws: for callers to whom an impossible input is one answer of several. */
export function orUserError<T>(work: () => T): T | UserError {
  try {
    return work();
  } catch (error) {
    return userErrorOf(error);
  }
}

/** What was thrown, if it is a UserError. @throws anything else that was thrown */
export function userErrorOf(error: unknown): UserError {
  if (error instanceof UserError) return error;
  throw error;
}

/** Runs `work`, and puts the place in front of the message of a UserError. */
export function placed<T>(place: string, work: () => T): T {
  try {
    return work();
  } catch (error) {
    throw error instanceof UserError ? new UserError(`${place}: ${error.message}`, error.exitCode) : error;
  }
}

/** A bug of ours, found before a figure was printed: a law of docs/semantics.md does not hold. */
export class InternalError extends Error {
  override readonly name = 'InternalError';

  /** @param law as in `L8` @param what the violation, with its numbers */
  constructor(law: string, what: string) {
    super(`${law}: ${what}`);
  }
}

/** The message of a thrown value of any kind. */
export const messageOf = (error: unknown): string => (error instanceof Error ? error.message : String(error));

/** Why a part of many is lost, in one line: a mistake of the user's, or a failure of ours that is to be reported. */
export const whyLost = (error: unknown): string =>
  error instanceof UserError ? error.message : shortened(visible(`moeprof fails on it (${messageOf(error)}): please report it`));

/** The code of an error of the system (`ENOENT`); undefined: it has none. */
export function codeOf(error: unknown): string | undefined {
  const { code } = (error ?? {}) as { readonly code?: string };
  return code;
}

/** The error of packages that whoever needs them installs. @param names `bullmq and ioredis` @param need e.g. `a queue needs them` */
export function unloadable(error: unknown, names: string, need: string, install: string): UserError {
  const [is, does] = names.includes(' and ') ? ['are', 'do'] : ['is', 'does'];
  const isMissing = ['MODULE_NOT_FOUND', 'ERR_MODULE_NOT_FOUND'].includes(codeOf(error) ?? '');
  const why = isMissing ? `${is} not installed` : `${does} not load (${messageOf(error)})`;
  return new UserError(`${names} ${why}; ${need}: ${install}`);
}
