// What is to be known of a model stands with every answer about it: where its config.json was read without knowing its family.
import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { expect, it } from 'vitest';
import { adviceFor } from '../../src/advise/answer.js';
import { curveFor } from '../../src/capacity/curve-request.js';
import { modelReports } from '../../src/cli/model.js';
import { simulate } from '../../src/engine/simulate.js';
import { inspectModel } from '../../src/model/load/inspect.js';
import { openModel } from '../../src/model/load/load.js';
import { fileOf, temporaryFolder } from '../trace/builders.js';

const olmoe = JSON.parse(readFileSync(join(import.meta.dirname, '../fixtures/models/olmoe-1b-7b.json'), 'utf8')) as object;
const file = fileOf(temporaryFolder(), 'config.json', JSON.stringify({ ...olmoe, model_type: 'new\u001b[31m', architectures: ['New'] }));
const NOTE =
  /config\.json: model_type "new[^\p{C}]*" is of no known family; read by the usual fields: 8 of 64 experts of width 1024\. Compare/u;

it('a run warns of it', async () => {
  const { warnings } = await simulate({ model: file, quantization: 'q4_k_m', bounds: false, workload: { tokens: 16 } });
  expect(warnings.filter(({ code }) => code === 'model-note').map(({ message }) => message)).toEqual([expect.stringMatching(NOTE)]);
  const { warnings: none } = await simulate({ model: 'olmoe-1b-7b', bounds: false, workload: { tokens: 16 } });
  expect(none.map(({ code }) => code)).not.toContain('model-note');
});

it('an inspection, a curve and advice say it', async () => {
  const inspection = inspectModel(openModel(file), [], 4096);
  expect(inspection.note).toMatch(NOTE);
  const [, , , markdown] = modelReports;
  expect(markdown.render(inspection, { color: false, unicode: true, width: 80, verbose: false })).toMatch(NOTE);
  const notes: string[] = [];
  await curveFor({ model: file, workload: { tokens: 16 } }, { policies: ['lru'], threads: 0 }, { note: (text) => notes.push(text) });
  expect(notes).toEqual([expect.stringMatching(NOTE)]);
  const { notes: advised } = await adviceFor(file, 'rtx-3090+ryzen-9-5950x+2xddr4-3600+64GB', { quantizations: ['q4_k_m'] });
  expect(advised).toContainEqual(expect.stringMatching(NOTE));
});
