// `--store`: the folder of stored results.
import { join } from '../base/host/paths.js';
import { Store } from '../study/door.js';

/** Default store of a study, in the working directory. */
export const STORE = join('.moeprof', 'store');

/** The store of the flags. @param usual folder if no flag is given; null: none @returns null: nothing is kept @throws UserError if it is no store */
export function storeOf({ store }: { readonly store?: string | boolean }, usual: string | null): Store | null {
  if (store === false) return null;
  const folder = typeof store === 'string' ? store : usual;
  return folder === null ? null : Store.open(folder);
}
