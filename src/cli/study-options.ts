import { UserError } from '../base/errors.js';
import { join } from '../base/host/paths.js';
import { QUEUE_PREFIX, type QueueAddress, queueAddress, type Seal, Store } from '../study/door.js';
import type { CliContext } from './kit/context.js';
import { type OptionsOf, options } from './kit/declared.js';

/** Default store in the working directory. */
export const STORE = join('.moeprof', 'store');

/** `--store FOLDER` or `--no-store`. */
export type StoreOption = { readonly store?: string | boolean };

/**
 * @param usual default folder; null: none
 * @returns null: nothing is kept
 * @throws UserError for a folder that is no store
 */
export function storeOf({ store }: StoreOption, usual: string | null): Store | null {
  if (store === false) return null;
  const folder = typeof store === 'string' ? store : usual;
  return folder === null ? null : Store.open(folder);
}

/** The flags as given. */
export type QueueOption = OptionsOf<typeof QUEUE>;

/** @throws UserError without a server, or for a malformed address */
export function namedQueue({ queue, queuePrefix }: QueueOption): QueueAddress {
  if (queue === undefined) throw new UserError('--queue: is missing; write e.g. --queue redis://localhost:6379/0');
  return queueAddress(queue, queuePrefix);
}

/** Warns of a queue without sealed cells and results. */
export function noteUnsealed({ isKeyed }: Seal, { prefix, shown }: QueueAddress, context: Pick<CliContext, 'note'>): void {
  if (!isKeyed) context.note(`queue ${prefix} is not sealed: whoever may write to ${shown} can change what it computes`);
}
/** The server of a queue. */
export const QUEUE = options({
  '--queue <address>': 'server of the queue: redis://host:6379/0, or rediss:// with TLS',
  '--queue-prefix <text>': ['prefix of all keys of the queue', { default: QUEUE_PREFIX }],
});
