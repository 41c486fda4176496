// The flags of `predict train` by kind: what each defaults to, and that no flag of another kind is taken in silence.
import { describe, expect, it } from 'vitest';
import { TRAIN_KINDS, type TrainingFlags, trainingOf } from '../../src/cli/train-kinds.js';

const NONE = { kind: 'paths', seed: '1', tokenId: true, observed: true, history: true } as TrainingFlags;
const choose = (options: Partial<Record<keyof TrainingFlags, unknown>>) => trainingOf({ ...NONE, ...options } as TrainingFlags);

describe('kinds of training', () => {
  it('paths is the network of paths, rpp the encoder of the size that ExpertFlow has', () => {
    expect(TRAIN_KINDS.slice(0, 2)).toEqual(['paths', 'rpp']);
    const paths = choose({ hidden: '32', rank: '8' });
    expect(paths.describe({ tokenIds: false })).toBe('One hidden layer of 32, rank 8, without token ids');
    expect(paths.reported).toMatchObject({ kind: 'paths', epochs: 8, batch: 256, learningRate: 0.003, tokenIds: true });
    const rpp = choose({ kind: 'rpp' });
    expect(rpp.describe({ tokenIds: true })).toBe(
      'Encoder of token ids, 2 blocks of 32 with 2,048 inside, and histories where they are known',
    );
    expect(rpp.reported).toMatchObject({ kind: 'rpp', network: { width: 32, inside: 2048, history: true }, seed: 1 });
    expect(choose({ kind: 'rpp', history: false, epochs: '3' }).reported).toMatchObject({ network: { history: false }, epochs: 3 });
  });

  it.each([
    [{ kind: 'rpp', hidden: '4' }, '--hidden: belongs to --kind paths; leave it out, or train --kind paths'],
    [{ kind: 'rpp', tokenId: false }, '--no-token-id: belongs to --kind paths; leave it out, or train --kind paths'],
    [{ history: false }, '--no-history: belongs to --kind rpp; leave it out, or train --kind rpp'],
    [{ hidden: '8193' }, '--hidden 8193: must be at most 8192'],
    [{ rank: '0' }, '--rank 0: must be at least 1'],
    [{ kind: 'rpp', lr: '2' }, '--lr 2: must be a number between 0 and 1; write e.g. 0.002'],
  ])('%j is refused', (options, message) => {
    expect(() => choose(options)).toThrow(message);
  });
});
