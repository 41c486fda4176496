import { join } from 'node:path';
import { describe, expect, it } from 'vitest';
import { SHAPES, tableOf } from '../../bench/lab/shapes.mjs';
import { sizeOf, writeSparseGguf } from '../../bench/lib/gguf-file.mjs';
import { loadModel } from '../../src/model/load/load.js';
import { temporaryFolder } from '../support/folder.js';

const folder = temporaryFolder();

const routed = (name: string): boolean => /_exps\.weight$/.test(name);

describe.each(SHAPES)('the file of $model', (shape) => {
  const { metadata, tensors } = tableOf(shape);
  const path = join(folder, `${shape.model}.gguf`);
  writeSparseGguf(path, metadata, tensors);
  const read = loadModel(path).anatomy!;
  const profile = loadModel(shape.model, 'f16').anatomy!;
  // Blocks that predict further tokens lie in files; no plan loads them.
  const loaded = tensors.filter(({ name }) => !name.startsWith(`blk.${profile.layers.length}.`));

  it('is read with every tensor and its bytes', () => {
    const bytes = new Map(read.tensors.map((one) => [one.name, one.bytes]));
    expect(bytes).toEqual(new Map(loaded.map(({ name, shape: sides, type }) => [name, sizeOf(sides, type)])));
    expect(read.nextLayers).toBe(profile.nextLayers);
  });

  it('has experts in the blocks of the profile, of the same number of weights', () => {
    const experts = (all: readonly { name: string; bytes: number }[]): Map<string, number> =>
      new Map(all.filter(({ name }) => routed(name)).map((one) => [one.name, one.bytes]));
    expect(experts(profile.tensors)).toEqual(experts(read.tensors));
  });
});
