import { Chalk } from 'chalk';
import { sum } from '../base/statistics.js';
import type { ReportOptions } from './format.js';
import { widthOf } from './text.js';

/** From cold to hot, indices of the 256-colour palette. */
const COLORS = [16, 17, 18, 19, 54, 90, 126, 161, 197, 203, 209, 215, 221, 227, 230] as const;
const CHARACTERS = ' .:-=+*#%@';
/** Columns of the layer number. */
const LABEL = 5;
/** Minimum load of a hot expert, multiples of the mean; ours. */
const HOT = 2;

/** Text heatmap, two layers per line in half blocks. @param loads `[layer][expert]` */
export function heatmap(loads: readonly ArrayLike<number>[], options: ReportOptions): string {
  const room = widthOf(options) - LABEL - 1;
  const most = Math.max(...loads.map((layer) => layer.length));
  const bin = Math.ceil(most / room);
  const rows = loads.map((layer) => relative(layer, bin));
  const columns = Math.ceil(most / bin);
  const label = (layer: number): string =>
    String(layer)
      .padStart(LABEL - 1)
      .padEnd(LABEL);
  const lines: string[] = [];
  let legend: string;
  if (!options.unicode) {
    rows.forEach((row, layer) => {
      lines.push(
        label(layer) +
          Array.from({ length: columns }, (_, c) => CHARACTERS[shade(row[c] ?? 0, CHARACTERS.length)])
            .join('')
            .trimEnd(),
      );
    });
    legend = 'one line a layer; from . (an eighth of the mean load) to @ (eight times)';
  } else {
    const chalk = new Chalk({ level: options.color ? 2 : 0 });
    for (let layer = 0; layer < rows.length; layer += 2) {
      const cells = Array.from({ length: columns }, (_, c) => {
        const [upper, lower] = [rows[layer]![c] ?? 0, rows[layer + 1]?.[c] ?? 0];
        if (options.color) return chalk.ansi256(COLORS[shade(upper, COLORS.length)]!).bgAnsi256(COLORS[shade(lower, COLORS.length)]!)('▀');
        return upper >= HOT ? (lower >= HOT ? '█' : '▀') : lower >= HOT ? '▄' : ' ';
      });
      lines.push((label(layer) + cells.join('')).trimEnd());
    }
    legend = options.color
      ? 'two layers a line; the brighter, the more load'
      : `two layers a line; a block has at least ${HOT} times the mean load`;
  }
  const scale = bin === 1 ? 'one column an expert' : `one column for ${bin} experts, the hottest shown`;
  return `${[...lines, '', legend, scale].join('\n')}\n`;
}

function relative(layer: ArrayLike<number>, bin: number): number[] {
  const mean = sum(layer) / layer.length;
  return Array.from({ length: Math.ceil(layer.length / bin) }, (_, column) => {
    let hottest = 0;
    for (let e = column * bin; e < Math.min(layer.length, (column + 1) * bin); e++) hottest = Math.max(hottest, layer[e]!);
    return mean === 0 ? 0 : hottest / mean;
  });
}

/** Step of a scale: 0 for zero, then logarithmic from an eighth to eight times the mean. */
function shade(load: number, steps: number): number {
  if (load <= 0) return 0;
  const position = (Math.log2(load) + 3) / 6;
  return Math.min(steps - 1, Math.max(1, Math.round(position * (steps - 1))));
}
