import type { Result } from '../../../result/result.js';
import { html, type Markup, type Piece } from '../../page/markup.js';

/** A run of a page. */
export interface Side {
  readonly label: string;
  /** `this run`, `base`, `candidate`. */
  readonly word: string;
  readonly color: 'base' | 'accent';
  readonly result: Result;
}

/** One run, or base and candidate: side by side on wide pages, stacked on phones. */
export type Sides = readonly [Side] | readonly [base: Side, candidate: Side];

/** A picture per run, under the run's name. */
export function beside(sides: Sides, picture: (side: Side) => Piece): Markup {
  return html`<div class="sides">${sides.map(
    (side) =>
      html`<figure><figcaption><i class="key-dot" style="background:var(--${side.color})"></i>${side.label}</figcaption>${picture(side)}</figure>`,
  )}</div>`;
}
