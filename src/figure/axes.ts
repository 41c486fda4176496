import type * as Plot from '@observablehq/plot';
import { METRICS } from '../result/catalogue.js';
import { isDense, labelOf, type PaperFigure, spanOf } from './figure.js';
import { CHARACTER, LONGEST, linesIn, roomOf, short, TEXT_PX } from './measure.js';
import { HEAT } from './palette.js';

/** Height of a panel relative to the figure's width. Ours. */
const PANEL = 0.6;
/** Heights of a heat map row, a dense heat map row, a ranking row, and a bar of a group, px. Ours. */
const HEAT_ROW = 20;
const DENSE_ROW = 9;
const RANK_ROW = 17;
const RANK_BAR = 12;
/** Room of a number below an axis, px. Ours. */
const NUMBER = 50;
/** Maximum heat map row name, minimum line of a panel's name, characters. Ours. */
const ROW_NAME = 22;
const PANEL_LINE = 13;
/** Angle of horizontal-axis words without room, degrees. Ours. */
const LEAN = 35;

/** Plot options of a figure besides marks: axes and margins. @param width px */
export function optionsFor(figure: PaperFigure, width: number): Plot.PlotOptions {
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

function pointOptions(figure: PaperFigure, width: number): Plot.PlotOptions {
  const { facets, xAxis } = figure;
  const panel = (width - 48) / facets.length;
  const words = wordsBelow(figure, panel);
  const panels = panelsOf(facets, 'fx', Math.floor(panel / (TEXT_PX * CHARACTER)));
  return {
    height: 40 + width * PANEL + words.height + panels.rise,
    marginLeft: 38,
    marginRight: 10,
    marginBottom: 32 + words.height,
    marginTop: (facets.length > 1 ? 30 : 20) + panels.rise,
    ...panels.options,
    x: {
      label: labelOf(xAxis),
      ...(xAxis.continuous ? { inset: 6, ticks: panel / NUMBER } : { type: 'point', ...words.axis }),
    },
    y: { label: labelOf(figure.yAxis), grid: true, nice: true },
  };
}

/** Upright bars: panels in a column, x values as groups. */
function barOptions(figure: PaperFigure, width: number): Plot.PlotOptions {
  const { facets, seriesNames, xAxis } = figure;
  const rows = facets.length;
  const words = wordsBelow(figure, width - 48);
  const panel = width * (rows > 1 ? PANEL / 2 : PANEL);
  const panels = panelsOf(facets, 'fy', lineFor(facets, panel));
  return {
    height: 40 + rows * panel + words.height,
    marginLeft: 38,
    marginRight: panels.room + 10,
    marginBottom: 32 + words.height,
    marginTop: 20,
    fx: { label: labelOf(xAxis), padding: 0.15, ...words.axis },
    x: { axis: null, domain: seriesNames as string[] },
    ...panels.options,
    y: { label: labelOf(figure.yAxis), grid: true, zero: true, nice: true },
  };
}

function spaced<T>(values: readonly T[], most: number): T[] {
  const step = Math.ceil(values.length / most);
  return values.filter((_, at) => at % step === 0);
}

function heatOptions(figure: PaperFigure, width: number): Plot.PlotOptions {
  const { facets, points, seriesNames, xAxis } = figure;
  const rows = facets.length;
  const left = roomOf(seriesNames, ROW_NAME) + 10;
  const dense = isDense(points);
  const panel = (dense ? DENSE_ROW : HEAT_ROW) * seriesNames.length + (rows > 1 ? 16 : 0);
  const panels = panelsOf(facets, 'fy', lineFor(facets, panel));
  const right = panels.room + 10;
  const words = dense
    ? { height: 0, axis: { ticks: spaced([...new Set(points.map(({ x }) => x))], 16) } }
    : wordsBelow(figure, width - left - right);
  return {
    height: 32 + rows * panel + words.height,
    marginLeft: left,
    marginRight: right,
    marginBottom: 32 + words.height,
    marginTop: 6,
    x: { label: labelOf(xAxis), type: 'band', ...words.axis },
    y: {
      ...{ label: null, domain: seriesNames as string[], tickFormat: (name: string) => short(name, ROW_NAME) },
      ...(dense ? { ticks: spaced(seriesNames, Math.max(8, seriesNames.length / 2)) } : {}),
    },
    ...panels.options,
    color: { type: 'linear', domain: [...spanOf(points)], range: [...HEAT], interpolate: 'lab' },
  };
}

/** Horizontal bars leave room for long names. */
function rankOptions(figure: PaperFigure, width: number): Plot.PlotOptions {
  const { facets, points, series, seriesNames } = figure;
  const names = namesOf(figure);
  const grouped = series !== null;
  const left = roomOf(names, LONGEST) + 10;
  const panel = names.length * RANK_ROW + 14;
  const panels = panelsOf(grouped ? [] : facets, 'fy', lineFor(facets, panel));
  const right = Math.max(panels.room + 10, 14);
  const rows = grouped ? names.length * (RANK_BAR * seriesNames.length + 8) : facets.length * panel;
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
          ...panels.options,
        }),
    ...(points.length === 0 ? { x: { domain: [0, 1] } } : {}),
  };
}

/** Names of ranked bars, best first by the first series. */
function namesOf({ points, seriesNames, y }: PaperFigure): string[] {
  const sign = METRICS.get(y)?.better === 'lower' ? 1 : -1;
  const most = new Map<string, number>();
  for (const point of points) {
    const rank = point.series === (seriesNames[0] ?? '') ? sign * point.y : Number.POSITIVE_INFINITY;
    most.set(String(point.x), Math.min(rank, most.get(String(point.x)) ?? Number.POSITIVE_INFINITY));
  }
  return [...most].sort((a, b) => (a[1] === b[1] ? 0 : a[1] - b[1])).map(([name]) => name);
}

/** Panels with full names. @param most characters of a line */
function panelsOf(facets: readonly string[], axis: 'fx' | 'fy', most: number): Panels {
  if (facets.length < 2) return { room: 0, rise: 0, options: {} };
  const lines = facets.map((name) => linesIn(name, most));
  return {
    room: roomOf(lines.flat(), most) - 2,
    rise: (Math.max(...lines.map(({ length }) => length)) - 1) * TEXT_PX,
    options: { [axis]: { label: null, domain: facets, tickFormat: (name: string) => linesIn(name, most).join('\n') } },
  };
}

interface Panels {
  readonly room: number;
  readonly rise: number;
  readonly options: Plot.PlotOptions;
}

function lineFor(facets: readonly string[], height: number): number {
  let most = PANEL_LINE;
  while (facets.some((name) => name.length > most && linesIn(name, most).length * TEXT_PX > height)) most++;
  return most;
}

function wordsBelow({ points, xAxis }: PaperFigure, width: number): { readonly height: number; readonly axis: Plot.ScaleOptions } {
  if (xAxis.continuous) return { height: 0, axis: {} };
  const domain = [...new Set(points.map(({ x }) => String(x)))];
  const words = domain.map((name) => short(name));
  const fits = words.every((word) => (word.length + 1) * TEXT_PX * CHARACTER <= width / words.length);
  if (fits) return { height: 0, axis: { domain, tickFormat: (name: string) => short(name) } };
  const height = Math.max(...words.map((word) => word.length)) * TEXT_PX * CHARACTER * Math.sin((LEAN * Math.PI) / 180);
  return { height, axis: { domain, tickFormat: (name: string) => short(name), tickRotate: -LEAN } };
}
