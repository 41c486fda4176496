// `--queue` and `--queue-prefix` of commands that do nothing without a server.
import { UserError } from '../base/errors.js';
import { type QueueAddress, queueAddress, type Seal } from '../study/door.js';
import type { CliContext } from './kit/context.js';

/** The flags as given. */
export interface QueueOption {
  readonly queue?: string;
  readonly queuePrefix: string;
}

/** The named server. @throws UserError where none is named, or its address is malformed */
export function namedQueue({ queue, queuePrefix }: QueueOption): QueueAddress {
  if (queue === undefined) throw new UserError('--queue: is missing; write e.g. --queue redis://localhost:6379/0');
  return queueAddress(queue, queuePrefix);
}

/** Says where cells and results of a queue are not sealed. */
export function noteUnsealed({ isKeyed }: Seal, { prefix, shown }: QueueAddress, context: Pick<CliContext, 'note'>): void {
  if (!isKeyed) context.note(`queue ${prefix} is not sealed: whoever may write to ${shown} can change what it computes`);
}
