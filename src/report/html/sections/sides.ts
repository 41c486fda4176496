import type { Result } from '../../../result/result.js';
import { html, type Markup, type Piece } from '../../page/markup.js';

/** One of the runs of a page. */
export interface Side {
  /** The user's name for it; `This run` if there is no other. */
  readonly label: string;
  /** `this run`, `base`, `candidate`. */
  readonly word: string;
  readonly color: 'base' | 'accent';
  readonly result: Result;
}

/** Two runs: on a wide page side by side, on a phone below each other. The runs of a page: one, or a base and a candidate. */
export type Sides = readonly [Side] | readonly [base: Side, candidate: Side];

/** A picture for each run, under its name. */
export function beside(sides: Sides, picture: (side: Side) => Piece): Markup {
  return html`<div class="sides">${sides.map(
    (side) =>
      html`<figure><figcaption><i class="key-dot" style="background:var(--${side.color})"></i>${side.label}</figcaption>${picture(side)}</figure>`,
  )}</div>`;
}
