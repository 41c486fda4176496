// Pages of the documentation hold what the code prints, between two comments; a test writes it there, and says where it is stale.
import { readFileSync, writeFileSync } from 'node:fs';
import { fileURLToPath } from 'node:url';
import { expect } from 'vitest';

/**
 * A page holds a text between two marks; with MOEPROF_UPDATE=1 it is put there first.
 * @param page from the root: `docs/systems.md`
 * @param marks what stands right before the text, and right behind it
 * @param test file that writes it, from the root
 */
export function expectShown(page: string, [begin, end]: readonly [string, string], shown: string, test: string): void {
  const path = fileURLToPath(new URL(`../../${page}`, import.meta.url));
  const text = readFileSync(path, 'utf8');
  const from = text.indexOf(begin) + begin.length;
  const to = text.indexOf(end, from);
  expect(from, `${page} has ${begin}`).toBeGreaterThanOrEqual(begin.length);
  expect(to, `${page} has ${end}`).toBeGreaterThanOrEqual(from);
  if (process.env.MOEPROF_UPDATE === '1') writeFileSync(path, text.slice(0, from) + shown + text.slice(to));
  else {
    const project = test.startsWith('test/claims/') ? 'claims' : 'unit';
    expect(text.slice(from, to), `${page}: run MOEPROF_UPDATE=1 npx vitest run --project ${project} ${test}`).toBe(shown);
  }
}
