// `--shape` in the place of a model, for a file of one's own that names none.
import { writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { expect, it } from 'vitest';
import { moeprof, temporaryFolder } from './moeprof.js';

const folder = temporaryFolder();
const tokens = Array.from({ length: 40 }, (_, token) => [0, 1].map((layer) => [(token >> 1) % 16, 16 + ((token + layer) % 8)]));
writeFileSync(join(folder, 'mine.json'), JSON.stringify({ tokens, prompt_tokens: 8 }));

it.each([
  [['run', '-t', 'mine.json', '--shape', '2x32x2', '--cache', '25%', '--json'], /"tokens": 40/],
  [['predict', 'eval', 'markov', '-t', 'mine.json', '--shape', '2x32x2'], /shape:2x32x2 \(2 layers x 32 experts, top-2\)/],
  [
    ['trace', 'inspect', 'mine.json', '--shape', '2x32x2'],
    /2 layers of 32 experts, top-2; jsonl, recorded; 8 prompt\s+and 32 generated tokens/,
  ],
  [['curve', '-t', 'mine.json', '--shape', '2x32x2', '--policies', 'lru'], /there are 64\s+experts/],
  [['sweep', '-t', 'mine.json', '--shape', '2x32x2', '--vary', 'memory.expertCache=10%,50%', '--store', 'store'], /2 runs of 1 request/],
])('%j', async (args, shown) => {
  const { code, stdout } = await moeprof(args, { cwd: folder });
  expect([code, shown.test(stdout) ? 'shown' : stdout]).toEqual([0, 'shown']);
});

it('refuses a trace of another shape', async () => {
  const { code, stderr } = await moeprof(['run', '-t', 'mine.json', '--shape', '3x32x2'], { cwd: folder });
  expect([code, stderr]).toEqual([2, expect.stringContaining('mine.json: has 2 MoE layers, shape:3x32x2 has 3')]);
});
