// Every metric, the configuration and the provenance: enough to repeat the run.
import { formatNumber } from '../../../base/units.js';
import { compareMetricNames, METRICS } from '../../../result/catalogue.js';
import { knowledgeText } from '../../../result/knowledge.js';
import type { Result } from '../../../result/result.js';
import { formatMetric } from '../../format.js';
import { html } from '../../page/markup.js';
import { type Section, table } from '../../page/pieces.js';

/** The provenance of a result: name and text. */
export function provenanceOf(result: Result): [what: string, which: string][] {
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

/** All figures, configuration, provenance. */
export const provenanceSection: Section<Result> = {
  id: 'provenance',
  title: 'All figures, configuration, provenance',
  draw(result) {
    const names = Object.keys(result.metrics).sort(compareMetricNames);
    const metrics = names.map((name) => [name, formatMetric(result.metrics[name]!), METRICS.get(name)?.meaning ?? '']);
    return {
      about: null,
      content: html`<details><summary>${metrics.length} metrics</summary>${table('Metrics', ['metric', 'value', 'meaning'], metrics, [0, 2])}</details>
<details><summary>Configuration</summary><pre tabindex="0">${JSON.stringify(result.config, null, 2)}</pre></details>
<details open><summary>Provenance</summary>${table('Provenance', ['what', 'which'], provenanceOf(result), [0, 1])}</details>`,
    };
  },
};
