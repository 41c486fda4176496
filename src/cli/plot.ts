import type { Command } from 'commander';
import { UserError } from '../base/errors.js';
import type { PaperFigure } from '../figure/door.js';
import { FIGURE_KINDS, figureDocument, figureOf, pictureFormats, STATISTICS, statisticNamed } from '../figure/door.js';
import { type OutputFormat, toJson } from '../report/door.js';
import { readRuns } from '../study/door.js';
import type { CliContext } from './kit/context.js';
import { declared, type OptionsOf, options } from './kit/declared.js';
import { output, PICTURES } from './kit/groups.js';
import { metricNames } from './kit/options.js';
import { deliver } from './kit/outputs.js';
import { printWords, WORDS } from './kit/print-words.js';

const PLACES = STATISTICS.slice(0, 4);

/** Narrowest and widest figure, mm. Ours. */
const WIDTHS = [40, 400] as const;

const PLOT = options({
  '<runs...>': 'what sweep -o wrote, a store, or results; folders of these (.json, .jsonl)',
  'What is drawn:': '',
  '--kind <kind>': ['kind of figure', { choices: FIGURE_KINDS, default: 'line' }],
  '--x <name>': ['what stands on the horizontal axis: hardware, memory.expertCache, a metric ...', { required: true }],
  '--y <metric>': ['what is drawn; of a heat map, its colour', { default: 'speed.decode' }],
  '--series <names>': 'what makes the series, several with commas; of a heat map, its rows',
  '--facet <names>': 'what makes the panels',
  '--stat <name>': [`of runs that share a point: ${PLACES.join(', ')}; whiskers go from the least to the largest`, { default: 'median' }],
  '--width <mm>': ['width of the figure', { default: '90' }],
  ...WORDS,
  ...output(figureFormats(90)),
  ...PICTURES,
});

/** Help. */
export const help = `Examples:
  moeprof plot study.jsonl --x memory.expertCache --y speed.decode \\
    --series system --facet trace -o figure.svg
  moeprof plot .moeprof/store --kind bar --x hardware --series system -o b.pgf
  moeprof plot .moeprof/store --kind heat --x workload.batch --series system \\
    --y cache.hit_rate -o heat.svg
  moeprof plot study.jsonl --kind pareto --x memory.gpu.expert_cache \\
    --y speed.decode --series system --html front.html`;

/** `moeprof plot`: finished runs as a figure for print. */
export function define(command: Command, context: CliContext): void {
  declared(command, PLOT, { first: ['--x', '--y', '--series', '--kind', '-o'] }).action(
    (paths: string[], options: OptionsOf<typeof PLOT>) => {
      const question = {
        kind: options.kind,
        x: options.x,
        y: metricNames(options.y, '--y')[0]!,
        series: options.series ?? null,
        facet: options.facet ?? null,
        statistic: statisticNamed(options.stat, PLACES),
      };
      const { labels, titled } = printWords(options);
      const figure = (): PaperFigure => ({ ...figureOf(paths.flatMap(readRuns), question, labels), ...titled });
      return deliver(context, figureFormats(widthIn(options.width)), options, figure, paths);
    },
  );
}

function figureFormats(width: number): readonly OutputFormat<PaperFigure>[] {
  const pictures = pictureFormats<PaperFigure>('moeprof plot', (figure) => [figure], figureDocument, width);
  return [...pictures, { name: 'json', extensions: ['.json'], render: toJson }];
}

function widthIn(text: string): number {
  const width = Number(text.replace(/ ?mm$/, ''));
  const [least, most] = WIDTHS;
  if (text.trim() !== '' && width >= least && width <= most) return width;
  throw new UserError(`--width ${text}: expected ${least} to ${most} millimetres, e.g. --width 90`);
}
