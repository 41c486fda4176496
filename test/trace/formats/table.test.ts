// The table of formats in docs/trace-formats.md is what the registry says:
// MOEPROF_UPDATE=1 npx vitest run --project unit test/trace/formats/table.test.ts writes it anew.
import { describe, expect, it } from 'vitest';
import type { TraceFormat } from '../../../src/trace/formats/format.js';
import { traceFormats } from '../../../src/trace/formats/index.js';
import { expectShown } from '../../support/shown.js';

const TEST = 'test/trace/formats/table.test.ts';

function tableOf(formats: readonly TraceFormat[]): string {
  const cell = (text: string): string => text.replaceAll('|', '\\|');
  const rows = formats.map(
    ({ name, engines, turnOn, summary }) => `| \`${name}\` | ${cell(engines)} | ${cell(turnOn)} | ${cell(summary)} |\n`,
  );
  return `| format | engine | how it is turned on | what is read |\n|---|---|---|---|\n${rows.join('')}`;
}

describe('docs/trace-formats.md', () => {
  it('lists every format as the registry describes it', () => {
    const marks = [`<!-- formats: written by ${TEST} -->\n`, '<!-- end of formats -->\n'] as const;
    expectShown('docs/trace-formats.md', marks, tableOf(traceFormats), TEST);
  });

  it('names and descriptions are there, on one line each, and no name twice', () => {
    for (const { name, engines, turnOn, summary } of traceFormats) {
      for (const text of [name, engines, turnOn, summary]) expect(text, name).toMatch(/^\S[^\n]*\S$/);
    }
    expect(new Set(traceFormats.map(({ name }) => name)).size).toBe(traceFormats.length);
  });
});
