// Models as measurements tell them: labels, bits over the whole file, and shapes.
import { readFileSync } from 'node:fs';
import { describe, expect, it } from 'vitest';
import { UserError } from '../../../src/base/errors.js';
import { findProfile } from '../../../src/base/profiles.js';
import { loadModel } from '../../../src/model/load/load.js';
import { type MeasuredModel, measuredModel } from '../../../src/model/load/measured.js';
import { expertBytesTotal, type ModelSpec, mainFormat } from '../../../src/model/spec.js';

const ROWS = findProfile('measurements', 'open');

const bitsOf = (model: ModelSpec): number => (8 * (expertBytesTotal(model) + model.dense.weightBytes)) / model.parameters.total;

const SHAPE = {
  layers: 47,
  moe_layers: 46,
  experts: 64,
  top_k: 4,
  hidden: 2048,
  expert_intermediate: 1536,
  shared_experts: 1,
  total_b: 30,
  active_b: 3,
};

describe('a measured model', () => {
  it('is the bundled one where a name is bundled', () => {
    expect(measuredModel({ name: 'qwen3-30b-a3b', quant: 'q4_k_m', bits: 4.85, shape: SHAPE })).toEqual(
      loadModel('qwen3-30b-a3b', 'q4_k_m'),
    );
  });

  it('is the rule of its label where the bits are near, or are those of its experts alone', () => {
    for (const bits of [undefined, 4.8, 4.86, 4.5, 5])
      expect(measuredModel({ name: 'qwen3-30b-a3b', quant: 'q4_k_m', bits }).quantization, `${bits}`).toBe('q4_k_m');
    expect(measuredModel({ name: 'gpt-oss-20b', quant: 'mxfp4', bits: 4.25 }).quantization).toBe('mxfp4');
    expect(measuredModel({ name: 'mixtral-8x7b', quant: 'hqq-2bit', bits: 2.9 }).quantization).toBe('hqq2');
  });

  it('has the bits that are stated otherwise', () => {
    const model = measuredModel({ name: 'deepseek-v3', quant: 'iq2_k_r4', bits: 2.803 });
    expect(model.quantization).toBe('iq2_k_r4:bits=2.803');
    expect(bitsOf(model)).toBeCloseTo(2.803, 4);
    expect(mainFormat(model.layers[0]!.formats)).toBe('iq2_k_r4');
  });

  it('is mixed of k-quants where there is no label, or it cannot have the bits', () => {
    expect(measuredModel({ name: 'qwen3-30b-a3b', bits: 3.2 }).quantization).toBe('mix:bits=3.2');
    expect(measuredModel({ name: 'qwen3-30b-a3b', quant: 'mix-exl9', bits: 3.2 }).quantization).toBe('mix:bits=3.2');
    expect(measuredModel({ name: 'qwen3-30b-a3b', quant: 'bf16', bits: 3.2 }).quantization).toBe('mix:bits=3.2');
  });

  it('is built from its shape where there is no profile', () => {
    const model = measuredModel({ name: 'unheard-of', quant: 'q4_k_m', shape: SHAPE });
    expect(model.name).toBe('unheard-of');
    expect(model.layers).toHaveLength(46);
  });

  it('is refused where too little is said', () => {
    expect(() => measuredModel({ name: 'unheard-of', quant: 'q4_k_m' })).toThrow(
      'model unheard-of: has neither a profile nor a shape; add model.shape',
    );
    for (const quant of [undefined, 'mix-3bpw'])
      expect(() => measuredModel({ name: 'olmoe-1b-7b', quant })).toThrow(/nothing says how its weights are stored; add model\.quant/);
    // Its bits do not stand in for a format that a run refuses, too.
    for (const bits of [undefined, 2.4])
      expect(() => measuredModel({ name: 'olmoe-1b-7b', quant: 'gsq-hybrid-q2_0', bits })).toThrow(
        'model olmoe-1b-7b: unknown quantization "gsq-hybrid-q2_0"; name a known one, or write mix-gsq-hybrid-q2_0 and model.bits',
      );
    expect(() => loadModel('olmoe-1b-7b', 'gsq-hybrid-q2_0')).toThrow('unknown quantization "gsq-hybrid-q2_0"');
  });
});

describe('models of published measurements', () => {
  it('are all known, but for those that say nothing of their format or shape', { timeout: 120_000 }, () => {
    const lines = readFileSync(ROWS, 'utf8').trim().split('\n');
    const models = lines.map((line) => (JSON.parse(line) as { model: MeasuredModel }).model);
    const refused = new Set<string>();
    for (const model of new Map(models.map((one) => [JSON.stringify(one), one])).values()) {
      try {
        const spec = measuredModel(model);
        const given = model.bits ?? bitsOf(spec);
        // Labels of small models whose head and attention are a large part of the file are furthest from their bits.
        expect(Math.abs(bitsOf(spec) / given - 1), `${model.name} ${model.quant} ${model.bits}`).toBeLessThan(0.12);
      } catch (error) {
        if (!(error instanceof UserError)) throw error;
        refused.add(model.name);
      }
    }
    expect([...refused].sort()).toEqual(['deepseek-v3', 'inkling-small-263b', 'qwen3-next-80b-a3b', 'qwen3.6-35b-a3b']);
  });
});
