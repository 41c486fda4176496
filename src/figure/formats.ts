import { UserError } from '../base/errors.js';
import { remembered } from '../base/objects.js';
import { type Document, documentFormats, gridOf, type LazyFormat, renderDocumentPage } from '../report/door.js';
import { METRICS } from '../result/catalogue.js';
import { labelOf, type PaperFigure } from './figure.js';

/**
 * Picture formats, and a page with the picture. @param name `moeprof curve` @param figuresOf at least one
 * @param widthMm default: a column
 */
export function pictureFormats<T extends object>(
  name: string,
  figuresOf: (value: T) => readonly PaperFigure[],
  documentOf: (value: T) => Document,
  widthMm?: number,
): readonly LazyFormat<T>[] {
  const drawn = new WeakMap<T, string>();
  const drawing = async (): Promise<(value: T) => string> => {
    const { drawFigures } = await import('./draw.js');
    return (value) => {
      const figures = figuresOf(value);
      if (figures.length === 0) throw new UserError(`${name}: has nothing to draw here; take another format`);
      return remembered(drawn, value, () => drawFigures(figures, widthMm));
    };
  };
  const printed = (name: string, binary: boolean, load: () => Promise<(svg: string) => string | Uint8Array>): LazyFormat<T> => ({
    ...{ name, extensions: [`.${name}`], binary },
    load: async () => {
      const [draw, print] = await Promise.all([drawing(), load()]);
      return (value) => print(draw(value));
    },
  });
  return [
    { name: 'svg', extensions: ['.svg'], load: drawing },
    {
      name: 'html',
      extensions: ['.html', '.htm'],
      load: async () => {
        const draw = await drawing();
        return (value) => renderDocumentPage(documentOf(value), name, figuresOf(value).length === 0 ? undefined : draw(value));
      },
    },
    printed('pdf', true, () => onCanvas('pdf')),
    printed('png', true, () => onCanvas('png')),
    printed('pgf', false, async () => (await import('./print/pgf.js')).pgf),
  ];
}

/** @throws UserError if unavailable */
async function onCanvas(format: 'pdf' | 'png'): Promise<(svg: string) => Uint8Array> {
  const print = await import('./print/canvas.js');
  print.canvas();
  return print[format];
}

/**
 * All formats of a document with figures. @param name e.g. `moeprof curve` @param figuresOf empty: no picture
 * @param dataOf JSON's value
 */
export function drawnFormats<T extends object>(
  name: string,
  documentOf: (value: T) => Document,
  figuresOf: (value: T) => readonly PaperFigure[],
  dataOf?: (value: T) => unknown,
) {
  return [...documentFormats<T>(documentOf, dataOf), ...pictureFormats<T>(name, figuresOf, documentOf)] as const;
}

/** A figure as document: points in a table. */
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
    answer: bestPointOf(figure),
    blocks: [gridOf(columns, rows, { title: 'The points of the figure' })],
  };
}

function bestPointOf({ points, y, yAxis }: PaperFigure): string {
  const lower = METRICS.get(y)?.better === 'lower';
  const best = points.reduce((a, b) => (a.y < b.y === lower ? a : b));
  const at = [best.facet, best.series, String(best.x)].filter((name) => name !== '').join(', ');
  return `${lower ? 'Least' : 'Most'} ${yAxis.name}: ${inDigits(best.y).text}${yAxis.unit === '' ? '' : ` ${yAxis.unit}`} at ${at}`;
}

/** Four digits in text, full precision in CSV. */
function inDigits(value: number): { readonly value: number; readonly text: string } {
  return { value, text: String(Number(value.toPrecision(4))) };
}
