// `--queue` and `--queue-prefix` of commands that do nothing without a server.

import type { Command } from 'commander';
import { UserError } from '../base/errors.js';
import { QUEUE_PREFIX, type QueueAddress, queueAddress, type Seal } from '../study/door.js';
import type { CliContext } from './kit/context.js';

/** What `--queue-key` of a sweep and of a worker means. */
export const KEY_HELP = 'file with the key that seals cells and results; the same for sweep and workers';

/** The flags as given. */
export interface QueueOption {
  readonly queue?: string;
  readonly queuePrefix: string;
}

/** Adds the options. */
export function addQueueOption(command: Command): Command {
  return command
    .option('--queue <address>', 'server of the queue: redis://host:6379/0, or rediss:// with TLS')
    .option('--queue-prefix <text>', 'prefix of all keys of the queue', QUEUE_PREFIX);
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
