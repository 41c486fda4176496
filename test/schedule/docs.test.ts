// The page on schedulers names every member of the family, and the bounds that each keeps unless told otherwise.
import { readFileSync } from 'node:fs';
import { resolve } from 'node:path';
import { describe, expect, it } from 'vitest';
import { resolveParameters } from '../../src/base/parameters.js';
import { SCHEDULERS } from '../../src/schedule/index.js';

const page = readFileSync(resolve(import.meta.dirname, '../../docs/workloads.md'), 'utf8');
/** Rows of the table of bounds: names, passed over, overtaken. */
const bounds = [...page.matchAll(/^\| (`[^|]+`) \| ([^|]+) \| ([^|]+) \|$/gm)]
  .map(([, names, passedOver, overtaken]) => ({
    names: [...names!.matchAll(/`([^`]+)`/g)].map(([, name]) => name!),
    passedOver: passedOver!,
    overtaken: overtaken!,
  }))
  .filter(({ passedOver }) => /\d/.test(passedOver));

describe.each(SCHEDULERS.map((definition) => [definition.name, definition] as const))('docs/workloads.md: %s', (name, definition) => {
  it('is described, once in the table and once in words', () => {
    expect(page).toMatch(new RegExp(`^\\| \`${name}\` \\| [^|]+ \\| [^|]+ \\|$`, 'm'));
    expect(page).toContain(`**${name}**`);
  });

  it('keeps the bounds that stand there', () => {
    const row = bounds.find(({ names }) => names.includes(name))!;
    const parameters = resolveParameters(name, definition.parameters, {});
    const { overtaken, passedOver } = definition.fairness({ batch: 8, maxTokensPerPass: 512 }, parameters);
    const numbers = (cell: string): number[] => [...cell.replace(/2 x `batches` - 1/, '').matchAll(/\d+/g)].map(Number);
    // A row of several schedulers gives the default of each, in the order of their names, or one value for all.
    const of = (cell: string): number => numbers(cell)[Math.min(row.names.indexOf(name), numbers(cell).length - 1)]!;
    expect([of(row.passedOver), of(row.overtaken)]).toEqual([passedOver, overtaken]);
  });
});
