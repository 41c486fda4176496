// `moeprof model inspect`: budgets that add up, layers folded without loss, what fits where, and tables that fit a terminal.
import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { Command } from 'commander';
import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { UserError } from '../../../src/base/errors.js';
import { listProfiles } from '../../../src/base/profiles.js';
import type { CliContext } from '../../../src/cli/kit/context.js';
import { define, modelReports } from '../../../src/cli/model.js';
import { fitOn, foldLayers, inspectModel, type ModelInspection } from '../../../src/model/load/inspect.js';
import { loadModel, openModel } from '../../../src/model/load/load.js';
import { expertBytesTotal } from '../../../src/model/spec.js';
import { loadHardware } from '../../../src/runtime/machine.js';
import { temporaryFolder } from '../../support/folder.js';
import { type TestTensor, writeGguf } from '../gguf-file.js';

const MACHINES = listProfiles('hardware').map((name) => loadHardware(name));
const PLAIN = { color: false, width: 80, unicode: true, verbose: false } as const;
const GIB = 2 ** 30;

describe('inspectModel', () => {
  it.each(listProfiles('models'))('%s: parts add up to the whole', (name) => {
    const model = loadModel(name);
    const { parts, parameters, bytes, experts } = inspectModel(openModel(name), MACHINES, 4096);
    const sum = (pick: (part: (typeof parts)[number]) => number): number => parts.reduce((total, part) => total + pick(part), 0);
    expect(sum((part) => part.parameters)).toBe(model.parameters.total);
    expect(sum((part) => part.active)).toBe(parameters.active);
    expect(parts.find(({ part }) => part === 'embedding')?.active ?? 0).toBe(0);
    expect(bytes).toBe(expertBytesTotal(model) + model.dense.weightBytes);
    // Segments and parts are each rounded to whole bytes.
    expect(Math.abs(sum((part) => part.bytes) - bytes)).toBeLessThan(100);
    expect(experts.reduce((total, group) => total + group.count, 0)).toBe(model.layers.length);
  });

  it('says where the 30.5 B parameters of Qwen3-30B-A3B are', () => {
    const { parts, layers, tokenCycleBytes, kvBytesPerToken } = inspectModel(openModel('qwen3-30b-a3b', 'bf16'), [], 4096);
    expect(layers).toEqual({ total: 48, moe: 48 });
    expect(parts.map(({ part, parameters }) => [part, parameters])).toEqual([
      ['experts', 48 * 128 * 3 * 2048 * 768],
      ['router', 48 * 128 * 2048],
      // Queries and output 2048 x 4096, keys and values 2048 x 512, two norms of a head and two of the layer.
      ['attention', 48 * (2 * 2048 * 4096 + 2 * 2048 * 512 + 2 * 128 + 2 * 2048)],
      ['head', 151_936 * 2048 + 2048],
      ['embedding', 151_936 * 2048],
    ]);
    expect(tokenCycleBytes).toBe(48 * 8 * 3 * 2048 * 768 * 2);
    expect(kvBytesPerToken).toBe(98_304);
  });

  it('says what each part is stored in', () => {
    const { parts } = inspectModel(openModel('qwen3-30b-a3b', 'q4_k_m'), [], 4096);
    const experts = parts.find(({ part }) => part === 'experts')!;
    // Down projections, a third of an expert, are q6_k in half the layers.
    expect(experts.formats.map(({ format, weights }) => [format, weights / experts.parameters])).toEqual([
      ['q4_k', expect.closeTo(5 / 6, 9)],
      ['q6_k', expect.closeTo(1 / 6, 9)],
    ]);
    for (const { formats, bytes, parameters } of parts) {
      expect(formats.reduce((sum, one) => sum + one.weights, 0)).toBeCloseTo(parameters, 0);
      expect(Math.abs(formats.reduce((sum, one) => sum + one.bytes, 0) / bytes - 1)).toBeLessThan(1e-6);
    }
  });

  it('names decoder layers, not positions among the MoE layers', () => {
    const groups = (name: string) => inspectModel(openModel(name), [], 0).experts.map(({ layers, count }) => [layers, count]);
    expect(groups('deepseek-v3')).toEqual([[[[3, 60, 1]], 58]]);
    expect(groups('llama-4-maverick')).toEqual([[[[1, 47, 2]], 24]]);
  });
});

describe('foldLayers', () => {
  it('folds runs of equal steps', () => {
    expect(foldLayers([0, 1, 2, 3])).toEqual([[0, 3, 1]]);
    expect(foldLayers([0, 1, 5, 8, 11, 20])).toEqual([
      [0, 1, 1],
      [5, 11, 3],
      [20, 20, 1],
    ]);
    expect(foldLayers([4, 9])).toEqual([
      [4, 4, 1],
      [9, 9, 1],
    ]);
    expect(foldLayers([])).toEqual([]);
  });

  it('loses nothing', () => {
    fc.assert(
      fc.property(fc.uniqueArray(fc.nat(60)), (numbers) => {
        const layers = numbers.sort((a, b) => a - b);
        const unfolded = foldLayers(layers).flatMap(([first, last, step]) =>
          Array.from({ length: (last - first) / step + 1 }, (_, i) => first + i * step),
        );
        expect(unfolded).toEqual(layers);
      }),
    );
  });
});

describe('fitOn', () => {
  const model = loadModel('mixtral-8x7b', 'q4_k_m');
  const experts = expertBytesTotal(model);
  const staging = 2 * model.layers[0]!.expertBytes;
  const fixed = model.dense.weightBytes + 4096 * model.dense.kvBytesPerToken;
  const on = (gpu: number, ...below: number[]) =>
    fitOn({ name: 'm', tiers: [gpu, ...below].map((bytes, i) => ({ name: ['gpu', 'dram', 'ssd'][i]!, bytes })) }, model, 4096);

  it('keeps everything where there is room for everything', () => {
    expect(on(fixed + experts)).toMatchObject({ verdict: 'resident', share: 1, perLayer: 8, cacheBytes: experts, rest: null });
  });

  it('leaves room for a staging buffer where there is not', () => {
    expect(on(fixed + experts - 1, 64 * GIB)).toMatchObject({
      verdict: 'cached',
      cacheBytes: experts - 1 - staging,
      perLayer: 7,
      rest: 'dram',
    });
    expect(on(fixed + experts / 2 + staging, 8 * GIB, 64 * GIB)).toMatchObject({ share: 0.5, perLayer: 4, rest: 'ssd' });
  });

  it('warns below the token cycle, two of eight experts here', () => {
    expect(on(fixed + experts / 4 + staging, 64 * GIB).verdict).toBe('cached');
    expect(on(fixed + experts / 4 + staging - 1, 64 * GIB)).toMatchObject({ verdict: 'below-token-cycle', perLayer: 1 });
    expect(on(fixed + staging, 64 * GIB)).toMatchObject({ verdict: 'below-token-cycle', cacheBytes: 0 });
  });

  it('says what is too large', () => {
    expect(on(fixed + staging - 1, 64 * GIB).verdict).toBe('dense-too-large');
    expect(on(fixed + experts / 2, 8 * GIB)).toMatchObject({ verdict: 'experts-too-large', rest: null });
    expect(on(24 * GIB).verdict).toBe('experts-too-large');
  });
});

/** A GGUF file whose layers fall into two kinds, as in Q4_K_M. */
function mixedGguf(): string {
  const path = join(temporaryFolder(), 'mix.gguf');
  const large = (layer: number): boolean => layer < 6 || layer >= 42 || layer % 3 === 2;
  const tensors = Array.from({ length: 48 }, (_, layer): TestTensor[] => [
    { name: `blk.${layer}.attn_k.weight`, type: 'q8_0', shape: [256, 64] },
    { name: `blk.${layer}.ffn_up_exps.weight`, type: 'q4_k', shape: [256, 512, 4] },
    { name: `blk.${layer}.ffn_down_exps.weight`, type: large(layer) ? 'q6_k' : 'q4_k', shape: [512, 256, 4] },
  ]).flat();
  const metadata = {
    'general.architecture': 'qwen3moe',
    'general.name': 'Mix \u001b[31mred',
    'qwen3moe.block_count': 48,
    'qwen3moe.embedding_length': 256,
    'qwen3moe.expert_used_count': 2,
    'qwen3moe.attention.head_count': 4,
    'qwen3moe.attention.head_count_kv': 2,
  };
  writeGguf(path, metadata, [...tensors, { name: 'token_embd.weight', type: 'q4_k', shape: [256, 1000] }]);
  return path;
}

describe('reports', () => {
  const [table, json, csv, markdown] = modelReports;
  const formats = { table, json, csv, markdown };
  const render = (format: keyof typeof formats, inspection: ModelInspection, options = PLAIN): string =>
    formats[format].render(inspection, options);

  it.each([...listProfiles('models'), mixedGguf()])('of %s fit 80 columns', (name) => {
    const table = render('table', inspectModel(openModel(name), MACHINES, 131_072));
    for (const line of table.split('\n')) expect(line.length, line).toBeLessThanOrEqual(80);
    expect(table).toContain('at 131,072 tokens');
  });

  it('fold the layers of a mixed file into two kinds', () => {
    const inspection = inspectModel(openModel(mixedGguf()), MACHINES, 4096);
    const table = render('table', inspection);
    expect(inspection.experts.map(({ count, layers }) => [count, layers])).toEqual([
      [
        24,
        [
          [0, 5, 1],
          [8, 41, 3],
          [42, 47, 1],
        ],
      ],
      [24, expect.anything()],
    ]);
    expect(table).toMatch(/0-5, 8-41 by 3, 42-47\n/);
    expect(table).toMatch(/^all experts .* 48$/m);
    expect(table.split('\n')[1]).toBe('Mix [31mred, sizes of its gguf tensors');
  });

  it('say the same in all formats', () => {
    const inspection = inspectModel(openModel('deepseek-v3'), MACHINES, 4096);
    expect(JSON.parse(render('json', inspection))).toEqual(JSON.parse(JSON.stringify(inspection)));
    for (const format of ['table', 'markdown'] as const) {
      const text = render(format, inspection);
      for (const figure of ['671B', '36.6B', '19.0 GiB', '68.6 KiB', '42.0 MiB', '3-60', 'dense part too large', '10.0 %'])
        expect(text, figure).toContain(figure);
    }
    expect(render('table', inspection, { ...PLAIN, unicode: false } as unknown as typeof PLAIN)).toMatch(/^[ -~\n]+$/);
  });
});

describe('moeprof model inspect', () => {
  const run = async (...argv: string[]): Promise<string> => {
    let out = '';
    const context: Partial<CliContext> = {
      options: { quiet: false, verbose: false, color: false, progress: 'never', debug: false },
      reportOptions: PLAIN,
      out: (text) => {
        out += text;
      },
    };
    const command = new Command('model');
    define(command, context as CliContext);
    await command.parseAsync(['inspect', ...argv], { from: 'user' });
    return out;
  };

  it('takes format, context and machines', async () => {
    const json = JSON.parse(
      await run('mixtral-8x7b', '--quantization', 'bf16', '--context', '32k', '-w', 'rtx-4090', '--json'),
    ) as ModelInspection;
    expect(json).toMatchObject({ schema: 'moeprof.model/1', quantization: 'bf16', context: 32_000 });
    expect(json.fits.map(({ machine }) => machine)).toEqual(['rtx-4090']);
    expect(await run('mixtral-8x7b')).toContain('apple-m4-max');
  });

  it('writes files by their ending', async () => {
    const path = join(temporaryFolder(), 'model.md');
    await run('mixtral-8x7b', '-o', path);
    expect(readFileSync(path, 'utf8')).toMatch(/^## mixtral-8x7b, q4_k_m\n/);
  });

  it('answers mistakes in one line', async () => {
    await expect(run('mixtrl-8x7b')).rejects.toThrow(/^unknown model "mixtrl-8x7b": did you mean "mixtral-8x7b"/);
    await expect(run('mixtral-8x7b', '-w', 'rtx-9')).rejects.toThrow(UserError);
    await expect(run('mixtral-8x7b', '--context', 'long')).rejects.toThrow(/^--context: "long" is not a count/);
  });
});
