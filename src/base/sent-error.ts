// Errors between threads: a message keeps no class, so that a mistake of the user's would arrive as one of ours.
import { messageOf, UserError } from './errors.js';

/** A thrown value as a message holds it. */
export interface SentError {
  readonly message: string;
  readonly stack: string;
  /** Of a {@link UserError}; null: it is none. */
  readonly exitCode: number | null;
}

/** What a thread sends of a thrown value. */
export function sentError(error: unknown): SentError {
  const stack = error instanceof Error ? (error.stack ?? '') : '';
  return { message: messageOf(error), stack, exitCode: error instanceof UserError ? error.exitCode : null };
}

/** The error that was sent: a UserError where it was one. */
export function receivedError({ exitCode, message, stack }: SentError): Error {
  return exitCode === null ? Object.assign(new Error(message), { stack }) : new UserError(message, exitCode);
}
