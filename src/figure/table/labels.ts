import { UserError } from '../../base/errors.js';
import { didYouMean, visible } from '../../base/text.js';

/** Labels for metrics, settings and values in figures and tables. */
export class Labels {
  readonly #texts = new Map<string, string>();
  readonly #met = new Set<string>();

  /** @param pairs `name=words`; names may contain `=` @throws UserError for a malformed pair */
  constructor(pairs: readonly string[] = []) {
    for (const pair of pairs) {
      const at = pair.lastIndexOf('=');
      if (at < 1 || at === pair.length - 1)
        throw new UserError(`--label ${pair}: expected a name and its words, e.g. --label lru="Plain LRU"`);
      this.#texts.set(pair.slice(0, at), visible(pair.slice(at + 1)));
    }
  }

  /** Label of a name. @param usual default */
  of(name: string, usual = name): string {
    this.#met.add(name);
    return this.#texts.get(name) ?? usual;
  }

  /** @throws UserError with the nearest used name */
  requireMet(): void {
    for (const name of this.#texts.keys())
      if (!this.#met.has(name)) throw new UserError(`--label ${name}: no such name is shown; ${didYouMean(name, this.#met)}`);
  }
}
