import type { ModelSpec } from '../../model/door.js';
import type { Pass } from '../../schedule/door.js';
import type { Evidence } from '../evidence.js';
import { LogOddsTable } from './log-odds-table.js';

/** Stride of tokens for farther distances after the first {@link EARLY}. Ours. */
const FAR_STRIDE = 4;
/** Tokens counted at all distances. Ours. */
const EARLY = 2048;

/** Naive Bayes over the last known layer's experts, per layer and distance up to `reach`. */
export class Transitions implements Evidence {
  readonly #reach: number;
  readonly #tables: readonly (LogOddsTable | undefined)[];
  #tokens = 0;

  /** @param reach layers ahead with a table; no evidence beyond */
  constructor({ layers }: ModelSpec, reach: number) {
    this.#reach = Math.max(1, Math.min(reach, layers.length - 1));
    this.#tables = layers.flatMap(({ experts }, l) =>
      Array.from({ length: this.#reach }, (_, i) => {
        const target = layers[l + i + 1];
        return target === undefined ? undefined : new LogOddsTable(experts, target.experts);
      }),
    );
  }

  add(pass: Pass, token: number, after: number, layer: number, weight: number, into: Float64Array): boolean {
    const distance = layer - after;
    if (after < 0 || distance > this.#reach) return false;
    const { row, topK } = pass;
    this.#tables[after * this.#reach + distance - 1]!.add(pass.choices, token * row + after * topK, topK, weight, into);
    return true;
  }

  learn({ choices, row, topK }: Pass, token: number, layer: number, counted: boolean): void {
    if (layer === 0) this.#tokens++;
    if (!counted) return;
    const at = token * row + layer * topK;
    const far = this.#tokens < EARLY || this.#tokens % FAR_STRIDE === 0 ? this.#reach : 1;
    for (let d = 1; d <= far && d <= layer; d++)
      this.#tables[(layer - d) * this.#reach + d - 1]!.learn(choices, at - d * topK, choices, at, topK);
  }
}
