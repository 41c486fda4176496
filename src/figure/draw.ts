// Figures as SVG for print: as wide as one column of a paper, with text that stays text. Observable Plot draws into a document of linkedom,
// so no browser is needed.
import * as Plot from '@observablehq/plot';
import { parseHTML } from 'linkedom';
import { html } from '../report/page/markup.js';
import { shorten } from '../report/text.js';
import { optionsFor } from './axes.js';
import { isBars, labelOf, type PaperFigure } from './figure.js';
import { type Drawn, legendOf } from './legend.js';
import { labelsOf, marksFor, rulesOf } from './marks.js';
import { CHARACTER, LINE, round, TEXT_PX } from './measure.js';

/** Pixels of a millimetre at the 96 of an inch that SVG counts. */
const PIXELS_PER_MM = 96 / 25.4;

/** Width of a figure, mm: a column of most journals. */
export const COLUMN_MM = 90;

const FONT = 'Helvetica, Arial, sans-serif';

/**
 * Draws figures under each other; those whose series have the same names share the first one's legend.
 * @returns SVG text
 */
export function drawFigures(figures: readonly PaperFigure[], widthMm = COLUMN_MM): string {
  const width = widthMm * PIXELS_PER_MM;
  const parts = figures.flatMap((figure, at): Drawn[] => {
    const { note, title } = figure;
    const legend = hasLegend(figure) && !figures.slice(0, at).some((other) => hasLegend(other) && sameSeries(other, figure));
    return [
      ...(title === undefined ? [] : [lineOf(title, width, 'font-weight="bold"')]),
      ...(legend ? [legendOf(figure, width)] : []),
      // Its figures stand in cells, without an axis that names them.
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

function sameSeries(one: PaperFigure, other: PaperFigure): boolean {
  return one.seriesNames.join('\n') === other.seriesNames.join('\n') && (one.kind === other.kind || !isBars(one) === !isBars(other));
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

/**
 * The drawing of a plot, without its root, style sheet and names of marks, which are for web pages, and with coordinates to
 * a hundredth of a pixel: nobody sees what follows.
 */
function contentOf(plot: string): string {
  const content = plot
    .replace(/^<svg[^>]*>(<style>[\s\S]*?<\/style>)?/, '')
    .replace(/<\/svg>$/, '')
    .replace(/ aria-(label|description)="[^"]*"/g, '');
  return content.replace(/<[^>]*>/g, (tag) => tag.replace(/-?\d+\.\d{3,}/g, (number) => String(round(Number(number)))));
}
