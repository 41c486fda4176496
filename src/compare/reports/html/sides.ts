// Two runs beside one another: on a wide page side by side, on a phone below each other.
import { html, type Markup, type Piece } from '../../../report/page/markup.js';
import type { Result } from '../../../result/result.js';
import type { Comparison } from '../../compare.js';

/** One of the two runs of a comparison. */
interface Side {
  /** The user's name for it. */
  readonly label: string;
  readonly color: 'base' | 'accent';
  readonly result: Result;
}

/** Both runs, the base first. */
export function sidesOf({ base, candidate, results }: Comparison): readonly [Side, Side] {
  return [
    { label: base, color: 'base', result: results.base },
    { label: candidate, color: 'accent', result: results.candidate },
  ];
}

/** A picture for each run, under its name. */
export function beside(comparison: Comparison, picture: (side: Side) => Piece): Markup {
  return html`<div class="sides">${sidesOf(comparison).map(
    (side) =>
      html`<figure><figcaption><i class="key-dot" style="background:var(--${side.color})"></i>${side.label}</figcaption>${picture(side)}</figure>`,
  )}</div>`;
}
