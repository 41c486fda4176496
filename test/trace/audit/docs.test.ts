// The pages on formats and on the audit speak of every format and every finding, and of none that does not exist.
import { readFileSync } from 'node:fs';
import { fileURLToPath } from 'node:url';
import { describe, expect, it } from 'vitest';
import { auditChecks } from '../../../src/trace/audit/index.js';
import { traceFormats } from '../../../src/trace/formats/index.js';

const page = (name: string) => readFileSync(fileURLToPath(new URL(`../../../docs/${name}`, import.meta.url)), 'utf8');

describe('docs', () => {
  it('record.md has a row for every check, in order', () => {
    const rows = [
      ...page('record.md')
        .split('## Can it be trusted?')[1]!
        .matchAll(/^\| `([\w-]+)` \|/gm),
    ].map((match) => match[1]);
    expect(rows).toEqual(auditChecks.map(({ code }) => code));
  });

  it('trace-formats.md names every format', () => {
    const text = page('trace-formats.md');
    for (const { name } of traceFormats) expect(text, name).toContain(`\`${name}\``);
  });
});
