// The table of formats in docs/trace-formats.md is what the registry says:
// MOEPROF_UPDATE=1 npx vitest run --project unit test/trace/formats/table.test.ts writes it anew.
import { readFileSync, writeFileSync } from 'node:fs';
import { fileURLToPath } from 'node:url';
import { describe, expect, it } from 'vitest';
import type { TraceFormat } from '../../../src/trace/formats/format.js';
import { traceFormats } from '../../../src/trace/formats/index.js';

const page = fileURLToPath(new URL('../../../docs/trace-formats.md', import.meta.url));
const BEGIN = '<!-- formats: written by test/trace/formats/table.test.ts -->\n';
const END = '<!-- end of formats -->\n';

function tableOf(formats: readonly TraceFormat[]): string {
  const cell = (text: string): string => text.replaceAll('|', '\\|');
  const rows = formats.map(
    ({ name, engines, turnOn, summary }) => `| \`${name}\` | ${cell(engines)} | ${cell(turnOn)} | ${cell(summary)} |\n`,
  );
  return `| format | engine | how it is turned on | what is read |\n|---|---|---|---|\n${rows.join('')}`;
}

describe('docs/trace-formats.md', () => {
  it('lists every format as the registry describes it', () => {
    const text = readFileSync(page, 'utf8');
    const [begin, end] = [text.indexOf(BEGIN) + BEGIN.length, text.indexOf(END)];
    expect(begin).toBeGreaterThan(BEGIN.length);
    expect(end).toBeGreaterThanOrEqual(begin);
    const table = tableOf(traceFormats);
    if (process.env.MOEPROF_UPDATE === '1') writeFileSync(page, text.slice(0, begin) + table + text.slice(end));
    expect(
      readFileSync(page, 'utf8').slice(begin, begin + table.length),
      'run MOEPROF_UPDATE=1 npx vitest run --project unit test/trace/formats/table.test.ts',
    ).toBe(table);
  });

  it('names and descriptions are there, on one line each, and no name twice', () => {
    for (const { name, engines, turnOn, summary } of traceFormats) {
      for (const text of [name, engines, turnOn, summary]) expect(text, name).toMatch(/^\S[^\n]*\S$/);
    }
    expect(new Set(traceFormats.map(({ name }) => name)).size).toBe(traceFormats.length);
  });
});
