import type { Format, Markup, Piece, ReportOptions } from '../../report/door.js';
import { clientScript, download, drawSections, html, page, prose, table } from '../../report/door.js';
import type { MetricName } from '../../result/metrics.js';
import { VERSION } from '../../result/version.js';
import type { Comparison } from '../compare.js';
import type { Gate } from '../gate.js';
import { changeSentence, gateText, isJudged, isQuiet, knowledgeWarning, savedText, valueText, verdictText } from '../words.js';
import { csvFormat } from './csv.js';
import { subjectOf } from './faults.js';
import { changeMark, comparedSections, faultItem, keyChanges, largestCauses } from './html-sections.js';
import { gateData } from './json.js';

/** One standalone file, verdict first, then both runs, without need of a script. */
export const htmlFormat: Format<Gate> = { name: 'html', extensions: ['.html', '.htm'], needsDetails: true, render: renderHtml };

function renderHtml(gate: Gate, options: ReportOptions): string {
  const { comparisons } = gate;
  const [only] = comparisons;
  const single = comparisons.length === 1 && gate.faults.length + gate.added.length === 0 && only !== undefined;
  const shown = single ? comparisons : comparisons.filter((comparison) => !isQuiet(comparison));
  const parts = shown.map((comparison, index) => {
    const prefix = single ? '' : `c${index}-`;
    return { comparison, id: `c${index}`, ...drawSections(comparedSections, comparison, prefix, `pictures.${index}`) };
  });
  const title = single ? titleOf(only) : 'moeprof compare';
  return page({
    title: single ? `moeprof: ${title}` : title,
    header: single ? html`${heading(only, 'h1')}${keyChanges(only)}${parts[0]!.contents}` : gateHeader(gate, parts),
    body: html`${parts.map(({ comparison, id, contents, body }) =>
      single
        ? body
        : html`<article id="${id}" aria-label="${titleOf(comparison)}"><hr>${heading(comparison, 'h2')}${keyChanges(comparison)}${contents}${body}</article>`,
    )}`,
    footer: html`<p class="downloads">Save as CSV: ${download('changes', 'changes.csv', csvFormat.render(gate, options))}.</p>
${
  savedText(gate) !== null &&
  html`<p>${savedText(gate)}</p>
`
}<p>Written by moeprof ${VERSION}. Simulated figures are exact: every difference is one.</p>`,
    data: { ...(gateData(gate) as object), pictures: shown.map(pictureData) },
    scripts: shown.some(({ results }) => results.base.details !== undefined && results.candidate.details !== undefined)
      ? [clientScript('heatmap')]
      : [],
  });
}

const titleOf = ({ base, candidate }: Comparison): string => `${base} → ${candidate}`;

function verdictClass(comparison: Comparison): string {
  if (!isJudged(comparison)) return 'soft';
  return comparison.passed ? 'better' : 'worse';
}

function heading(comparison: Comparison, level: 'h1' | 'h2'): Markup {
  const verdict = html`<p class="verdict ${verdictClass(comparison)}">${verdictText(comparison)}</p>`;
  const knows = knowledgeWarning(comparison);
  const unlike = knows !== null && html`<p class="context">${knows}</p>`;
  const sentence = prose(changeSentence(comparison));
  return level === 'h1'
    ? html`<p class="origin">${titleOf(comparison)}</p>${verdict}<h1 class="answer">${sentence}</h1>${unlike}${largestCauses(comparison)}`
    : html`<h2 class="title">${titleOf(comparison)}</h2>${verdict}<p class="context">${sentence}</p>${unlike}${largestCauses(comparison)}`;
}

function gateHeader(gate: Gate, shown: readonly { readonly comparison: Comparison; readonly id: string }[]): Markup {
  const ids = new Map(shown.map(({ comparison, id }) => [comparison, id]));
  const cell = (comparison: Comparison, metric: MetricName): Piece => {
    const row = comparison.rows.find((candidate) => candidate.metric === metric);
    return row !== undefined && html`${valueText(row, 'candidate')} (${changeMark(row)})`;
  };
  const rows = gate.comparisons.map((comparison): Piece[] => {
    const id = ids.get(comparison);
    const name = titleOf(comparison);
    return [
      id === undefined ? name : html`<a href="#${id}">${name}</a>`,
      isQuiet(comparison) ? 'no difference' : html`<span class="${verdictClass(comparison)}">${verdictText(comparison)}</span>`,
      cell(comparison, 'latency.tpot.mean'),
      cell(comparison, 'latency.ttft.mean'),
      cell(comparison, 'cache.hit_rate'),
    ];
  });
  return html`<h1 class="answer">${gateText(gate) ?? (gate.passed ? 'Passed.' : 'Failed.')}</h1>
${
  gate.faults.length + gate.added.length > 0 &&
  html`<ul class="faults">${gate.faults.map((fault) => faultItem(fault.level, subjectOf(fault), fault.message, fault.budget))}${gate.added.map(
    ({ candidate, scenario }) => html`<li><b>NEW</b> <b>${scenario}</b> is new in ${candidate}: it has no base yet</li>`,
  )}</ul>`
}${rows.length > 0 && table('Comparisons', ['comparison', 'verdict', 'time per output token', 'time to first token', 'hit rate'], rows, [0, 1])}`;
}

function pictureData({ results: { base, candidate } }: Comparison): unknown {
  const side = ({ perLayer, details }: typeof base): unknown => ({ perLayer, loads: details?.loads });
  return { base: side(base), candidate: side(candidate) };
}
