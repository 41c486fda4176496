// Every word that stands above a column, or before a line, of the screens of the first pages has its sentence in moeprof explain.
import { readFileSync } from 'node:fs';
import { expect, it } from 'vitest';
import { runCli } from '../../src/cli/program.js';
import { catchOutput } from '../support/cli-output.js';

const output = catchOutput();

/** Pages that a new user reads; their tables are default screens. */
const PAGES = ['README.md', 'docs/advise.md', 'docs/gallery.md', 'docs/ci.md', 'docs/workloads.md'];
/** Heads that say themselves what they are, or are values of an axis or names. */
const PLAIN = /\d|^(?:\+-|in time|left out|GPU memory|hits of as many bytes)$/;
/** Words before the lines of answers. */
const LABELS = [
  'memory',
  'strategy',
  'instead',
  'would help',
  'does not fit',
  'how sure',
  'TPOT',
  'TTFT',
  'hits',
  'on demand',
  'ways',
  'kinds',
];

const heads = PAGES.flatMap((page) => {
  const lines = readFileSync(new URL(`../../${page}`, import.meta.url), 'utf8').split('\n');
  return lines.flatMap((line, i) => (/^\s*─{5,}$/.test(line) ? lines[i - 1]!.trim().split(/ {2,}/) : []));
});

const words = [...new Set([...heads.map((head) => head.replace(/, %$/, '')), ...LABELS])].filter((head) => !PLAIN.test(head)).sort();

it('are many', () => expect(words.length).toBeGreaterThan(50));

it.each(words)('moeprof explain %s', async (word) => {
  expect(await runCli(['explain', word]), output.stderr).toBe(0);
  expect(output.stdout).toMatch(/[A-Z].{15,}\./s);
});
