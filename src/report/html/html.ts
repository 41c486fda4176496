// The HTML report: one self-contained file, readable without scripts or a network, with the answer first.
import { knowledgeText } from '../../result/knowledge.js';
import type { Result } from '../../result/result.js';
import { bandText } from '../band.js';
import { toCsv } from '../document/csv.js';
import { type Format, formatMetric, type ReportOptions } from '../format.js';
import { clientScript, uPlotScript, uPlotStyle } from '../page/assets.js';
import { KEYS } from '../page/keys.js';
import { html, type Markup } from '../page/markup.js';
import { download, page } from '../page/page.js';
import { drawSections, prose } from '../page/pieces.js';
import { csvReport } from '../summary/run.js';
import { summarizeResult } from '../summary/summary.js';
import { answerOf } from './answer.js';
import { sections } from './sections/index.js';

/** HTML of a result. */
export const htmlReport: Format<Result> = {
  name: 'html',
  extensions: ['.html', '.htm'],
  needsDetails: true,
  render: renderHtml,
};

/** The key figures of a result. */
function keyFigures(result: Result): Markup {
  const { metrics } = result;
  const text = (name: string): string | null => (metrics[name] === undefined ? null : formatMetric(metrics[name]).replace(/\/token$/, ''));
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
  // Causes are data of flame graphs; here they appear in tables only.
  const { causes: _, ...shown } = details ?? {};
  return page({
    title: `moeprof: ${summary.title}`,
    header: html`<h1>${summary.title}</h1>
<p class="answer">${prose(answer.sentence)}</p>
<p class="context">${prose(answer.context)}</p>
<p class="origin">${summary.origin}</p>
${summary.heldOut !== null && html`<p class="origin">${summary.heldOut}</p>`}
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
