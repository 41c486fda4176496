// How a plan is shown: one row per system and machine, the answer in a sentence each, JSON, CSV, Markdown. Pure functions of the plan.
import { formatBytes, formatCount, formatRatio } from '../base/units.js';
import { toCsv } from '../report/csv.js';
import { type Format, formatMetric, printable, type ReportOptions } from '../report/format.js';
import { toJson } from '../report/json.js';
import { escapeMarkdown, markdownTable } from '../report/markdown.js';
import type { Grid } from '../report/summary.js';
import { palette, ruledTable, shorten, widthOf, wrap } from '../report/text.js';
import { parseAssertion } from '../result/budget.js';
import { tokensRun } from '../result/ran.js';
import { answerOf, neededBytes, type Placing, type Plan, type Probe } from './plan.js';

/** Longest name of a system or a machine in a table, columns. */
const LONGEST = 20;

/** Formats of a plan, the one for reading first. */
export const planReports: readonly Format<Plan>[] = [
  { name: 'table', summary: 'what each system and machine needs, for reading', extensions: ['.txt'], render: renderTable },
  { name: 'json', summary: 'all results, for tools', extensions: ['.json'], render: toJson },
  { name: 'csv', summary: 'one row per run', extensions: ['.csv'], render: renderCsv },
  { name: 'markdown', summary: 'for pull requests, issues and wikis', extensions: ['.md', '.markdown'], render: renderMarkdown },
];

function renderTable(plan: Plan, options: ReportOptions): string {
  const chalk = palette(options);
  const width = widthOf(options);
  const { head, rows } = placings(plan, options.unicode);
  const blocks = [
    `${chalk.bold(wrap(titleOf(plan), width))}\n${chalk.dim(wrap(originOf(plan), width))}`,
    ruledTable(head, rows, options, { align: ['left', 'left'] }),
    ...remarks(plan).map((text) => wrap(text, width)),
  ];
  if (options.verbose || plan.placings.length === 1) {
    for (const placing of plan.placings) {
      const tried = probes(plan, placing);
      const heading = plan.placings.length === 1 ? 'What was tried' : `What was tried of ${nameOf(placing)}`;
      blocks.push(`${chalk.bold(wrap(heading, width))}\n${ruledTable(tried.head, tried.rows, options)}`);
    }
  }
  return `${blocks.join('\n\n')}\n`;
}

function renderMarkdown(plan: Plan): string {
  const blocks = [
    `## ${escapeMarkdown(titleOf(plan))}`,
    `${escapeMarkdown(originOf(plan))}.`,
    markdownTable(placings(plan, true), [0, 1]),
    ...remarks(plan).map(escapeMarkdown),
  ];
  return `${blocks.join('\n\n')}\n`;
}

function renderCsv(plan: Plan): string {
  const names = metricsOf(plan);
  const rows = plan.placings.flatMap(({ hardware, probes, system }) =>
    probes.map((probe) => [
      system,
      hardware,
      probe.percent,
      probe.broken.length === 0 ? 'yes' : 'no',
      neededBytes(probe),
      ...names.map((name) => probe.result.metrics[name]?.value ?? ''),
    ]),
  );
  return toCsv([['system', 'hardware', 'cache_percent', 'kept', 'memory.gpu.peak', ...names], ...rows]);
}

/** What each placing needs, and has. */
function placings(plan: Plan, unicode: boolean): Grid {
  const rows = plan.placings.map((placing) => {
    const answer = answerOf(placing);
    const name = (text: string): string => shorten(printable(text), LONGEST, unicode);
    const needs = answer === null ? ['', ''] : [cacheOf(answer), formatBytes(neededBytes(answer))];
    return [name(placing.system), name(placing.hardware), ...needs, formatBytes(placing.gpuBytes), placing.fits ? 'yes' : 'no'];
  });
  return { head: ['system', 'machine', 'expert cache', 'needs', 'has', 'fits'], rows };
}

/** All runs of a placing, with the metrics that the conditions speak of. */
function probes(plan: Plan, { probes: tried }: Placing): Grid {
  const names = metricsOf(plan);
  const rows = tried.map((probe) => [
    cacheOf(probe),
    formatBytes(neededBytes(probe)),
    formatRatio(probe.result.metrics['cache.hit_rate']!.value),
    ...names.map((name) => (probe.result.metrics[name] === undefined ? '' : formatMetric(probe.result.metrics[name]))),
    probe.broken.length === 0 ? 'yes' : 'no',
  ]);
  return { head: ['expert cache', 'GPU memory', 'hits', ...names, 'holds'], rows };
}

/** Metrics that the conditions name, hit rate apart, which is shown anyway. */
function metricsOf({ conditions }: Plan): string[] {
  const named = conditions.map((text) => parseAssertion(text).metric);
  return [...new Set(named)].filter((name) => name !== 'cache.hit_rate' && !/[*?]/.test(name));
}

function cacheOf({ percent, result }: Probe): string {
  return `${percent} %, ${formatBytes(result.metrics['memory.gpu.expert_cache']!.value)}`;
}

function nameOf({ hardware, system }: Placing): string {
  return printable(`${system} on ${hardware}`);
}

/** The answer in words where it is one, else what the table does not say. */
function remarks({ placings: all }: Plan): string[] {
  return all.filter(({ fits, steady }) => all.length === 1 || !fits || !steady).map(sentence);
}

function sentence(placing: Placing): string {
  const answer = answerOf(placing);
  const name = nameOf(placing);
  const last = placing.probes.at(-1)!;
  if (answer === null) return `${name}: not even with every expert resident does ${last.broken.map(printable).join(' and ')} hold.`;
  const needed = formatBytes(neededBytes(answer));
  const has = formatBytes(placing.gpuBytes);
  const cache =
    answer.percent === 0
      ? 'holds without any expert cache'
      : `holds from an expert cache of ${answer.percent} % on (${formatBytes(answer.result.metrics['memory.gpu.expert_cache']!.value)})`;
  const unsteady = placing.steady ? '' : ' A larger cache was seen to break it again: look at what was tried (--verbose).';
  return `${name}: ${cache}, ${needed} of GPU memory in all; the GPU has ${has}${placing.fits ? '' : ', which is too little'}.${unsteady}`;
}

function titleOf({ conditions, placings: all, slo }: Plan): string {
  const { inputs } = all[0]!.probes[0]!.result;
  const objective = slo === null ? '' : ` (--slo ${slo})`;
  return printable(`GPU memory for ${inputs.model} ${inputs.quantization} to keep ${conditions.join(' and ')}${objective}`);
}

function originOf({ placings: all }: Plan): string {
  const { result } = all[0]!.probes[0]!;
  const traces = result.inputs.traces.map(({ path, synthetic }) => (synthetic ? 'synthetic routing' : path));
  const runs = all.reduce((sum, placing) => sum + placing.probes.length, 0);
  return printable(`${formatCount(runs)} runs of ${formatCount(tokensRun(result))} tokens, from ${traces.join(', ')}`);
}
