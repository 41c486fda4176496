// `--store`: the folder of stored results.

import { join } from '../base/host/paths.js';
import { Store } from '../study/door.js';

/** Default store of a study, in the working directory. */
export const STORE = join('.moeprof', 'store');

/**
 * The store that the flags ask for.
 * @param usual the folder if the flag is not given; null: none
 * @returns null: nothing is kept
 * @throws UserError where the folder is no store, or cannot be written
 */
export function storeOf({ store }: { readonly store?: string | boolean }, usual: string | null): Store | null {
  if (store === false) return null;
  const folder = typeof store === 'string' ? store : usual;
  return folder === null ? null : Store.open(folder);
}
