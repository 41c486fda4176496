import { formatNs, formatRatio } from '../../base/units.js';
import { compareMetricNames, METRICS } from '../../result/catalogue.js';
import type { Series } from '../../result/details.js';
import type { Result } from '../../result/result.js';
import {
  type Block,
  type ColumnOf,
  type Document,
  figure,
  type Grid,
  grid,
  gridOf,
  type Lines,
  linesBlock,
  note,
  ratio,
} from '../document/document.js';
import { documentFormats } from '../document/formats.js';
import { heldOutLead, heldOutTokens } from '../document/held-out.js';
import { printable, type ReportOptions } from '../format.js';
import { heatmap } from '../heatmap.js';
import { orderedResult } from '../json.js';
import { sparkline } from '../sparkline.js';
import { barGlyphs, palette, shorten, stackedBar, widthOf, wrap } from '../text.js';
import { FIGURE, LABEL, layerGrid } from './grids.js';
import type { BoundRow } from './summary.js';
import { type Summary, summarizeResult } from './summary.js';
import { partWords, type TimePart } from './time.js';

/** Column of the text after a label. */
const INDENT = LABEL + 2;

/** Table, JSON, CSV and Markdown of a result. */
export const [tableReport, jsonReport, csvReport, markdownReport] = documentFormats<Result>(runDocument, orderedResult);

/** Begins with speed and limit; terminals show most grids with --verbose. */
function runDocument(result: Result): Document {
  const summary = summarizeResult(result);
  const { bounds, brief, limit, speed, time, title, warnings } = summary;
  const metrics = metricGrid(result);
  const warned = (wanted: string): Lines['lines'] =>
    warnings.flatMap(({ code, message }) => (code === wanted ? [{ label: code, text: message, tone: 'warning' }] : []));
  const cautions = [...summary.standIns, summary.chosen, summary.synthetic].filter((text) => text !== null);
  return {
    title: speed ?? title,
    lead: [
      ...(limit === null ? [] : [{ text: limit, tone: 'plain' as const }]),
      ...warned('does-not-fit'),
      { text: speed === null ? summary.origin : `${title}; ${summary.origin}` },
      ...heldOutLead(heldOutTokens(result)),
      ...cautions.map((text) => ({ text, tone: 'caution' as const })),
    ],
    blocks: [
      ...(time === null ? [] : timeBlocks(time)),
      ...(bounds.length === 0 ? [] : [{ ...boundsGrid(bounds), detail: 'more' as const }]),
      { kind: 'facts', facts: brief, indent: INDENT, only: ['terminal'], detail: 'brief' },
      { ...summary.cache, detail: 'more' },
      ...(summary.latency === null ? [] : [{ ...summary.latency, detail: 'more' as const }]),
      ...(summary.classes === null ? [] : [summary.classes]),
      { kind: 'facts', facts: summary.facts, indent: INDENT, detail: 'more' },
      linesBlock([...new Set(warnings.map(({ code }) => code))].filter((code) => code !== 'does-not-fit').flatMap(warned)),
      { ...metrics, only: ['markdown'], fold: 'All metrics' },
      { ...metrics, only: ['terminal'], detail: 'verbose' },
      { ...layerGrid(result), fold: 'By layer', detail: 'verbose' },
      { kind: 'drawing', draw: (options) => picturesOf(result, options), detail: 'verbose' },
    ],
    records: metrics,
  };
}

/** All metrics; CSV adds the run's inputs, so that files can be concatenated. */
function metricGrid({ inputs, metrics, seed }: Result): Grid {
  const only = ['csv'] as const;
  return grid<string>(Object.keys(metrics).sort(compareMetricNames), [
    ...(['model', 'quantization', 'hardware', 'system'] as const).map((head): ColumnOf<string> => ({ head, of: () => inputs[head], only })),
    { head: 'seed', of: () => seed, only },
    { head: 'metric', of: (name) => name, align: 'left' },
    { head: 'value', of: (name) => metrics[name] },
    { head: 'unit', of: (name) => metrics[name]!.unit, only },
    { head: 'better', of: (name) => metrics[name]!.better, only },
    { head: 'kind', of: (name) => metrics[name]!.kind, only },
    { head: 'meaning', of: (name) => METRICS.get(name)?.meaning, align: 'left', only: ['markdown'] },
  ]);
}

function timeBlocks(time: NonNullable<Summary['time']>): Block[] {
  const { cpu, parts, source, totalNs } = time;
  const heads = ['where the time goes', ...parts.map(({ label }) => partWords(label, source)), 'total'];
  const row = ['share', ...parts.map(({ share }) => ratio(share)), figure(totalNs, 'ns')];
  return [
    { kind: 'drawing', draw: (options) => timeBar(time, widthOf(options), options) },
    gridOf(heads, [row], { only: ['markdown'] }),
    ...(cpu === null ? [] : [{ ...note(cpu), only: ['markdown'] as const }]),
  ];
}

function boundsGrid(bounds: readonly BoundRow[]): Grid {
  return grid(bounds, [
    { head: 'bounds', width: LABEL, of: ({ label }) => label },
    { head: 'no cache', width: FIGURE, of: ({ worst }) => worst },
    { head: 'this run', width: FIGURE, of: ({ own }) => own },
    { head: 'best', width: FIGURE, of: ({ best }) => best },
    { head: 'of', align: 'left', of: ({ bound }) => bound },
    { head: 'gap closed', of: ({ closed }) => ratio(closed) },
  ]);
}

function timeBar(time: NonNullable<Summary['time']>, width: number, options: ReportOptions): string {
  const chalk = palette(options);
  const [solid, dense, medium, light] = barGlyphs(options.unicode);
  const looks: Record<TimePart['label'], { glyph: string; paint: (text: string) => string }> = {
    dense: { glyph: dense, paint: chalk.blue },
    experts: { glyph: solid, paint: chalk.green },
    CPU: { glyph: options.unicode ? '╲' : '\\', paint: chalk.yellow },
    SSD: { glyph: options.unicode ? '═' : '=', paint: chalk.redBright },
    stall: { glyph: light, paint: chalk.red },
    'all-to-all': { glyph: options.unicode ? '╱' : '/', paint: chalk.magenta },
    idle: { glyph: medium, paint: chalk.gray },
  };
  const parts = time.parts.filter((part) => part.ns > 0);
  const bar = stackedBar(
    parts.map((part) => ({ share: part.share, ...looks[part.label] })),
    width,
  );
  const words = parts.map(({ label, share }) => `${partWords(label, time.source.replace('the ', ''))} ${formatRatio(share)}`);
  const fits = words.reduce((length, word) => length + word.length + 4, -2) <= width;
  const legend = parts.map(({ label }, i) => `${looks[label].paint(looks[label].glyph)} ${words[i]}`);
  const lines = fits ? [legend] : [legend.slice(0, 3), legend.slice(3)];
  const title = `${chalk.bold('where the time goes')}  ${chalk.dim(`${formatNs(time.totalNs)} on the ${time.processor}`)}`;
  const cpu = time.cpu === null || !options.verbose ? [] : [wrap(time.cpu, width)];
  return [title, bar, ...lines.map((line) => line.join('  ')), ...cpu].join('\n');
}

/** Columns of a picture's label, with trailing blanks. */
const PICTURE_LABEL = 14;
/** Columns of minimum and maximum, with leading blanks. */
const RANGE = 22;

interface Line {
  readonly label: string;
  /** Null: not measurable. */
  readonly values: readonly (number | null)[];
  readonly format: (value: number) => string;
}

/** All pictures of a result. */
export function picturesOf(result: Result, options: ReportOptions): string {
  const { details } = result;
  const blocks = [
    block('by layer', `0 to ${result.perLayer.demanded.length - 1}`, byLayer(result), options),
    ...(details === undefined
      ? [wrap('With --details: the same over time, and a heatmap of loads by layer and expert.', widthOf(options))]
      : [
          block('over time', `0 to ${formatNs(details.series.binNs * details.series.hits.length)}`, overTime(details.series), options),
          // Colour alone separates two layers of a line.
          `${palette(options).bold('loads by layer and expert')}\n${heatmap(details.loads, { ...options, unicode: options.unicode && options.color }).trimEnd()}`,
        ]),
  ];
  return blocks.join('\n\n');
}

function block(title: string, span: string, lines: readonly Line[], options: ReportOptions): string {
  const chalk = palette(options);
  const width = widthOf(options) - PICTURE_LABEL - RANGE;
  return [
    `${chalk.bold(title)}  ${chalk.dim(`${span}, each line from its own lowest to its own highest`)}`,
    ...lines.map(({ label, values, format }) => {
      const { text, least, most } = sparkline(values, width, options);
      const range = Number.isNaN(least) ? 'nothing' : least === most ? `${format(least)} all along` : `${format(least)} to ${format(most)}`;
      const name = shorten(printable(label), PICTURE_LABEL - 2, options.unicode).padEnd(PICTURE_LABEL);
      return `${chalk.dim(name)}${text.padEnd(width)}  ${range}`;
    }),
  ].join('\n');
}

const rateOf = (part: number, whole: number): number | null => (whole > 0 ? part / whole : null);

function byLayer({ perLayer: { demanded, hits, misses, stallNs } }: Result): Line[] {
  return [
    { label: 'hit rate', values: demanded.map((count, layer) => rateOf(hits[layer]!, count)), format: formatRatio },
    { label: 'miss', values: demanded.map((count, layer) => rateOf(misses[layer]!, count)), format: formatRatio },
    { label: 'stall', values: stallNs, format: formatNs },
  ];
}

function overTime({ binNs, hits, late, misses, stallNs, links }: Series): Line[] {
  const share = (ns: number, of = 1): number => Math.min(1, ns / binNs / of);
  return [
    { label: 'hit rate', values: hits.map((count, bin) => rateOf(count, count + late[bin]! + misses[bin]!)), format: formatRatio },
    { label: 'stall', values: stallNs.map((ns) => share(ns)), format: formatRatio },
    ...links.map(
      ({ name, lanes, demandNs, prefetchNs }): Line => ({
        label: `link ${name}`,
        values: demandNs.map((ns, bin) => share(ns + prefetchNs[bin]!, lanes)),
        format: formatRatio,
      }),
    ),
  ];
}
