import * as Plot from '@observablehq/plot';
import { parseHTML } from 'linkedom';
import { html, shorten } from '../report/door.js';
import { optionsFor } from './axes.js';
import { isBars, labelOf, type PaperFigure } from './figure.js';
import { labelsOf, marksFor, rulesOf } from './marks.js';
import { CHARACTER, LINE, round, TEXT_PX } from './measure.js';
import { styleOf } from './palette.js';

/** Pixels per mm, at SVG's 96 px per inch. */
const PIXELS_PER_MM = 96 / 25.4;

/** Default figure width, mm: a column of most journals. */
export const COLUMN_MM = 90;

const FONT = 'Helvetica, Arial, sans-serif';

/** Figures with equal series names share a legend. @returns SVG text */
export function drawFigures(figures: readonly PaperFigure[], widthMm = COLUMN_MM): string {
  const width = widthMm * PIXELS_PER_MM;
  const parts = figures.flatMap((figure, at): Drawn[] => {
    const { note, title } = figure;
    const legend = hasLegend(figure) && !figures.slice(0, at).some((other) => hasLegend(other) && sameSeries(other, figure));
    return [
      ...(title === undefined ? [] : [lineOf(title, width, 'font-weight="bold"')]),
      ...(legend ? [legendOf(figure, width)] : []),
      // Heat map values stand in cells, without a value axis.
      ...(figure.kind === 'heat' ? [lineOf(labelOf(figure.yAxis), width, '')] : []),
      plotOf(figure, width),
      ...(note === undefined ? [] : [lineOf(note, width, 'fill="#444"')]),
    ];
  });
  let top = 0;
  const placed = parts.map(({ height, text }) => {
    const y = top;
    top += height;
    return `<g transform="translate(0,${round(y)})">${text}</g>`;
  });
  const [first] = figures;
  return [
    `<svg xmlns="http://www.w3.org/2000/svg" width="${widthMm}mm" viewBox="0 0 ${round(width)} ${round(top)}" role="img" font-family="${FONT}">`,
    html`<title>${`${labelOf(first!.yAxis)} by ${labelOf(first!.xAxis)}`}</title>`.text,
    `<rect width="100%" height="100%" fill="#fff"/>`,
    ...placed,
    '</svg>\n',
  ].join('\n');
}

function hasLegend({ kind, series, seriesNames }: PaperFigure): boolean {
  return kind !== 'heat' && series !== null && seriesNames.length > 0;
}

function sameSeries(figure: PaperFigure, other: PaperFigure): boolean {
  return (
    figure.seriesNames.join('\n') === other.seriesNames.join('\n') && (figure.kind === other.kind || !isBars(figure) === !isBars(other))
  );
}

function lineOf(text: string, width: number, style: string): Drawn {
  const most = Math.floor((width - 4) / (TEXT_PX * CHARACTER));
  return {
    height: LINE + 4,
    text: html`<text x="2" y="${LINE - 3}" font-size="${TEXT_PX}" `.text + style + html`>${shorten(text, most, true)}</text>`.text,
  };
}

function plotOf(figure: PaperFigure, width: number): Drawn {
  const { document } = parseHTML('<!doctype html><html><body></body></html>');
  const plot = Plot.plot({
    document: document as unknown as Plot.PlotOptions['document'],
    width,
    style: { fontFamily: FONT, fontSize: `${TEXT_PX}px`, color: '#000' },
    ...optionsFor(figure, width),
    marks: [...rulesOf(figure), ...marksFor(figure), ...labelsOf(figure)],
  });
  const inner = plot.outerHTML;
  return {
    height: Number(/height="([\d.]+)"/.exec(inner)![1]),
    text: `<g text-anchor="middle" font-size="${TEXT_PX}" color="#000" fill="currentColor">${contentOf(inner)}</g>`,
  };
}

/** SVG content without web markup, coordinates to 0.01 px. */
function contentOf(plot: string): string {
  const content = plot
    .replace(/^<svg[^>]*>(<style>[\s\S]*?<\/style>)?/, '')
    .replace(/<\/svg>$/, '')
    .replace(/ aria-(label|description)="[^"]*"/g, '');
  return content.replace(/<[^>]*>/g, (tag) => tag.replace(/-?\d+\.\d{3,}/g, (number) => String(round(Number(number)))));
}

interface Drawn {
  readonly height: number;
  readonly text: string;
}

function legendOf(figure: PaperFigure, width: number): Drawn {
  const bars = isBars(figure);
  const parts: string[] = [];
  let [left, line] = [38, 0];
  for (const [index, name] of figure.seriesNames.entries()) {
    const text = shorten(name, Math.floor((width - 64) / (TEXT_PX * CHARACTER)), true);
    const wide = 22 + text.length * TEXT_PX * CHARACTER;
    if (left + wide > width && left > 38) [left, line] = [38, line + 1];
    const { color, dash } = styleOf(index);
    const middle = line * LINE + 9;
    const key = bars
      ? `<rect x="${round(left)}" y="${middle - 4}" width="12" height="8" fill="${color}"/>`
      : `<line x1="${round(left)}" x2="${round(left + 14)}" y1="${middle}" y2="${middle}" stroke="${color}" stroke-width="1.2"${dash === null ? '' : ` stroke-dasharray="${dash}"`}/><path transform="translate(${round(left + 7)},${middle})" d="${SYMBOLS[styleOf(index).symbol]}" fill="${color}"/>`;
    parts.push(`${key}<text x="${round(left + 18)}" y="${middle + 3}" font-size="${TEXT_PX}">${html`${text}`}</text>`);
    left += wide + 8;
  }
  return { height: (line + 1) * LINE + 4, text: `<g>${parts.join('')}</g>` };
}

/** Legend symbols, about 5 px wide. */
const SYMBOLS = {
  circle: 'M2.5,0A2.5,2.5,0,1,1,-2.5,0A2.5,2.5,0,1,1,2.5,0',
  square: 'M-2.2,-2.2h4.4v4.4h-4.4Z',
  triangle: 'M0,-3L2.6,1.8H-2.6Z',
  diamond: 'M0,-3L2,0L0,3L-2,0Z',
  cross: 'M-1,-3h2v2h2v2h-2v2h-2v-2h-2v-2h2Z',
  star: 'M0,-3L0.7,-1L2.9,-0.9L1.1,0.4L1.8,2.4L0,1.2L-1.8,2.4L-1.1,0.4L-2.9,-0.9L-0.7,-1Z',
  wye: 'M-0.8,3V0.3L-3,-1L-2.2,-2.4L0,-1.1L2.2,-2.4L3,-1L0.8,0.3V3Z',
} as const;
