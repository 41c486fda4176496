import { UserError } from '../../base/errors.js';
import { didYouMean, visible } from '../../base/text.js';

/** Words that stand for names in a figure or a table: of metrics, of what varied, and of its values. */
export class Labels {
  readonly #texts = new Map<string, string>();
  readonly #met = new Set<string>();

  /** @param pairs `name=words`; the name may hold a sign of equality @throws UserError for one of another form */
  constructor(pairs: readonly string[] = []) {
    for (const pair of pairs) {
      const at = pair.lastIndexOf('=');
      if (at < 1 || at === pair.length - 1)
        throw new UserError(`--label ${pair}: expected a name and its words, e.g. --label lru="Plain LRU"`);
      this.#texts.set(pair.slice(0, at), visible(pair.slice(at + 1)));
    }
  }

  /** The words for a name. @param usual those of a name without a label */
  of(name: string, usual = name): string {
    this.#met.add(name);
    return this.#texts.get(name) ?? usual;
  }

  /** Requires that each name was met. @throws UserError with the nearest that was */
  requireMet(): void {
    for (const name of this.#texts.keys())
      if (!this.#met.has(name)) throw new UserError(`--label ${name}: no such name is shown; ${didYouMean(name, this.#met)}`);
  }
}
