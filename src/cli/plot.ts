import type { Command } from 'commander';
import { UserError } from '../base/errors.js';
import type { FigureQuestion, PaperFigure } from '../figure/door.js';
import { FIGURE_KINDS, figureDocument, figureOf, pictureFormats, STATISTICS, statisticNamed } from '../figure/door.js';
import { type OutputFormat, toJson } from '../report/door.js';
import { readRuns } from '../study/door.js';
import type { CliContext } from './kit/context.js';
import { declared } from './kit/declared.js';
import { metricNames } from './kit/options.js';
import { deliver, type OutputOptions } from './kit/outputs.js';
import { type PrintWords, printWords } from './kit/print-words.js';

interface PlotOptions
  extends OutputOptions,
    PrintWords,
    Pick<FigureQuestion, 'kind' | 'x' | 'y'>,
    Partial<Pick<FigureQuestion, 'series' | 'facet'>> {
  readonly stat: string;
  readonly width: string;
}

const PLACES = STATISTICS.slice(0, 4);

/** Narrowest and widest figure, mm. Ours. */
const WIDTHS = [40, 400] as const;

/** `moeprof plot`: finished runs as a figure for print. */
export function define(command: Command, context: CliContext): void {
  declared(command, 'plot', { words: { kinds: FIGURE_KINDS, statistics: PLACES }, formats: figureFormats(90) }).action(
    (paths: string[], options: PlotOptions) => {
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
