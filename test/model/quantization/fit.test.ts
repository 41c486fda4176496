// Rules that are moved until a file has a stated size.
import { describe, expect, it } from 'vitest';
import { wholeFile } from '../../../src/model/build.js';
import { loadModel, openModel } from '../../../src/model/load/load.js';
import { findQuantization } from '../../../src/model/quantization/index.js';
import { mainFormat } from '../../../src/model/spec.js';

const file = (model: string, quantization: string) => wholeFile(openModel(model, quantization).parts);
const bits = (model: string, quantization: string): number => {
  const { bytes, parameters } = file(model, quantization);
  return (bytes * 8) / parameters;
};

describe('a quantization of a stated size', () => {
  it.each([
    ['q4_k_m', 4.27],
    ['q4_k_m', 5.189],
    ['q4_k_m', 7.5],
    ['ud-q2_k_xl', 2.7],
    ['ud-iq3_xxs', 2.955],
    ['iq2_k_r4', 2.803],
    ['iq2_kt', 2.191],
    ['iq4_ks_r4', 4.708],
    ['iq6_k', 7.25],
    ['mix', 3.185],
    ['mxfp4', 4.563],
    ['int4', 4.5],
    ['hqq2', 2.9],
    ['mlx4', 4.6],
  ])('%s has %f bits over the whole file', (name, target) => {
    for (const model of ['qwen3-235b-a22b', 'qwen3-30b-a3b']) expect(bits(model, `${name}:bits=${target}`)).toBeCloseTo(target, 4);
  });

  it('may be said in bytes', () => {
    expect(file('deepseek-v3', 'ud-q2_k_xl:size=226GiB').bytes / 2 ** 30).toBeCloseTo(226, 4);
  });

  it('moves experts down, and others up before experts', () => {
    const rule = loadModel('qwen3-30b-a3b', 'q4_k_m');
    const formats = (bits: number) => loadModel('qwen3-30b-a3b', `q4_k_m:bits=${bits}`).layers[0]!.formats!.map(({ format }) => format);
    expect(loadModel('qwen3-30b-a3b', 'q4_k_m:bits=4.2').dense.weightBytes).toBe(rule.dense.weightBytes);
    // Down projections of half the layers have more bits than the others, and give them up first.
    expect(formats(4.6)).toEqual(['q4_k', 'q6_k']);
    expect(formats(4.2)).toEqual(['q4_k', 'q3_k']);
    const larger = loadModel('qwen3-30b-a3b', 'q4_k_m:bits=4.95');
    expect(larger.layers).toEqual(rule.layers);
    expect(larger.dense.segments[3]!.formats!.map(({ format }) => format)).toContain('q8_0');
    const largest = loadModel('qwen3-30b-a3b', 'q4_k_m:bits=6');
    expect(largest.layers[0]!.expertBytes).toBeGreaterThan(rule.layers[0]!.expertBytes);
  });

  it('keeps the format of integers', () => {
    const { layers } = loadModel('mixtral-8x7b', 'int4:bits=4.5');
    expect(layers[0]!.formats).toHaveLength(1);
    expect(mainFormat(layers[0]!.formats)).toBe('int4');
  });

  it('is refused where its formats cannot make it', () => {
    expect(() => loadModel('qwen3-30b-a3b', 'q4_k_m:bits=1')).toThrow(
      /^quantization "q4_k_m:bits=1": its formats do not make a file of 3\.55 GiB; this model has from .* bits per weight\) to /,
    );
    expect(() => loadModel('qwen3-30b-a3b', 'bf16:bits=4')).toThrow(/its formats do not make a file/);
  });

  it('takes what is nearest where a rounded size is just out of reach', () => {
    const rule = file('gpt-oss-120b', 'mxfp4').bytes;
    expect(file('gpt-oss-120b', 'mxfp4:size=59.02GiB').bytes).toBeCloseTo(rule, 0);
  });
});

describe('details behind a name', () => {
  it('set the group of integers and the block of fp8', () => {
    const of = (name: string): number => loadModel('mixtral-8x7b', name).layers[0]!.expertBytes / (3 * 4096 * 14336);
    expect(8 * of('int4')).toBeCloseTo(4 + 20 / 128, 6);
    expect(8 * of('int4:group=64')).toBeCloseTo(4 + 20 / 64, 6);
    expect(8 * of('int4:group=32:zero=0')).toBeCloseTo(4.5, 6);
    expect(8 * of('INT8:group=64')).toBeCloseTo(8.25, 6);
    expect(8 * of('int3')).toBeCloseTo(3 + 19 / 128, 6);
    expect(8 * of('nf4')).toBeCloseTo(4.127, 3);
    expect(8 * of('fp8:block=64')).toBeCloseTo(8 + 32 / 4096, 6);
  });

  it.each([
    ['q4_k_m:group=64', /^quantization "q4_k_m": unknown detail "group"; known: bits, size/],
    ['int4:grop=64', /^quantization "int4": unknown detail "grop"; did you mean "group"/],
    ['int4:group', /^quantization "int4": write group= and a value, e\.g\. group=4/],
    ['int4:group=x', /^group=x: must be a number from 8 to 65536$/],
    ['q4_k_m:bits=4:size=3GB', /says a detail twice/],
    ['q4_k_m:size=much', /^size: "much" is not a size/],
    ['mix', /^quantization "mix": needs a size; write e\.g\. mix:bits=3\.2/],
  ])('%s is refused', (written, message) => {
    expect(() => findQuantization(written)).toThrow(message);
  });
});
