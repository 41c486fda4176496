// The legend of a figure: symbols, or bars, with the names of their series.
import { html } from '../report/page/markup.js';
import { shorten } from '../report/text.js';
import { isBars, type PaperFigure } from './figure.js';
import { CHARACTER, LINE, round, TEXT_PX } from './measure.js';
import { styleOf } from './palette.js';

/** A part of a drawing and its height, px. */
export interface Drawn {
  readonly height: number;
  readonly text: string;
}

/** One line or more of symbols with the names of their series. */
export function legendOf(figure: PaperFigure, width: number): Drawn {
  const bars = isBars(figure);
  const parts: string[] = [];
  let [left, line] = [38, 0];
  for (const [index, name] of figure.seriesNames.entries()) {
    const said = shorten(name, Math.floor((width - 64) / (TEXT_PX * CHARACTER)), true);
    const wide = 22 + said.length * TEXT_PX * CHARACTER;
    if (left + wide > width && left > 38) [left, line] = [38, line + 1];
    const { color, dash } = styleOf(index);
    const middle = line * LINE + 9;
    const key = bars
      ? `<rect x="${round(left)}" y="${middle - 4}" width="12" height="8" fill="${color}"/>`
      : `<line x1="${round(left)}" x2="${round(left + 14)}" y1="${middle}" y2="${middle}" stroke="${color}" stroke-width="1.2"${dash === null ? '' : ` stroke-dasharray="${dash}"`}/><path transform="translate(${round(left + 7)},${middle})" d="${SYMBOLS[styleOf(index).symbol]}" fill="${color}"/>`;
    parts.push(`${key}<text x="${round(left + 18)}" y="${middle + 3}" font-size="${TEXT_PX}">${html`${said}`}</text>`);
    left += wide + 8;
  }
  return { height: (line + 1) * LINE + 4, text: `<g>${parts.join('')}</g>` };
}

/** Symbols of the legend, about 5 px wide. */
const SYMBOLS = {
  circle: 'M2.5,0A2.5,2.5,0,1,1,-2.5,0A2.5,2.5,0,1,1,2.5,0',
  square: 'M-2.2,-2.2h4.4v4.4h-4.4Z',
  triangle: 'M0,-3L2.6,1.8H-2.6Z',
  diamond: 'M0,-3L2,0L0,3L-2,0Z',
  cross: 'M-1,-3h2v2h2v2h-2v2h-2v-2h-2v-2h2Z',
  star: 'M0,-3L0.7,-1L2.9,-0.9L1.1,0.4L1.8,2.4L0,1.2L-1.8,2.4L-1.1,0.4L-2.9,-0.9L-0.7,-1Z',
  wye: 'M-0.8,3V0.3L-3,-1L-2.2,-2.4L0,-1.1L2.2,-2.4L3,-1L0.8,0.3V3Z',
} as const;
