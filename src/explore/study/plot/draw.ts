// Figures as SVG, for print: one column of a paper wide, text as text. Observable Plot draws into a document of linkedom, so that no browser
// is needed.
import * as Plot from '@observablehq/plot';
import { parseHTML } from 'linkedom';
import { html } from '../../../report/html/markup.js';
import type { FigurePoint, StudyFigure } from './figure.js';
import { styleOf } from './palette.js';

/** Pixels of a millimetre at the 96 of an inch that SVG counts. */
const PIXELS_PER_MM = 96 / 25.4;

/** Size of text, px: 7 points. */
const TEXT = 9.3;
/** Mean width of a character of Helvetica, as a part of its size. */
const CHARACTER = 0.55;
/** Height of a line of the legend. */
const LEGEND_LINE = 14;
const FONT = 'Helvetica, Arial, sans-serif';

/** Height of a panel as a part of a figure's width, and of the row of a heat map, px. */
const PANEL = 0.6;
const HEAT_ROW = 20;

/**
 * Draws a figure.
 * @param widthMm 90: a column of most journals
 * @returns SVG text
 */
export function drawFigure(figure: StudyFigure, widthMm = 90): string {
  const width = widthMm * PIXELS_PER_MM;
  const { document } = parseHTML('<!doctype html><html><body></body></html>');
  const legend = figure.kind === 'heat' || figure.series === null ? { height: 0, text: '' } : legendOf(figure, width);
  const plot = Plot.plot({
    document: document as unknown as Plot.PlotOptions['document'],
    ...optionsFor(figure, width),
    marks: marksFor(figure),
  });
  const inner = plot.outerHTML;
  const height = Number(/height="([\d.]+)"/.exec(inner)![1]);
  const whole = height + legend.height;
  return [
    `<svg xmlns="http://www.w3.org/2000/svg" width="${widthMm}mm" viewBox="0 0 ${round(width)} ${round(whole)}" role="img" font-family="${FONT}">`,
    html`<title>${`${figure.yAxis.label} by ${figure.xAxis.label}`}</title>`.text,
    `<rect width="100%" height="100%" fill="#fff"/>`,
    legend.text,
    `<g transform="translate(0,${legend.height})" text-anchor="middle" font-size="${TEXT}" color="#000" fill="currentColor">${contentOf(inner)}</g>`,
    '</svg>\n',
  ].join('\n');
}

function optionsFor(figure: StudyFigure, width: number): Plot.PlotOptions {
  const { facets, kind, seriesNames, xAxis, yAxis } = figure;
  const panels = facets.length > 1;
  const rows = kind === 'bar' || kind === 'heat' ? facets.length : 1;
  const longest = Math.max(0, ...seriesNames.map((name) => name.length));
  const heat = kind === 'heat';
  return {
    width,
    height: heat ? 46 + rows * (HEAT_ROW * seriesNames.length + (panels ? 16 : 0)) : 40 + rows * width * (rows > 1 ? PANEL / 2 : PANEL),
    marginLeft: heat ? longest * TEXT * CHARACTER + 10 : 38,
    marginRight: panels && rows > 1 ? longestOf(facets) * TEXT * CHARACTER + 8 : 10,
    marginBottom: 32,
    marginTop: panels && rows === 1 ? 30 : 20,
    style: { fontFamily: FONT, fontSize: `${TEXT}px`, color: '#000' },
    ...(panels ? (rows === 1 ? { fx: { label: null } } : { fy: { label: null } }) : {}),
    x:
      kind === 'bar'
        ? { axis: null, domain: seriesNames }
        : { label: xAxis.label, ...(xAxis.continuous ? { inset: 6 } : { type: heat ? 'band' : 'point' }) },
    ...(kind === 'bar' ? { fx: { label: xAxis.label, padding: 0.15 } } : {}),
    y: heat ? { label: null, domain: seriesNames } : { label: yAxis.label, grid: true, zero: kind === 'bar', nice: true },
    ...(heat ? { color: { scheme: 'blues' as const } } : {}),
  };
}

function longestOf(texts: readonly string[]): number {
  return Math.max(0, ...texts.map((text) => text.length));
}

function marksFor(figure: StudyFigure): Plot.Markish[] {
  const { facets, kind, points } = figure;
  const across = facets.length > 1 && kind !== 'bar' && kind !== 'heat' ? { fx: 'facet' } : {};
  const down = facets.length > 1 ? { fy: 'facet' } : {};
  const style = (point: FigurePoint) => styleOf(figure.seriesNames.indexOf(point.series));
  const color = (point: FigurePoint): string => style(point).color;
  const data = [...points];
  const whiskers = Plot.ruleX(
    data.filter(({ high, low }) => high > low),
    { x: 'x', y1: 'low', y2: 'high', stroke: color, ...across },
  );
  const dots = Plot.dot(data, {
    x: 'x',
    y: 'y',
    stroke: color,
    fill: color,
    r: 2.2,
    symbol: (point: FigurePoint) => style(point).symbol,
    ...across,
  });
  switch (kind) {
    case 'line':
      // A line has one dash: each series is a mark of its own.
      return [
        ...figure.seriesNames.map((name, index) => {
          const { color: stroke, dash } = styleOf(index);
          const own = data.filter((point) => point.series === name);
          return Plot.lineY(own, {
            x: 'x',
            y: 'y',
            stroke,
            strokeWidth: 1.2,
            ...(dash === null ? {} : { strokeDasharray: dash }),
            ...across,
          });
        }),
        whiskers,
        dots,
      ];
    case 'bar':
      return [
        Plot.barY(data, { fx: 'x', x: 'series', y: 'y', fill: color, ...down }),
        Plot.ruleX(
          data.filter(({ high, low }) => high > low),
          { fx: 'x', x: 'series', y1: 'low', y2: 'high', ...down },
        ),
        Plot.ruleY([0]),
      ];
    case 'scatter':
      return [whiskers, dots];
    case 'pareto':
      return [
        Plot.lineY(
          data.filter(({ front }) => front).sort((a, b) => Number(a.x) - Number(b.x)),
          { x: 'x', y: 'y', stroke: '#888', strokeDasharray: '3 2', ...across },
        ),
        dots,
      ];
    case 'heat':
      return heatMarks(data, down);
  }
}

/** A coloured cell for each point, with its figure. */
function heatMarks(data: FigurePoint[], down: { readonly fy?: string }): Plot.Markish[] {
  const most = Math.max(...data.map(({ y }) => y));
  const ink = ({ y }: FigurePoint): string => (y > 0.6 * most ? '#fff' : '#000');
  return [
    Plot.cell(data, { x: 'x', y: 'series', fill: 'y', inset: 0.5, ...down }),
    Plot.text(data, { x: 'x', y: 'series', text: ({ y }: FigurePoint) => shortNumber(y), fill: ink, ...down }),
  ];
}

/** Three digits. */
function shortNumber(value: number): string {
  return Math.abs(value) >= 100 ? value.toFixed(0) : String(Number(value.toPrecision(3)));
}

/** One line or more of symbols with the names of their series. */
function legendOf({ kind, seriesNames }: StudyFigure, width: number): { readonly height: number; readonly text: string } {
  const parts: string[] = [];
  let [left, line] = [38, 0];
  for (const [index, name] of seriesNames.entries()) {
    const wide = 22 + name.length * TEXT * CHARACTER;
    if (left + wide > width && left > 38) [left, line] = [38, line + 1];
    const { color, dash } = styleOf(index);
    const middle = line * LEGEND_LINE + 9;
    const key =
      kind === 'bar'
        ? `<rect x="${round(left)}" y="${middle - 4}" width="12" height="8" fill="${color}"/>`
        : `<line x1="${round(left)}" x2="${round(left + 14)}" y1="${middle}" y2="${middle}" stroke="${color}" stroke-width="1.2"${dash === null ? '' : ` stroke-dasharray="${dash}"`}/><path transform="translate(${round(left + 7)},${middle})" d="${SYMBOLS[styleOf(index).symbol]}" fill="${color}"/>`;
    parts.push(`${key}<text x="${round(left + 18)}" y="${middle + 3}" font-size="${TEXT}">${html`${name}`}</text>`);
    left += wide + 8;
  }
  return { height: (line + 1) * LEGEND_LINE + 4, text: `<g>${parts.join('')}</g>` };
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

/**
 * What a plot draws, without its root and style sheet, which are for web pages, and with coordinates to a hundredth of a pixel: nobody sees what
 * follows.
 */
function contentOf(plot: string): string {
  const content = plot.replace(/^<svg[^>]*>(<style>[\s\S]*?<\/style>)?/, '').replace(/<\/svg>$/, '');
  return content.replace(/-?\d+\.\d{3,}/g, (number) => String(round(Number(number))));
}

function round(value: number): number {
  return Math.round(value * 100) / 100;
}
