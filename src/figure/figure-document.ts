// The points of a figure as a table, for the page below the drawing and for CSV.
import { type Document, gridOf } from '../report/document/document.js';
import { labelOf, type PaperFigure } from './figure.js';

/** A figure as a document. */
export function figureDocument(figure: PaperFigure): Document {
  const { facet, facets, points, series, statistic, xAxis, yAxis } = figure;
  const columns = [
    ...(series === null ? [] : [{ head: series, align: 'left' as const }]),
    ...(facet === null ? [] : [{ head: facet, align: 'left' as const }]),
    { head: labelOf(xAxis), align: xAxis.continuous ? ('right' as const) : ('left' as const) },
    ...[`${statistic} of ${labelOf(yAxis)}`, 'least', 'largest', 'runs'],
  ];
  const rows = points.map((point) => [
    ...(series === null ? [] : [point.series]),
    ...(facet === null ? [] : [point.facet]),
    typeof point.x === 'number' ? inDigits(point.x) : point.x,
    ...[point.y, point.low, point.high].map(inDigits),
    point.runs,
  ]);
  return {
    title: `${yAxis.name} by ${xAxis.name}${facets.length > 1 ? `, for each ${facet}` : ''}`,
    blocks: [gridOf(columns, rows, { title: 'The points of the figure' })],
  };
}

/** Four digits for people, all for CSV. */
function inDigits(value: number): { readonly value: number; readonly text: string } {
  return { value, text: String(Number(value.toPrecision(4))) };
}
