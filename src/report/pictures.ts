// Pictures of a run in text, for a verbose report: sparklines by layer and, if the result contains their data, over time, and a heatmap of
// loads.
import { formatNs, formatRatio } from '../base/units.js';
import type { Series } from '../result/details.js';
import type { Result } from '../result/result.js';
import { printable, type ReportOptions } from './format.js';
import { heatmap } from './heatmap.js';
import { sparkline } from './sparkline.js';
import { palette, shorten, widthOf, wrap } from './text.js';

/** Width of the label, including the blanks after it. */
const LABEL = 14;
/** Width of the minimum and maximum after a line, including the blanks before them. */
const RANGE = 22;

/** A quantity by layer or over time. */
interface Line {
  readonly label: string;
  /** Null where nothing can be measured. */
  readonly values: readonly (number | null)[];
  readonly format: (value: number) => string;
}

/** All pictures that the result has. */
export function picturesOf(result: Result, options: ReportOptions): string {
  const { details } = result;
  const blocks = [
    block('by layer', `0 to ${result.perLayer.demanded.length - 1}`, byLayer(result), options),
    ...(details === undefined
      ? [wrap('With --details: the same over time, and a heatmap of loads by layer and expert.', widthOf(options))]
      : [
          block('over time', `0 to ${formatNs(details.series.binNs * details.series.hits.length)}`, overTime(details.series), options),
          // Two layers in a line differ only by colour.
          `${palette(options).bold('loads by layer and expert')}\n${heatmap(details.loads, { ...options, unicode: options.unicode && options.color }).trimEnd()}`,
        ]),
  ];
  return blocks.join('\n\n');
}

/** Sparklines under a title, each followed by its range. */
function block(title: string, span: string, lines: readonly Line[], options: ReportOptions): string {
  const chalk = palette(options);
  const width = widthOf(options) - LABEL - RANGE;
  return [
    `${chalk.bold(title)}  ${chalk.dim(`${span}, each line from its own lowest to its own highest`)}`,
    ...lines.map(({ label, values, format }) => {
      const { text, least, most } = sparkline(values, width, options);
      const range = Number.isNaN(least) ? 'nothing' : least === most ? `${format(least)} all along` : `${format(least)} to ${format(most)}`;
      const name = shorten(printable(label), LABEL - 2, options.unicode).padEnd(LABEL);
      return `${chalk.dim(name)}${text.padEnd(width)}  ${range}`;
    }),
  ].join('\n');
}

function rateOf(part: number, whole: number): number | null {
  return whole > 0 ? part / whole : null;
}

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
