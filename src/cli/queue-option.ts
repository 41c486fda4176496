// `--queue` and `--queue-prefix` of commands that do nothing without a server.

import type { Command } from 'commander';
import { UserError } from '../base/errors.js';
import { QUEUE_PREFIX, type QueueAddress, queueAddress } from '../study/door.js';

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
