// Every bundled model against what its publisher says of it.
import { describe, expect, it } from 'vitest';
import { findProfile, listProfiles } from '../../src/base/profiles.js';
import { inspectModel } from '../../src/model/load/inspect.js';
import { loadModel, openModel } from '../../src/model/load/load.js';
import { expertBytesTotal, expertSizes, tokenCycleBytes } from '../../src/model/spec.js';
import { routingProfileSchema } from '../../src/trace/generate/routing-profile.js';
import { loadModelProfile } from './profiles.js';

/** Totals that differ by more than 1 %, and why. */
const EXCEPTIONS: Readonly<Record<string, { within: number; reason: string }>> = {
  'granite-3.0-1b-a400m': { within: 0.03, reason: '"1.3 B" is 1.33 B with one decimal' },
  'glm-5.3-flash': { within: 0.025, reason: '320 B counts the layer that predicts further tokens (7.4 B)' },
  'kimi-k2': { within: 0.015, reason: 'the report says 1.04 T; the checkpoint holds 1,026 B' },
  'llama-4-scout': { within: 0.015, reason: '109 B counts the vision encoder' },
  'zaya1-8b': { within: 0.05, reason: '8.4 B lie between 8.8 B with its embedding and 8.27 B without' },
};

/** Active parameters that are neither as stated once rounded nor within 2.5 %, and why. */
const ACTIVE: Readonly<Record<string, { within: number; reason: string }>> = {
  inkling: { within: 0.03, reason: 'layers with a window have twice the heads of keys and values (0.7 B)' },
  'kimi-k3': { within: 0.03, reason: 'layers with latent attention and their ranks are guessed' },
  'flexolmo-7x7b-1t': { within: 0.22, reason: '20 B are those of 4 of 7 experts; its configuration class has 5' },
  'lfm2-8b-a1b': { within: 0.04, reason: '1.5 B lies between 1.56 B with its head, which is the embedding, and 1.42 B without' },
};

/** The last digit of a figure in billions that is stated, as a number: 1e8 of 3.3e9, 1e9 of 40e9. */
function digitOf(stated: number): number {
  return [1e9, 1e8, 1e7, 1e6].find((digit) => Number.isInteger(Math.round((stated / digit) * 1e6) / 1e6))!;
}

const NAMES = listProfiles('models');

/** Cards of the rows of 2026 round to a billion or two figures. */
const inTable = (name: string): boolean => findProfile('models', name).includes('table.txt');

describe('bundled models', () => {
  it('are all there', () => {
    expect(NAMES.length).toBeGreaterThanOrEqual(35);
    for (const name of [
      'mixtral-8x7b',
      'qwen3-30b-a3b',
      'qwen3-235b-a22b',
      'deepseek-v2-lite',
      'deepseek-v3',
      'gpt-oss-20b',
      'gpt-oss-120b',
      'olmoe-1b-7b',
      'granite-3.0-1b-a400m',
      'switch-base-128',
      'mini-mixtral-8x8l',
      'mini-finegrained-64x12l',
    ])
      expect(NAMES).toContain(name);
  });

  it.each(NAMES)('%s has the published number of parameters', (name) => {
    const profile = loadModelProfile(name);
    const model = loadModel(name);
    expect(profile.name).toBe(name);
    if (profile.published === undefined) {
      expect(profile.assumed ?? profile.note, 'a shape that no published total confirms').toMatch(/assumed|not seen/);
      return;
    }
    const { within, reason } = EXCEPTIONS[name] ?? { within: inTable(name) ? 0.03 : 0.01, reason: '' };
    expect(Math.abs(model.parameters.total / profile.published.total - 1), reason).toBeLessThan(within);
  });

  it.each(NAMES)('%s has the published number of active parameters, as the publisher counts and rounds them', (name) => {
    const { published } = inspectModel(openModel(name), [], 0).parameters;
    const { active, alike } = published ?? {};
    if (active === undefined || alike === undefined) return;
    const { within, reason } = ACTIVE[name] ?? { within: Math.max(inTable(name) ? 0.07 : 0.025, digitOf(active) / 2 / active), reason: '' };
    expect(Math.abs(alike / active - 1), reason).toBeLessThan(within);
  });

  it.each(NAMES)('%s is consistent in itself', (name) => {
    const model = loadModel(name);
    expect(model.dense.segments).toHaveLength(model.layers.length + 1);
    let offset = 0;
    for (const [index, layer] of model.layers.entries()) {
      expect(layer).toMatchObject({ index, offset });
      expect(Number.isInteger(layer.expertBytes)).toBe(true);
      offset += layer.experts;
    }
    expect(model.experts).toBe(offset);
    expect(expertSizes(model)).toHaveLength(offset);
    expect(tokenCycleBytes(model)).toBeLessThan(expertBytesTotal(model));
    const read = model.dense.segments.reduce((sum, segment) => sum + segment.weightBytes, 0);
    const { moe, tiedEmbeddings } = loadModelProfile(name);
    // Whole models as experts have their embeddings in the experts.
    if (tiedEmbeddings || moe.whole) expect(model.dense.weightBytes).toBe(read);
    else expect(model.dense.weightBytes).toBeGreaterThan(read);
    expect(model.dense.segments.reduce((sum, segment) => sum + segment.attention.length, 0)).toBe(loadModelProfile(name).layers);
  });
});

describe('routing and counts of bundled models', () => {
  it('route as measured, where that was measured', () => {
    const routed = NAMES.filter((name) => loadModelProfile(name).routing !== undefined);
    expect(routed).toEqual(expect.arrayContaining(['deepseek-v2-lite', 'gpt-oss-20b', 'mixtral-8x7b', 'olmoe-1b-7b', 'qwen3-30b-a3b']));
    for (const name of routed) expect(() => routingProfileSchema.parse(loadModelProfile(name).routing), name).not.toThrow();
  });

  it('counts our own two models to the parameter', () => {
    expect(loadModel('mini-mixtral-8x8l').parameters.total).toBe(31_478_016);
    expect(loadModel('mini-finegrained-64x12l').parameters.total).toBe(47_534_784);
  });

  it('gives experts the published share of Switch', () => {
    for (const [name, share] of [
      ['switch-base-32', 0.9158],
      ['switch-base-64', 0.9561],
      ['switch-base-128', 0.9775],
    ] as const) {
      const model = loadModel(name, 'bf16');
      expect(model.layers).toHaveLength(12);
      expect(Math.abs(expertBytesTotal(model) / 2 / model.parameters.total - share)).toBeLessThan(0.001);
    }
  });
});
