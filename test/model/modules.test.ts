// Models whose experts are not one FFN per layer: several routed modules, two sizes, adapters, whole models. Numbers worked out by hand.
import { describe, expect, it } from 'vitest';
import { checkValue } from '../../src/base/yaml.js';
import { inspectModel } from '../../src/model/load/inspect.js';
import { loadModel, openModel } from '../../src/model/load/load.js';
import { type ModelProfileInput, ModelProfileSchema } from '../../src/model/profile.js';
import { findQuantization } from '../../src/model/quantization/index.js';
import { expertSizes, type ModelSpec } from '../../src/model/spec.js';
import { buildModel } from './profiles.js';

/** Two layers 8 wide, four experts of 16, top-2. */
const base = {
  name: 'toy',
  layers: 2,
  hidden: 8,
  vocab: 10,
  attention: { kind: 'gqa', heads: 2, kvHeads: 2, headDim: 4 },
} satisfies Partial<ModelProfileInput>;
const build = (moe: ModelProfileInput['moe']): ModelSpec =>
  buildModel(checkValue({ ...base, moe }, 'test', ModelProfileSchema), findQuantization('bf16'));
const shapes = ({ layers }: ModelSpec) => layers.map(({ experts, topK, expertBytes }) => [experts, topK, expertBytes]);

/** Bytes of bf16: four projections of 8 x 8 and two norms of 8; one FFN expert 3 x 8 x 16. */
const ATTENTION = 2 * (4 * 64 + 16);
const EXPERT = 2 * 3 * 8 * 16;

describe('several routed modules per layer', () => {
  const moe = { experts: 4, topK: 2, intermediate: 16 };

  it('are one MoE layer each, in order of execution; dense work runs before the first', () => {
    const model = build({ ...moe, modules: [{ name: 'large' }, { name: 'small', intermediate: 4 }] });
    expect(shapes(model)).toEqual([
      [4, 2, EXPERT],
      [4, 2, EXPERT / 4],
      [4, 2, EXPERT],
      [4, 2, EXPERT / 4],
    ]);
    expect(model.layers.map(({ offset }) => offset)).toEqual([0, 4, 8, 12]);
    expect([...expertSizes(model)].slice(0, 8)).toEqual([...new Array(4).fill(EXPERT), ...new Array(4).fill(EXPERT / 4)]);
    expect(model.layers[1]!.flopsPerToken).toBe(model.layers[0]!.flopsPerToken / 4);
    // Two routers of 4 x 8 per layer.
    const dense = ATTENTION + 2 * 2 * 4 * 8;
    expect(model.dense.segments.map(({ weightBytes }) => weightBytes)).toEqual([dense, 0, dense, 0, 2 * (8 + 80)]);
    expect(model.dense.segments.map(({ attention }) => attention.length)).toEqual([1, 0, 1, 0, 0]);
  });

  it('stand for attention, too: attention experts and MLP experts as in Union-of-Experts (arXiv 2503.02495)', () => {
    const model = build({ ...moe, modules: [{ name: 'attention', parameters: 64, replaces: 'attention' }, { name: 'mlp' }] });
    expect(shapes(model).slice(0, 2)).toEqual([
      [4, 2, 128],
      [4, 2, EXPERT],
    ]);
    // Norms and routers are left, and the KV cache of the layer.
    expect(model.dense.segments[0]!.weightBytes).toBe(2 * 16 + 2 * 2 * 4 * 8);
    expect(model.dense.kvBytesPerToken).toBe(2 * 2 * 2 * 4 * 2);
  });

  it('leave the FFN dense where none of them is one', () => {
    const model = build({ ...moe, modules: [{ name: 'adapter', parameters: 32, experts: 6, topK: 1 }] });
    expect(shapes(model)[0]).toEqual([6, 1, 64]);
    expect(model.dense.segments[0]!.weightBytes).toBe(ATTENTION + EXPERT + 2 * 6 * 8);
  });

  it('are the one FFN of every other model, if a profile lists just that', () => {
    expect(build({ ...moe, modules: [{ name: 'ffn' }] })).toEqual(build(moe));
  });

  it('are refused where they contradict themselves', () => {
    expect(() => build({ ...moe, modules: [{ name: 'x', experts: 1 }] })).toThrow('a token cannot choose 2 of 1 experts');
    expect(() => build({ ...moe, modules: [{ name: 'x', intermediate: 4, parameters: 9 }] })).toThrow('give one of the two');
  });
});

describe('a library of adapters', () => {
  it('has 64 of them on each of the seven linear modules of each layer', () => {
    const model = loadModel('llama-2-7b-lora-64');
    expect(model.layers).toHaveLength(7 * 32);
    // Rank 16: A and B of query, key, value, output 16 x (4096 + 4096), of gate, up, down 16 x (4096 + 11008).
    expect(shapes(model).slice(0, 7)).toEqual([
      ...new Array(4).fill([64, 2, 2 * 16 * 8192]),
      ...new Array(3).fill([64, 2, 2 * 16 * 15104]),
    ]);
    const adapter = model.layers.reduce((sum, { expertBytes }) => sum + expertBytes / 2, 0);
    expect(adapter).toBe(39_976_960);
  });
});

describe('whole models as experts', () => {
  it('hold all that weighs anything, and are routed once', () => {
    const model = build({ experts: 5, topK: 1, intermediate: 16, whole: true });
    // Two layers, embedding and head of 80 each, final norm of 8.
    expect(shapes(model)).toEqual([[5, 1, 2 * ATTENTION + 2 * EXPERT + 2 * (80 + 80 + 8)]]);
    expect(model.wholeModels).toBe(true);
    expect(model.dense.weightBytes).toBe(0);
    expect(model.dense.segments.map(({ attention }) => attention.length)).toEqual([2, 0]);
    expect(model.dense.kvBytesPerToken).toBe(2 * 2 * 2 * 4 * 2);
  });

  it('of Llama 2 7B have 6,738,415,616 parameters each', () => {
    const model = loadModel('coe-150x7b');
    expect(model.layers).toHaveLength(1);
    expect(model.layers[0]).toMatchObject({ experts: 150, topK: 1, expertBytes: 2 * 6_738_415_616 });
    expect(model.parameters.active).toBe(6_738_415_616);
    expect(model.dense.kvBytesPerToken).toBe(2 * 32 * 4096 * 2);
  });

  it('are inspected as such, modules layer by layer', () => {
    const inspect = (name: string) => inspectModel(openModel(name), [], 0);
    expect(inspect('coe-150x7b')).toMatchObject({ wholeModels: 150, layers: { total: 32 }, kvBytesPerToken: 524_288 });
    const lora = inspect('llama-2-7b-lora-64');
    expect(lora.layers).toEqual({ total: 32, moe: 32 });
    expect(lora.experts.map(({ count, layers }) => [count, layers])).toEqual([
      [4 * 32, [[0, 31, 1]]],
      [3 * 32, [[0, 31, 1]]],
    ]);
    // Parts add up: adapters, the base model, routers of 64 x 4096 per module.
    expect(lora.parameters.total).toBe(6_738_415_616 + 64 * 39_976_960 + 7 * 32 * 64 * 4096);
  });

  it('are alike throughout', () => {
    expect(() => build({ experts: 5, topK: 1, intermediate: 16, whole: true, shared: { intermediate: 4 } })).toThrow(
      'the same layers throughout',
    );
  });
});
