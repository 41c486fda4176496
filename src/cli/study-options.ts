import { UserError } from '../base/errors.js';
import { join } from '../base/host/paths.js';
import { QUEUE_PREFIX, type QueueAddress, queueAddress, type Seal, Store } from '../study/door.js';
import type { CliContext } from './kit/context.js';
import { type OptionsOf, options } from './kit/declared.js';

/** Default store of a study, in the working directory. */
export const STORE = join('.moeprof', 'store');

/** `--store FOLDER` or `--no-store`. */
export type StoreOption = { readonly store?: string | boolean };

/** The store of the flags. @param usual folder if no flag is given; null: none @returns null: nothing is kept @throws UserError if it is no store */
export function storeOf({ store }: StoreOption, usual: string | null): Store | null {
  if (store === false) return null;
  const folder = typeof store === 'string' ? store : usual;
  return folder === null ? null : Store.open(folder);
}

/** The flags as given. */
export type QueueOption = OptionsOf<typeof QUEUE>;

/** The named server. @throws UserError if none is named, or its address is malformed */
export function namedQueue({ queue, queuePrefix }: QueueOption): QueueAddress {
  if (queue === undefined) throw new UserError('--queue: is missing; write e.g. --queue redis://localhost:6379/0');
  return queueAddress(queue, queuePrefix);
}

/** Warns of a queue whose cells and results are not sealed. */
export function noteUnsealed({ isKeyed }: Seal, { prefix, shown }: QueueAddress, context: Pick<CliContext, 'note'>): void {
  if (!isKeyed) context.note(`queue ${prefix} is not sealed: whoever may write to ${shown} can change what it computes`);
}
/** The server of a queue. */
export const QUEUE = options({
  '--queue <address>': 'server of the queue: redis://host:6379/0, or rediss:// with TLS',
  '--queue-prefix <text>': ['prefix of all keys of the queue', { default: QUEUE_PREFIX }],
});
