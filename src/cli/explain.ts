import type { Command } from 'commander';
import { UserError } from '../base/errors.js';
import { nearest, suggested } from '../base/text.js';
import { palette, type ReportOptions, widthOf, wrap } from '../report/door.js';
import { METRICS, metricsOfWord, nameToday, noSuchMetric, replacementOf } from '../result/catalogue.js';
import { allTopics, explanations, glossaryOf, topicOf } from '../result/explanations.js';
import type { CliContext } from './kit/context.js';
import { declared, options } from './kit/declared.js';

const EXPLAIN = options({
  '[name]': 'a metric, the beginning of several, a word of a report, or the code of a warning; without it, all topics',
});

/** Help. */
export const help = `Examples:
  moeprof explain                      all topics
  moeprof explain TPOT
  moeprof explain cache.hit_rate
  moeprof explain latency.tpot.p99
  moeprof explain below-token-cycle`;

/** `moeprof explain`: meaning of a metric or a warning. */
export function define(command: Command, context: CliContext): void {
  declared(command, EXPLAIN).action((name: string | undefined) =>
    context.out(name === undefined ? topicList(context.reportOptions) : explained(name, context.reportOptions)),
  );
}

function topicList(options: ReportOptions): string {
  const lines = allTopics().map(({ names }) =>
    wrap(names.map((name) => name.replace(/\.\*$/, '')).join(', '), widthOf(options), '  ', '    '),
  );
  const words = wrap(Object.keys(explanations().words).sort().join(', '), widthOf(options), '  ', '    ');
  return `Topics (moeprof explain <name>):\n${lines.join('\n')}\nWords of the screens:\n${words}\n`;
}

/** @throws UserError with the nearest name */
function explained(text: string, options: ReportOptions): string {
  const name = nameOf(text);
  const chalk = palette(options);
  const width = widthOf(options);
  const topic = topicOf(name);
  const sentence = glossaryOf(text);
  const meaning = sentence === null ? '' : `${chalk.bold(text)}\n${wrap(inAscii(sentence, options), width)}\n`;
  if (topic === null && meaning !== '') return meaning;
  if (topic === null) {
    const named = [
      ...allTopics().flatMap(({ names }) => names),
      ...Object.keys(explanations().words).flatMap((words) => words.split(', ')),
    ];
    if (replacementOf(name) !== null) throw new UserError(noSuchMetric(name, ''));
    const near = nearest(name, [...METRICS.keys(), ...named.map((topic) => topic.replace(/\.\*$/, ''))]);
    const hint = near.length > 0 ? suggested(near) : 'moeprof explain lists all; moeprof advise --explain has the flags of its line';
    throw new UserError(`there is no word, metric or warning "${name}": ${hint}`);
  }
  const metrics = [...METRICS.values()].filter((metric) => metric.name === name || metric.name.startsWith(`${name}.`));
  const description = METRICS.get(name);
  const head = [
    chalk.bold(name),
    ...(description === undefined
      ? []
      : [wrap(description.meaning, width), chalk.dim(facts(description.unit, description.better, description.kind))]),
    ...(description === undefined && metrics.length > 0 ? [chalk.dim(wrap(metrics.map((metric) => metric.name).join(', '), width))] : []),
  ];
  const above = meaning === '' ? '' : `${meaning}\n`;
  return `${above}${[head.join('\n'), wrap(inAscii(topic.what, options), width), wrap(inAscii(topic.reading, options), width)].join('\n\n')}\n`;
}

/** Topic by name or by a word of reports: `TPOT` is `latency.tpot`. */
function nameOf(text: string): string {
  const [first] = topicOf(text) === null ? metricsOfWord(text) : [];
  if (first === undefined) return nameToday(text);
  const parts = first.split('.');
  const family = parts.slice(0, 2).join('.');
  return topicOf(family) === null ? first : family;
}

function facts(unit: string, better: string, kind: string): string {
  const side = better === 'none' ? 'neither side is better' : `better when ${better}`;
  return `${unit}; ${side}; ${kind === 'exact' ? 'simulated, the same on every machine' : 'measured on this machine'}`;
}

const inAscii = (text: string, { unicode }: ReportOptions): string => (unicode ? text : text.replaceAll('’', "'").replace(/[“”]/g, '"'));
