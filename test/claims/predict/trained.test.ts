// A trained predictor on the bundled routing. That it is best of all (docs/extend.md) takes more rows: see recorded/own-routers.
import { expect, it } from 'vitest';
import { bundledTrace } from '../../cache/fixtures.js';
import { OPTIONS, scores } from './trained.js';

it('mini-finegrained-64x12l: a trained predictor that sees token ids foretells more than one that does not, and than history', {
  timeout: 240_000,
}, async () => {
  const options = { ...OPTIONS, epochs: 4 };
  const [withIds, without, ...others] = await scores(
    { training: [bundledTrace('mini-finegrained-64x12l')] },
    [options, { ...options, tokenIds: false }],
    ['popularity', 'last-token'],
  );
  for (const other of [without!, ...others]) expect(withIds!.k).toBeGreaterThan(other.k + 0.1);
});
