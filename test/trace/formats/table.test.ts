// The table of formats in docs/trace-formats.md has every format of the registry, in its order, with the engines, the way to turn it on and its looks.
import { readFileSync } from 'node:fs';
import { expect, it } from 'vitest';
import { traceFormats } from '../../../src/trace/formats/index.js';

const page = readFileSync(new URL('../../../docs/trace-formats.md', import.meta.url), 'utf8');
const table = page.slice(page.indexOf('## All formats'), page.indexOf('## Tables of your own'));
const rows = [...table.matchAll(/^\| `([a-z-]+)` \|(.*)\|$/gm)];

it('names every format, once, in the order in which they are tried', () => {
  expect(rows.map(([, name]) => name)).toEqual(traceFormats.map(({ name }) => name));
  expect(new Set(traceFormats.map(({ name }) => name)).size).toBe(traceFormats.length);
});

it.each(rows.map(([, name, cells]) => [name!, cells!]))('describes %s in three cells', (_, cells) => {
  const texts = cells.split(/(?<!\\)\|/).map((cell) => cell.trim());
  expect(texts.map((text) => text.length > 1)).toEqual([true, true, true]);
});
