// `moeprof explain`: what a metric or a warning means, in two paragraphs, without leaving the terminal.
import type { Command } from 'commander';
import { UserError } from '../base/errors.js';
import { didYouMean } from '../base/text.js';
import type { ReportOptions } from '../report/format.js';
import { palette, widthOf, wrap } from '../report/text.js';
import { METRICS } from '../result/catalogue.js';
import { TOPICS, topicOf } from '../result/explanations/index.js';
import { noSuchMetric, replacementOf } from '../result/replaced.js';
import type { CliContext } from './context.js';

const EXAMPLES = `
Examples:
  moeprof explain                      all topics
  moeprof explain cache.hit_rate
  moeprof explain latency.tpot.p99
  moeprof explain below-token-cycle
`;

/** Defines the command. */
export function define(command: Command, context: CliContext): void {
  command
    .argument('[name]', 'a metric, the beginning of several, or the code of a warning; without it, all topics')
    .addHelpText('after', EXAMPLES)
    .action((name: string | undefined) =>
      context.out(name === undefined ? listed(context.reportOptions) : explained(name, context.reportOptions)),
    );
}

/** Every topic with the names that it is about. */
function listed(options: ReportOptions): string {
  const lines = TOPICS.map(({ names }) => wrap(names.map((name) => name.replace(/\.\*$/, '')).join(', '), widthOf(options), '  ', '    '));
  return `Topics (moeprof explain <name>):\n${lines.join('\n')}\n`;
}

/** @throws UserError with the nearest name */
function explained(name: string, options: ReportOptions): string {
  const chalk = palette(options);
  const width = widthOf(options);
  const topic = topicOf(name);
  if (topic === null) {
    const known = [...METRICS.keys(), ...TOPICS.flatMap(({ names }) => names.map((one) => one.replace(/\.\*$/, '')))];
    if (replacementOf(name) !== null) throw new UserError(noSuchMetric(name, ''));
    throw new UserError(`there is no metric or warning "${name}": ${didYouMean(name, known)}`);
  }
  const metrics = [...METRICS.values()].filter((metric) => metric.name === name || metric.name.startsWith(`${name}.`));
  const own = METRICS.get(name);
  const head = [
    chalk.bold(name),
    ...(own === undefined ? [] : [wrap(own.meaning, width), chalk.dim(facts(own.unit, own.better, own.kind))]),
    ...(own === undefined && metrics.length > 0 ? [chalk.dim(wrap(metrics.map((metric) => metric.name).join(', '), width))] : []),
  ];
  return `${[head.join('\n'), wrap(plain(topic.what, options), width), wrap(plain(topic.reading, options), width)].join('\n\n')}\n`;
}

function facts(unit: string, better: string, kind: string): string {
  const side = better === 'none' ? 'neither side is better' : `better when ${better}`;
  return `${unit}; ${side}; ${kind === 'exact' ? 'simulated, the same on every machine' : 'measured on this machine'}`;
}

/** Typographic quotes in ASCII where the terminal has nothing else. */
function plain(text: string, { unicode }: ReportOptions): string {
  return unicode ? text : text.replaceAll('’', "'").replace(/[“”]/g, '"');
}
