import { formatRatio } from '../../base/units.js';
import { metricValue } from '../../result/catalogue.js';
import { knowledgeText } from '../../result/knowledge.js';
import type { MetricName } from '../../result/metrics.js';
import type { Result } from '../../result/result.js';
import { toCsv } from '../document/csv.js';
import { type Format, metricText, type ReportOptions } from '../format.js';
import { clientScript, uPlotScript, uPlotStyle } from '../page/assets.js';
import { html, type Markup } from '../page/markup.js';
import { download, page } from '../page/page.js';
import { drawSections, prose } from '../page/pieces.js';
import { csvReport } from '../summary/run.js';
import { summarizeResult } from '../summary/summary.js';
import { sourceOf } from '../summary/time.js';
import { bandText, deviceWords } from '../words.js';
import { sections } from './sections/index.js';

/** One self-contained file, readable without scripts or a network. */
export const htmlReport: Format<Result> = {
  name: 'html',
  extensions: ['.html', '.htm'],
  needsDetails: true,
  render: renderHtml,
};

function keyFigures(result: Result): Markup {
  const text = (name: MetricName): string | null => metricText(result, name)?.replace(/\/token$/, '') ?? null;
  return html`<dl class="key">${KEYS.map(([label, name, beside, word]) => {
    const [figure, other] = [text(name), text(beside)];
    const band = label === 'decode' || label === 'prefill' ? bandText(result, label) : null;
    return (
      figure !== null &&
      html`<div><dt>${label}</dt><dd>${figure}${band !== null && html`<small>${band}</small>`}${other !== null && html`<small>${word} ${other}</small>`}</dd></div>`
    );
  })}</dl>`;
}

function renderHtml(result: Result, options: ReportOptions): string {
  const { details } = result;
  const summary = summarizeResult(result);
  const answer = answerOf(result);
  const knows = knowledgeText(result);
  const { contents, body } = drawSections(sections, result);
  const { causes: _, ...shown } = details ?? {};
  return page({
    title: `moeprof: ${summary.title}`,
    header: html`<p class="origin">${summary.title}</p>
<h1 class="answer">${prose(answer.sentence)}</h1>
<p class="context">${prose(answer.context)}</p>
<p class="origin">${summary.origin}</p>
${summary.heldOut !== null && html`<p class="origin">${summary.heldOut}</p>`}
${summary.standIns.map((text) => html`<p class="note">${text}</p>`)}
${summary.chosen !== null && html`<p class="note">${summary.chosen}</p>`}
${summary.synthetic !== null && html`<p class="note">${summary.synthetic}</p>`}
${knows !== null && html`<p class="note">Knows more than what has happened: ${knows}.</p>`}
${keyFigures(result)}
${contents}`,
    body: html`${
      details === undefined &&
      html`<p class="note">Loads by expert, series over time and the capacity curve are missing: this result was saved without them. Save it with <code>moeprof run --details</code>, or write the report with <code>moeprof run --html</code>.</p>
`
    }${body}`,
    footer: html`<p class="downloads">Save as CSV: ${download('metrics', 'metrics.csv', csvReport.render(result, options))}, ${download('layers', 'layers.csv', layersCsv(result))}${
      details !== undefined &&
      html`, ${download('loads by expert', 'loads.csv', loadsCsv(details.loads))}, ${download('series', 'series.csv', seriesCsv(result))}`
    }.</p>
<p>Written by moeprof ${result.tool.version}. Simulated figures are exact: the same inputs give the same ones on every machine.</p>`,
    data: { ...result, details: details === undefined ? undefined : shown },
    scripts: details === undefined ? [] : [uPlotScript(), clientScript('tools', 'series'), clientScript('heatmap')],
    styles: details === undefined ? [] : [uPlotStyle()],
  });
}

function layersCsv({ perLayer }: Result): string {
  const names = Object.keys(perLayer) as (keyof typeof perLayer)[];
  return toCsv([['layer', ...names], ...perLayer.demanded.map((_, layer) => [layer, ...names.map((name) => perLayer[name][layer]!)])]);
}

function loadsCsv(loads: readonly (readonly number[])[]): string {
  return toCsv([['layer', 'expert', 'loads'], ...loads.flatMap((row, layer) => row.map((count, expert) => [layer, expert, count]))]);
}

function seriesCsv({ details }: Result): string {
  const { binNs, hits, late, misses, stallNs, links } = details!.series;
  const columns: [name: string, values: readonly number[]][] = [
    ['hits', hits],
    ['late', late],
    ['misses', misses],
    ['stall_ns', stallNs],
    ...links.flatMap(({ name, demandNs, prefetchNs }): [string, readonly number[]][] => [
      [`${name}_demand_ns`, demandNs],
      [`${name}_prefetch_ns`, prefetchNs],
    ]),
  ];
  const head = ['start_ns', ...columns.map(([name]) => name)];
  const rows = hits.map((_, bin) => [bin * binNs, ...columns.map(([, values]) => values[bin]!)]);
  return toCsv([head, ...rows]);
}

/** The answer as plain text: cost, and a possibly empty comparison with the bounds. */
export function answerOf(result: Result): { readonly sentence: string; readonly context: string } {
  const text = (name: MetricName): string | null => metricText(result, name);
  const share = (name: MetricName): number => (metricValue(result, name) ?? 0) / total;
  const { place, processor } = deviceWords(result);
  const tpot = text('latency.tpot.mean');
  const pass = text('latency.pass.mean');
  const decode = text('speed.decode');
  const speed =
    tpot !== null && decode !== null
      ? `Decodes at ${decode}, a token in ${tpot} on average`
      : pass !== null
        ? `A pass takes ${pass} on average`
        : 'No time was measured';
  const total = metricValue(result, 'time.total') ?? 0;
  const [cpu, ssd] = [share('time.stall_cpu'), share('time.stall_ssd')];
  const stall = share('time.stall') - cpu - ssd;
  const nothing = metricValue(result, 'memory.gpu.expert_cache') === 0 ? ', with no expert resident,' : '';
  const sources = [
    { source: 'the SSD', share: ssd },
    { source: sourceOf(result), share: stall },
  ].filter(({ share }) => share > 0.005);
  const of = cpu > 0.005 ? 'it' : 'the run';
  const waited = sources
    .map(({ share, source }, i) => `for ${source}${i === 0 ? nothing : ''} during ${formatRatio(share, 0)}`)
    .join(' and ');
  const waits =
    !(total > 0) || !Number.isFinite(stall)
      ? ''
      : [
          ...(cpu > 0.005 ? [`, the CPU computes experts during ${formatRatio(cpu, 0)} of the run`] : []),
          sources.length > 0
            ? `, and the ${processor} waits ${waited} of ${of}`
            : `, and the ${processor} hardly ever waits for an expert to arrive`,
        ].join('');
  const hit = text('cache.hit_rate');
  const belady = text('bound.belady.hit_rate');
  const resident = text('bound.all_resident.tpot');
  const context = [
    hit !== null &&
      `The expert cache hits ${hit} of what is asked for${belady === null ? '' : `; no policy of this size hits more than ${belady} without prefetching`}.`,
    resident !== null && tpot !== null && `With every expert ${place} a token would take ${resident}.`,
  ];
  return { sentence: `${speed}${waits}.`, context: context.filter((part) => part !== false).join(' ') };
}

/** Label, metric, and the line below: a word and a second metric. */
export const KEYS = [
  ['hit rate', 'cache.hit_rate', 'bound.belady.hit_rate', 'Belady'],
  ['decode', 'speed.decode', 'throughput.generated', 'generated over the run'],
  ['prefill', 'speed.prefill', 'throughput.total', 'with prompts over the run'],
  ['time per output token', 'latency.tpot.mean', 'bound.all_resident.tpot', 'all resident'],
  ['time to first token', 'latency.ttft.mean', 'latency.ttft.p99', '99 % within'],
  ['moved for each token', 'transfer.h2d.bytes_per_token', 'transfer.on_demand.bytes_per_token', 'on demand'],
  ['GPU memory', 'memory.gpu.allocated', 'memory.gpu.expert_cache', 'expert cache'],
] as const;
