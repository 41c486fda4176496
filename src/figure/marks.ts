import * as Plot from '@observablehq/plot';
import { extentOf } from '../base/statistics.js';
import { type FigurePoint, isDense, type PaperFigure, spanOf } from './figure.js';
import { styleOf } from './palette.js';

/** Maximum points of a series with full-size symbols. Ours. */
const CROWD = 12;

/** Rules across a panel, below the points. */
export function rulesOf({ rules = [] }: PaperFigure): Plot.Markish[] {
  const style = { stroke: '#666', strokeDasharray: '2 2', strokeWidth: 0.8 };
  return rules.map(({ at, axis }) => (axis === 'x' ? Plot.ruleX([at], style) : Plot.ruleY([at], style)));
}

/** Labels of rules on a halo, above the points. */
export function labelsOf({ points, rules = [] }: PaperFigure): Plot.Markish[] {
  const [least, most] = extentOf(points.map(({ x }) => Number(x)));
  const beside = (at: number): number => (at - least < (most - least) / 5 ? 6 : -6);
  const style = { fill: '#333', stroke: '#fff', strokeWidth: 3 };
  return rules.map(({ at, axis, label }) =>
    axis === 'x'
      ? Plot.text([label], { x: [at], frameAnchor: 'bottom', textAnchor: 'start', rotate: -90, dx: beside(at), dy: -4, ...style })
      : Plot.text([label], { y: [at], frameAnchor: 'right', textAnchor: 'end', dx: -3, dy: 7, ...style }),
  );
}

/** Plot marks by kind of figure. */
export function marksFor(figure: PaperFigure): Plot.Markish[] {
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

/** A Plot line has one dash, so each series is a mark. */
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

const isSpread = ({ high, low }: FigurePoint): boolean => high > low;

function sayPoint({ xAxis, yAxis }: PaperFigure, { facet, high, low, runs, series, x, y }: FigurePoint): string {
  const withUnit = (value: number, unit: string): string => `${shortNumber(value)}${unit === '' ? '' : ` ${unit}`}`;
  const at = typeof x === 'number' ? `${xAxis.name} ${withUnit(x, xAxis.unit)}` : x;
  const range = high > low ? `, ${shortNumber(low)} to ${shortNumber(high)}${runs > 1 ? ` of ${runs} runs` : ''}` : '';
  const names = [facet, series, at].filter((name) => name !== '').join(', ');
  return `${names}: ${yAxis.name} ${withUnit(y, yAxis.unit)}${range}`;
}

function heatMarks(data: FigurePoint[], down: { readonly fy?: string }, title: (point: FigurePoint) => string): Plot.Markish[] {
  if (isDense(data)) return [Plot.cell(data, { x: 'x', y: 'series', fill: 'y', title, ...down })];
  const [least, most] = spanOf(data);
  const ink = ({ y }: FigurePoint): string => (y - least > 0.6 * (most - least) ? '#fff' : '#000');
  return [
    Plot.cell(data, { x: 'x', y: 'series', fill: 'y', inset: 0.5, title, ...down }),
    Plot.text(data, { x: 'x', y: 'series', text: ({ y }: FigurePoint) => shortNumber(y), fill: ink, ...down }),
  ];
}

function shortNumber(value: number): string {
  return Math.abs(value) >= 100 ? value.toFixed(0) : String(Number(value.toPrecision(3)));
}
