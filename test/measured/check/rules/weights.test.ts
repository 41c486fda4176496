// The weights of causes are one table, and rules hold none of their own.
import { readdirSync, readFileSync } from 'node:fs';
import { expect, it } from 'vitest';
import { WEIGHTS } from '../../../../src/measured/check/rules/weights.js';

const folder = new URL('../../../../src/measured/check/rules/', import.meta.url);

it('every weight is used, and stands in the table alone', () => {
  const rules = readdirSync(folder)
    .map((file) => readFileSync(new URL(file, folder), 'utf8'))
    .join('\n');
  expect(rules).not.toMatch(/weight: [^W\n]*\d/);
  for (const name of Object.keys(WEIGHTS)) expect(rules, name).toContain(`WEIGHTS.${name}`);
});

it('they are 0 to 1, from arithmetic to what explains no slow run', () => {
  const all = Object.values(WEIGHTS);
  expect(Math.min(...all)).toBeGreaterThan(0);
  expect(Math.max(...all)).toBe(1);
  expect(all).toEqual(all.toSorted((a, b) => b - a));
});
