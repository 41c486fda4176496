// `moeprof reproduce` as a user runs it: a file of their own, the gate, and what is refused.
import { writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { expect, it } from 'vitest';
import { temporaryFolder } from '../trace/builders.js';
import { inTurn } from './moeprof.js';

const folder = temporaryFolder();

it('runs a file, prints its claims, and fails with --gate where a verdict is worse than the file asks for', async () => {
  const path = join(folder, 'own.yaml');
  const file = (more: string) => `
paper: made up
setting: the bundled recording on a T4
base: { trace: mini-mixtral-8x8l, hardware: t4, workload: { tokens: 60 } }
runs:
  lru: { system: on-demand-lru, memory: { expertCache: 50% } }
  none: { system: no-cache, memory: { expertCache: 0% } }
claims:
  - { says: no cache is faster, metric: throughput.total, ratio: [none, lru], published: 1.2${more} }
`;
  writeFileSync(path, file(''));
  const plain = await inTurn(['reproduce', path]);
  expect([plain.code, plain.stderr]).toEqual([0, '']);
  expect(plain.stdout).toContain('1 paper, 1 claim: 1 other side');
  expect((await inTurn(['reproduce', path, '--gate'])).code).toBe(1);
  writeFileSync(path, file(', verdict: other, why: 1 of 1 is made up'));
  const explained = await inTurn(['reproduce', path, '--gate', '--json']);
  expect(explained.code).toBe(0);
  expect(JSON.parse(explained.stdout)).toMatchObject({
    schema: 'moeprof.reproduction/2',
    papers: [{ claims: [{ verdict: 'other', expected: 'other', why: '1 of 1 is made up' }] }],
  });
});

it('says what to name where nothing is named', async () => {
  const { code, stderr } = await inTurn(['reproduce']);
  expect([code, stderr]).toEqual([2, expect.stringMatching(/^moeprof: reproduce: name a paper \(adapmoe, .*\), or give --all\n$/)]);
  expect((await inTurn(['reproduce', 'fiddler', '--all'])).code).toBe(2);
});
