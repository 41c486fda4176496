import { formatNumber } from '../../../base/units.js';
import { compareMetricNames, METRICS } from '../../../result/catalogue.js';
import { knowledgeText } from '../../../result/knowledge.js';
import type { Result } from '../../../result/result.js';
import { formatMetric } from '../../format.js';
import { html, type Markup, type Piece } from '../../page/markup.js';
import { type Section, table } from '../../page/pieces.js';
import type { Sides } from './sides.js';
import { warningList } from './warnings.js';

function provenanceOf(result: Result): [what: string, which: string][] {
  const { environment, fingerprint, inputs, seed, tool } = result;
  const { model, quantization, hardware, system, traces, variants } = inputs;
  const knows = knowledgeText(result);
  return [
    ['moeprof', tool.version],
    ['model', `${model} ${quantization}`],
    ['hardware', hardware],
    ['system', system],
    ...(knows === null ? [] : [['knows', knows] satisfies [string, string]]),
    ...traces.map(({ path, sha256, tokens }): [string, string] => ['trace', `${path} (${formatNumber(tokens)} tokens, SHA-256 ${sha256})`]),
    ...(variants ?? []).map((variant): [string, string] => ['routing variant', variant]),
    ['seed', String(seed)],
    ['fingerprint', fingerprint],
    ...Object.entries(environment).map(([name, value]): [string, string] => [name, String(value)]),
  ];
}

/** Configuration and provenance; for one run, with all metrics. */
export const provenanceSection: Section<Sides> = {
  id: 'provenance',
  title: 'All figures, configuration, provenance',
  draw: (sides) => ({ about: null, content: sides.length === 1 ? ofOne(sides[0].result) : ofTwo(sides) }),
};

function ofOne(result: Result): Markup {
  const names = Object.keys(result.metrics).sort(compareMetricNames);
  const metrics = names.map((name) => [name, formatMetric(result.metrics[name]!), METRICS.get(name)?.meaning ?? '']);
  return html`<details><summary>${metrics.length} metrics</summary>${table('Metrics', ['metric', 'value', 'meaning'], metrics, [0, 2])}</details>
${configuration('Configuration', result)}
<details open><summary>Provenance</summary>${table('Provenance', ['what', 'which'], provenanceOf(result), [0, 1])}</details>`;
}

function ofTwo(sides: Sides): Markup {
  const facts = sides.map(({ result }) => {
    const texts = new Map<string, string>();
    for (const [what, which] of provenanceOf(result)) texts.set(what, [texts.get(what) ?? [], which].flat().join('; '));
    return texts;
  });
  const names = [...new Set(facts.flatMap((texts) => [...texts.keys()]))];
  const warnings = sides.map(
    ({ label, result }): Piece => result.warnings.length > 0 && html`<h3>${label}</h3>${warningList(result.warnings)}`,
  );
  const rows = names.map((name) => [name, ...facts.map((texts) => texts.get(name) ?? '')]);
  return html`${warnings}${sides.map(({ label, result }) => configuration(`Configuration of ${label}`, result))}<details open><summary>Provenance</summary>${table(
    'Provenance',
    ['what', 'base', 'candidate'],
    rows,
    [0, 1, 2],
  )}</details>`;
}

function configuration(title: string, { config }: Result): Markup {
  return html`<details><summary>${title}</summary><pre tabindex="0">${JSON.stringify(config, null, 2)}</pre></details>`;
}
