// Figures as SVG, for print: one column of a paper wide, text as text. Observable Plot draws into a document of linkedom, so that no browser
// is needed.
import * as Plot from '@observablehq/plot';
import { parseHTML } from 'linkedom';
import { html } from '../../report/html/markup.js';
import { shorten } from '../../report/text.js';
import { METRICS } from '../../result/catalogue.js';
import { type FigurePoint, labelOf, type PaperFigure } from './figure.js';
import { HEAT, styleOf } from './palette.js';

/** Pixels of a millimetre at the 96 of an inch that SVG counts. */
const PIXELS_PER_MM = 96 / 25.4;

/** Width of a figure, mm: a column of most journals. */
export const COLUMN_MM = 90;

/** Size of text, px: 7 points. */
const TEXT = 9.34;
/** Mean width of a character of Helvetica, as a part of its size. */
const CHARACTER = 0.55;
/** What the widest of short words has over that, px: a percent sign is two characters wide. */
const WIDE = 5;
/** Height of a line of text, px. */
const LINE = 14;
const FONT = 'Helvetica, Arial, sans-serif';

/** Height of a panel as a part of a figure's width. */
const PANEL = 0.6;
/** Heights of the row of a heat map, of a bar that lies, and of one of a group, px. */
const HEAT_ROW = 20;
const RANK_ROW = 17;
const RANK_BAR = 12;
/** Room of a number below an axis, px. */
const NUMBER = 50;
/** Longest word of an axis, of a row of a heat map, and of a panel, characters. */
const LONGEST = 28;
const ROW_NAME = 22;
const PANEL_NAME = 13;
/** Points of a series that leave room for symbols of full size. */
const CROWD = 12;
/** Words of a horizontal axis that would touch each other lean by so much, degrees. */
const LEAN = 35;

/** A part of a drawing, and how high it is, px. */
interface Drawn {
  readonly height: number;
  readonly text: string;
}

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

function isBars({ kind }: PaperFigure): boolean {
  return kind === 'bar' || kind === 'rank';
}

function lineOf(text: string, width: number, style: string): Drawn {
  const most = Math.floor((width - 4) / (TEXT * CHARACTER));
  return {
    height: LINE + 4,
    text: html`<text x="2" y="${LINE - 3}" font-size="${TEXT}" `.text + style + html`>${shorten(text, most, true)}</text>`.text,
  };
}

function plotOf(figure: PaperFigure, width: number): Drawn {
  const { document } = parseHTML('<!doctype html><html><body></body></html>');
  const plot = Plot.plot({
    document: document as unknown as Plot.PlotOptions['document'],
    width,
    style: { fontFamily: FONT, fontSize: `${TEXT}px`, color: '#000' },
    ...optionsFor(figure, width),
    marks: [...rulesOf(figure), ...marksFor(figure), ...labelsOf(figure)],
  });
  const inner = plot.outerHTML;
  return {
    height: Number(/height="([\d.]+)"/.exec(inner)![1]),
    text: `<g text-anchor="middle" font-size="${TEXT}" color="#000" fill="currentColor">${contentOf(inner)}</g>`,
  };
}

function optionsFor(figure: PaperFigure, width: number): Plot.PlotOptions {
  switch (figure.kind) {
    case 'bar':
      return barOptions(figure, width);
    case 'heat':
      return heatOptions(figure, width);
    case 'rank':
      return rankOptions(figure, width);
    default:
      return pointOptions(figure, width);
  }
}

/** Lines and points: panels stand side by side. */
function pointOptions(figure: PaperFigure, width: number): Plot.PlotOptions {
  const { facets, xAxis } = figure;
  const panels = facets.length > 1;
  const words = wordsBelow(figure, (width - 48) / facets.length);
  return {
    height: 40 + width * PANEL + words.height,
    marginLeft: 38,
    marginRight: 10,
    marginBottom: 32 + words.height,
    marginTop: panels ? 30 : 20,
    ...(panels ? { fx: panelsOf(facets) } : {}),
    x: {
      label: labelOf(xAxis),
      ...(xAxis.continuous ? { inset: 6, ticks: (width - 48) / facets.length / NUMBER } : { type: 'point', ...words.axis }),
    },
    y: { label: labelOf(figure.yAxis), grid: true, nice: true },
  };
}

/** Bars that stand: panels lie under each other, and what stands on the axis makes groups. */
function barOptions(figure: PaperFigure, width: number): Plot.PlotOptions {
  const { facets, seriesNames, xAxis } = figure;
  const rows = facets.length;
  const words = wordsBelow(figure, width - 48);
  return {
    height: 40 + rows * width * (rows > 1 ? PANEL / 2 : PANEL) + words.height,
    marginLeft: 38,
    marginRight: rows > 1 ? widthOf(facets, PANEL_NAME) + 8 : 10,
    marginBottom: 32 + words.height,
    marginTop: 20,
    fx: { label: labelOf(xAxis), padding: 0.15, ...words.axis },
    x: { axis: null, domain: seriesNames as string[] },
    ...(rows > 1 ? { fy: panelsOf(facets) } : {}),
    y: { label: labelOf(figure.yAxis), grid: true, zero: true, nice: true },
  };
}

function heatOptions(figure: PaperFigure, width: number): Plot.PlotOptions {
  const { facets, points, seriesNames, xAxis } = figure;
  const rows = facets.length;
  const left = widthOf(seriesNames, ROW_NAME) + 10;
  const right = rows > 1 ? widthOf(facets, PANEL_NAME) + 8 : 10;
  const words = wordsBelow(figure, width - left - right);
  return {
    height: 46 + rows * (HEAT_ROW * seriesNames.length + (rows > 1 ? 16 : 0)) + words.height,
    marginLeft: left,
    marginRight: right,
    marginBottom: 32 + words.height,
    marginTop: 20,
    x: { label: labelOf(xAxis), type: 'band', ...words.axis },
    y: { label: null, domain: seriesNames as string[], tickFormat: (name: string) => short(name, ROW_NAME) },
    ...(rows > 1 ? { fy: panelsOf(facets) } : {}),
    color: { type: 'linear', domain: [...spanOf(points)], range: [...HEAT], interpolate: 'lab' },
  };
}

/** Bars that lie, so that long names have room. */
function rankOptions(figure: PaperFigure, width: number): Plot.PlotOptions {
  const { facets, points, series, seriesNames } = figure;
  const names = namesOf(figure);
  const grouped = series !== null;
  const left = widthOf(names, LONGEST) + 10;
  const right = !grouped && facets.length > 1 ? widthOf(facets, PANEL_NAME) + 8 : 14;
  const rows = grouped ? names.length * (RANK_BAR * seriesNames.length + 8) : facets.length * (names.length * RANK_ROW + 14);
  return {
    height: 50 + rows,
    marginLeft: left,
    marginRight: right,
    marginBottom: 32,
    marginTop: 14,
    x: { label: labelOf(figure.yAxis), grid: true, zero: true, nice: true, ticks: (width - left - right) / NUMBER },
    ...(grouped
      ? {
          fy: { label: null, domain: names, axis: 'left', padding: 0.15, tickFormat: (name: string) => short(name) },
          y: { axis: null, domain: seriesNames as string[] },
        }
      : {
          y: { label: null, domain: names, tickFormat: (name: string) => short(name) },
          ...(facets.length > 1 ? { fy: panelsOf(facets) } : {}),
        }),
    ...(points.length === 0 ? { x: { domain: [0, 1] } } : {}),
  };
}

/** What the bars of a ranking are, the best first, by the first series; a group that it has not comes last. */
function namesOf({ points, seriesNames, y }: PaperFigure): string[] {
  const sign = METRICS.get(y)?.better === 'lower' ? 1 : -1;
  const most = new Map<string, number>();
  for (const point of points) {
    const rank = point.series === (seriesNames[0] ?? '') ? sign * point.y : Number.POSITIVE_INFINITY;
    most.set(String(point.x), Math.min(rank, most.get(String(point.x)) ?? Number.POSITIVE_INFINITY));
  }
  return [...most].sort((a, b) => (a[1] === b[1] ? 0 : a[1] - b[1])).map(([name]) => name);
}

/** Panels in the order in which they came. */
function panelsOf(facets: readonly string[]): Plot.ScaleOptions {
  return { label: null, domain: facets, tickFormat: (name: string) => short(name, PANEL_NAME) };
}

/** How words stand below a panel, and the room that they take: they lean where they would touch. */
function wordsBelow({ points, xAxis }: PaperFigure, width: number): { readonly height: number; readonly axis: Plot.ScaleOptions } {
  if (xAxis.continuous) return { height: 0, axis: {} };
  const domain = [...new Set(points.map(({ x }) => String(x)))];
  const words = domain.map((name) => short(name));
  const fits = words.every((word) => (word.length + 1) * TEXT * CHARACTER <= width / words.length);
  if (fits) return { height: 0, axis: { domain, tickFormat: (name: string) => short(name) } };
  const height = Math.max(...words.map((word) => word.length)) * TEXT * CHARACTER * Math.sin((LEAN * Math.PI) / 180);
  return { height, axis: { domain, tickFormat: (name: string) => short(name), tickRotate: -LEAN } };
}

function short(word: string, most = LONGEST): string {
  return shorten(word, most, true);
}

/** Width of the longest of some words, px. */
function widthOf(words: readonly string[], most: number): number {
  return Math.max(0, ...words.map((word) => short(word, most).length)) * TEXT * CHARACTER + WIDE;
}

/** Lines across, below what is drawn. */
function rulesOf({ rules = [] }: PaperFigure): Plot.Markish[] {
  const style = { stroke: '#666', strokeDasharray: '2 2', strokeWidth: 0.8 };
  return rules.map(({ at, axis }) => (axis === 'x' ? Plot.ruleX([at], style) : Plot.ruleY([at], style)));
}

/** Their labels, above what is drawn, and cut out of it: along upright ones, away from the axis, and under the right end of the others. */
function labelsOf({ points, rules = [] }: PaperFigure): Plot.Markish[] {
  const places = points.map(({ x }) => Number(x));
  const [least, most] = [Math.min(...places), Math.max(...places)];
  const beside = (at: number): number => (at - least < (most - least) / 5 ? 6 : -6);
  const style = { fill: '#333', stroke: '#fff', strokeWidth: 3 };
  return rules.map(({ at, axis, label }) =>
    axis === 'x'
      ? Plot.text([label], { x: [at], frameAnchor: 'bottom', textAnchor: 'start', rotate: -90, dx: beside(at), dy: -4, ...style })
      : Plot.text([label], { y: [at], frameAnchor: 'right', textAnchor: 'end', dx: -3, dy: 7, ...style }),
  );
}

function marksFor(figure: PaperFigure): Plot.Markish[] {
  const { facets, kind, points } = figure;
  const across = facets.length > 1 ? { fx: 'facet' } : {};
  const style = (point: FigurePoint) => styleOf(figure.seriesNames.indexOf(point.series));
  const color = (point: FigurePoint): string => style(point).color;
  const title = (point: FigurePoint): string => sayPoint(figure, point);
  const data = [...points];
  const whiskers = Plot.ruleX(data.filter(isSpread), { x: 'x', y1: 'low', y2: 'high', stroke: color, ...across });
  const dots = Plot.dot(data, {
    x: 'x',
    y: 'y',
    stroke: color,
    fill: color,
    r: data.length > CROWD * figure.seriesNames.length * facets.length ? 1.6 : 2.2,
    symbol: (point: FigurePoint) => style(point).symbol,
    title,
    ...across,
  });
  switch (kind) {
    case 'line':
      return [...linesOf(figure, across), whiskers, dots];
    case 'bar':
    case 'rank':
      return barMarks(figure, color, title);
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
      return heatMarks(data, facets.length > 1 ? { fy: 'facet' } : {}, title);
  }
}

/** A line has one dash: each series is a mark of its own. */
function linesOf({ points, seriesNames }: PaperFigure, across: { readonly fx?: string }): Plot.Markish[] {
  return seriesNames.map((name, index) => {
    const { color: stroke, dash } = styleOf(index);
    return Plot.lineY(
      points.filter((point) => point.series === name),
      { x: 'x', y: 'y', stroke, strokeWidth: 1.2, ...(dash === null ? {} : { strokeDasharray: dash }), ...across },
    );
  });
}

function barMarks(
  { facets, kind, points, series }: PaperFigure,
  fill: (point: FigurePoint) => string,
  title: (point: FigurePoint) => string,
): Plot.Markish[] {
  const data = [...points];
  const down = facets.length > 1 ? { fy: 'facet' } : {};
  if (kind === 'bar') {
    return [
      Plot.barY(data, { fx: 'x', x: 'series', y: 'y', fill, title, ...down }),
      Plot.ruleX(data.filter(isSpread), { fx: 'x', x: 'series', y1: 'low', y2: 'high', ...down }),
      Plot.ruleY([0]),
    ];
  }
  const place = series === null ? { y: 'x', ...down } : { fy: 'x', y: 'series' };
  return [
    Plot.barX(data, { x: 'y', fill, title, insetTop: 1, insetBottom: 1, ...place }),
    Plot.ruleY(data.filter(isSpread), { x1: 'low', x2: 'high', ...place }),
    Plot.ruleX([0]),
  ];
}

function isSpread({ high, low }: FigurePoint): boolean {
  return high > low;
}

/** A point in words: what it is, its figure, and the range of its runs. */
function sayPoint({ xAxis, yAxis }: PaperFigure, { facet, high, low, runs, series, x, y }: FigurePoint): string {
  const withUnit = (value: number, unit: string): string => `${shortNumber(value)}${unit === '' ? '' : ` ${unit}`}`;
  const at = typeof x === 'number' ? `${xAxis.name} ${withUnit(x, xAxis.unit)}` : x;
  const range = high > low ? `, ${shortNumber(low)} to ${shortNumber(high)}${runs > 1 ? ` of ${runs} runs` : ''}` : '';
  const names = [facet, series, at].filter((name) => name !== '').join(', ');
  return `${names}: ${yAxis.name} ${withUnit(y, yAxis.unit)}${range}`;
}

/** The least and the largest of some points. */
function spanOf(points: readonly FigurePoint[]): readonly [least: number, most: number] {
  const values = points.map(({ y }) => y);
  return [Math.min(...values), Math.max(...values)];
}

/** A coloured cell for each point, with its figure. */
function heatMarks(data: FigurePoint[], down: { readonly fy?: string }, title: (point: FigurePoint) => string): Plot.Markish[] {
  const [least, most] = spanOf(data);
  const ink = ({ y }: FigurePoint): string => (y - least > 0.6 * (most - least) ? '#fff' : '#000');
  return [
    Plot.cell(data, { x: 'x', y: 'series', fill: 'y', inset: 0.5, title, ...down }),
    Plot.text(data, { x: 'x', y: 'series', text: ({ y }: FigurePoint) => shortNumber(y), fill: ink, ...down }),
  ];
}

/** Three digits. */
function shortNumber(value: number): string {
  return Math.abs(value) >= 100 ? value.toFixed(0) : String(Number(value.toPrecision(3)));
}

/** One line or more of symbols with the names of their series. */
function legendOf(figure: PaperFigure, width: number): Drawn {
  const bars = isBars(figure);
  const parts: string[] = [];
  let [left, line] = [38, 0];
  for (const [index, name] of figure.seriesNames.entries()) {
    const said = shorten(name, Math.floor((width - 64) / (TEXT * CHARACTER)), true);
    const wide = 22 + said.length * TEXT * CHARACTER;
    if (left + wide > width && left > 38) [left, line] = [38, line + 1];
    const { color, dash } = styleOf(index);
    const middle = line * LINE + 9;
    const key = bars
      ? `<rect x="${round(left)}" y="${middle - 4}" width="12" height="8" fill="${color}"/>`
      : `<line x1="${round(left)}" x2="${round(left + 14)}" y1="${middle}" y2="${middle}" stroke="${color}" stroke-width="1.2"${dash === null ? '' : ` stroke-dasharray="${dash}"`}/><path transform="translate(${round(left + 7)},${middle})" d="${SYMBOLS[styleOf(index).symbol]}" fill="${color}"/>`;
    parts.push(`${key}<text x="${round(left + 18)}" y="${middle + 3}" font-size="${TEXT}">${html`${said}`}</text>`);
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

/**
 * What a plot draws, without its root, style sheet and names of marks, which are for web pages, and with coordinates to a hundredth of a pixel: nobody sees what
 * follows.
 */
function contentOf(plot: string): string {
  const content = plot
    .replace(/^<svg[^>]*>(<style>[\s\S]*?<\/style>)?/, '')
    .replace(/<\/svg>$/, '')
    .replace(/ aria-(label|description)="[^"]*"/g, '');
  return content.replace(/<[^>]*>/g, (tag) => tag.replace(/-?\d+\.\d{3,}/g, (number) => String(round(Number(number)))));
}

function round(value: number): number {
  return Math.round(value * 100) / 100;
}
