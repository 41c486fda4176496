// Texts of files that drive a terminal, a CI log, a table or a spreadsheet, through every format of every report of results.
import { describe, expect, it } from 'vitest';
import { UserError } from '../../src/base/errors.js';
import { compareSets, type OperandSet } from '../../src/compare/gate.js';
import { compareReports } from '../../src/compare/reports/index.js';
import { pictureFormats } from '../../src/figure/formats.js';
import { rankingFigures } from '../../src/figure/one-panel.js';
import type { ReportOptions } from '../../src/report/format.js';
import { reports } from '../../src/report/formats/index.js';
import { rankingDocument, rankingReports } from '../../src/report/ranking/ranking.js';
import { wrap } from '../../src/report/text.js';
import { budgetFileSchema, parseFailOn } from '../../src/result/budget.js';
import type { Result } from '../../src/result/result.js';
import { sampleResult } from '../result/sample.js';
import { parseYaml } from '../support/yaml.js';

/** A name that tries everything at once. */
const HOSTILE =
  '::add-mask::moeprof\n  ::stop-commands::zz ##[add-mask]x \u001b[2J\u001b]0;pwn\u0007 \u202eevil\u2066 \ud800 =cmd|calc @octocat <b>x</b> \u0085\u2028::error::y';
const OPTIONS: readonly ReportOptions[] = [true, false].flatMap((unicode) =>
  [true, false].map((verbose) => ({ color: false, width: 80, unicode, verbose })),
);
/** Line breaks, and what shapes the layout of ours; tabs only in HTML. */
const FORBIDDEN = /[^\P{C}\n]|[\p{Zl}\p{Zp}]/u;

function hostile(): Result {
  const sample = sampleResult({
    inputs: { model: HOSTILE, quantization: HOSTILE, hardware: HOSTILE, system: HOSTILE },
    warnings: [{ code: HOSTILE, message: `${HOSTILE} ${'x'.repeat(63)}::error::a long word that is cut` }],
    config: { [HOSTILE]: HOSTILE, cache: { policy: HOSTILE } },
  });
  const [trace] = sample.inputs.traces;
  return {
    ...sample,
    inputs: { ...sample.inputs, traces: [{ ...trace!, path: HOSTILE }] },
    metrics: { ...sample.metrics, [HOSTILE]: { value: 1, unit: 'ns', better: 'lower', kind: 'exact' } },
    environment: { [HOSTILE]: HOSTILE, cpu: HOSTILE },
  };
}

function single(label: string, result: Result): OperandSet {
  return { label, folder: false, scenarios: new Map([[label, { label, result }]]) };
}

/** What is wrong with a text as output. */
function faultOf(text: string, format: string): string | null {
  const forbidden = FORBIDDEN.exec(format === 'html' ? text.replaceAll('\t', '') : text);
  if (forbidden !== null)
    return `U+${forbidden[0].codePointAt(0)!.toString(16)} in ${JSON.stringify(text.slice(forbidden.index - 30, forbidden.index + 30))}`;
  const command = text.split('\n').find((line) => /^\s*::(?!(error|warning|notice) )|##\[/.test(line));
  return command === undefined ? null : `a workflow command: ${command}`;
}

const result = hostile();
const base = { ...result, metrics: { ...result.metrics, 'latency.tpot.p50': { ...result.metrics['latency.tpot.p50']!, value: 1 } } };
const gate = compareSets(single(HOSTILE, base), [single(`${HOSTILE}2`, result)], [parseFailOn('latency.tpot.* > +3%', HOSTILE)], {
  explain: true,
  allowDifferentInputs: true,
});
const scenarios = { ...single(HOSTILE, base), folder: true };
const folders = compareSets(
  scenarios,
  [{ ...scenarios, label: `${HOSTILE}3`, scenarios: new Map([[`${HOSTILE}4`, single('a', result).scenarios.get('a')!]]) }],
  [],
);

describe('hostile texts', () => {
  it.each(reports.map((format) => [format.name, format] as const))('are tame in %s of a result', (name, format) => {
    for (const options of OPTIONS) {
      if (format.needsDetails === true && name === 'speedscope') continue;
      expect(faultOf(format.render(result, options), name)).toBeNull();
    }
  });

  it.each(rankingReports.map((format) => [format.name, format] as const))('are tame in %s of a ranking', (name, format) => {
    for (const options of OPTIONS) expect(faultOf(format.render([result, result], options), name)).toBeNull();
  });

  const pictures = pictureFormats('moeprof run', rankingFigures, rankingDocument).filter(({ binary }) => binary !== true);
  it.each(pictures.map((format) => [format.name, format] as const))('are tame in %s of a ranking', async (name, format) => {
    const render = await format.load();
    const rules = name === 'pgf' ? 'latex' : 'html';
    for (const options of OPTIONS) expect(faultOf(String(render([result, result], options)), rules), name).toBeNull();
  });

  it.each(compareReports.map((format) => [format.name, format] as const))('are tame in %s of a comparison', (name, format) => {
    for (const options of OPTIONS) {
      expect(faultOf(format.render(gate, options), name)).toBeNull();
      expect(faultOf(format.render(folders, options), name)).toBeNull();
    }
  });

  it('are data still in JSON', () => {
    const json = reports.find(({ name }) => name === 'json')!.render(result, OPTIONS[0]!);
    expect((JSON.parse(json) as Result).inputs.model).toBe(HOSTILE);
  });

  it('are as long as a message, however long their file has them', () => {
    const long = { ...result, inputs: { ...result.inputs, model: 'x'.repeat(1e6), system: 'a b '.repeat(1e5) } };
    for (const name of ['table', 'markdown', 'csv', 'openmetrics', 'bencher']) {
      const format = reports.find((one) => one.name === name)!;
      const length = (of: Result): number => format.render(of, OPTIONS[0]!).length;
      expect(length(long), name).toBeLessThan(length(result) + (name === 'openmetrics' || name === 'csv' ? 500_000 : 10_000));
    }
  });

  it('begin no line where a long word is cut', () => {
    for (let before = 60; before <= 100; before++) {
      const lines = wrap(`${'x'.repeat(before)}::error::y`, 80).split('\n');
      expect(lines.filter((line) => /^\s*::/.test(line))).toEqual([]);
    }
  });

  it('are one line of an error', () => {
    const said = (text: string): string => {
      try {
        parseYaml(text, `${HOSTILE}.yaml`, budgetFileSchema);
      } catch (error) {
        if (error instanceof UserError) return error.message;
        throw error;
      }
      return 'accepted';
    };
    for (const text of [
      `${JSON.stringify(HOSTILE)}: 1`,
      `budgets: ${JSON.stringify(HOSTILE)}`,
      `budgets: [{metric: ${JSON.stringify(HOSTILE.repeat(99))}}]`,
    ]) {
      const message = said(text);
      expect(faultOf(message, 'error')).toBeNull();
      expect(message).not.toContain('\n');
      expect(message.length).toBeLessThanOrEqual(500);
    }
  });
});
