// What predictors that count know of the bundled routing: the order that docs/predictors.md gives.
import { expect, it } from 'vitest';
import { loadModel } from '../../../src/model/load/load.js';
import { convertTrace } from '../../../src/trace/convert/index.js';
import { openTrace } from '../../../src/trace/open/open.js';
import { bundledTrace } from '../../cache/fixtures.js';
import { predictorOf, recallOf, WHOLE_PATH } from '../../predict/running.js';

it('mini-finegrained-64x12l, two of three requests to the third: token ids tell more than any history', { timeout: 180_000 }, async () => {
  const model = loadModel('mini-finegrained-64x12l', null, process.cwd(), []);
  const trace = await openTrace(bundledTrace('mini-finegrained-64x12l'), { model });
  const places = [...trace.requests.keys()];
  const train = convertTrace(trace, { requests: places.filter((request) => request % 3 !== 2) });
  const test = convertTrace(trace, { requests: places.filter((request) => request % 3 === 2) });
  const recall = async (spec: string, distance = WHOLE_PATH) =>
    recallOf(await predictorOf(spec, model, trace.topK, [train]), model, test, distance, 6);
  const [popular, last, byToken] = [await recall('popularity'), await recall('last-token'), await recall('token-table')];
  expect(last).toBeGreaterThan(popular);
  expect(byToken).toBeGreaterThan(last + 0.2);
  expect(await recall('ensemble:parts=history+markov+token-table')).toBeGreaterThan(byToken);
  // What adaptive corrects, it corrects: one layer ahead.
  expect(await recall('adaptive', 1)).toBeGreaterThanOrEqual((await recall('ensemble', 1)) - 0.002);
  // Six of 64 by chance: .094.
  expect(await recall('transition', 1)).toBeGreaterThan(0.4);
  trace.close();
});
