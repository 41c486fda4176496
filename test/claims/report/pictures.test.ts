// Pictures of a run on the pages.
import { readFileSync } from 'node:fs';
import { expect, it } from 'vitest';
import { simulate } from '../../../src/engine/simulate.js';
import { picturesOf } from '../../../src/report/summary/run.js';

const plain = { color: false, width: 80, unicode: true, verbose: true };

it('docs/report.md shows the pictures of a run as they are drawn', async () => {
  const run = {
    hardware: 't4',
    memory: { expertCache: '50%' },
    system: 'mixtral-offloading',
    runtime: 'llama.cpp',
    trace: 'mini-finegrained-64x12l',
  };
  const page = readFileSync(new URL('../../../docs/report.md', import.meta.url), 'utf8').replaceAll(/^ {4}/gm, '');
  expect(page).toContain(picturesOf(await simulate(run, { details: true }), plain));
});
