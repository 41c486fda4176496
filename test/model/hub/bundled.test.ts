// Names of repositories of the hub: what they mean where no such file is.
import { mkdirSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { UserError } from '../../../src/base/errors.js';
import { listProfiles } from '../../../src/base/profiles.js';
import { meantModel } from '../../../src/model/hub/bundled.js';
import { loadModel, loadProfile, loadRouting } from '../../../src/model/load/load.js';
import { cases } from '../../cases.js';
import { fileOf, temporaryFolder } from '../../trace/builders.js';

const folder = temporaryFolder();

/** 57 repositories of models that people run, the bundled model of the same architecture and sizes, and the billions that their cards state. */
const RUN = readFileSync(join(import.meta.dirname, 'names.jsonl'), 'utf8')
  .trim()
  .split('\n')
  .map((line) => JSON.parse(line) as { hub: string; model: string; billions: number });

/** Repositories of other models, and the bundled model whose name is nearest. */
const OTHERS: readonly (readonly [hub: string, near: string | null])[] = [
  // Dense models trained on what DeepSeek-R1 wrote.
  ['deepseek-ai/DeepSeek-R1-Distill-Qwen-32B', null],
  ['deepseek-ai/DeepSeek-R1-Distill-Llama-70B', null],
  ['deepseek-ai/DeepSeek-R1-0528-Qwen3-8B', null],
  // Another size: a model of the family is near only if its size is.
  ['Qwen/Qwen3-8B', null],
  ['Qwen/Qwen3.5-27B', 'qwen3-30b-a3b of 30.5 B'],
  ['tencent/Hunyuan-7B-Instruct', null],
  ['microsoft/Phi-mini-MoE-instruct', 'phi-tiny-moe of 3.75 B'],
  ['google/switch-base-8', 'switch-base-128 of 7.41 B'],
  ['DeepSeek/DeepSeek-R2', 'deepseek-v2 of 236 B'],
  // A drafter, and an underscore that stands behind no publisher.
  ['nvidia/gpt-oss-120b-Eagle3', 'gpt-oss-120b of 117 B'],
  ['me/gemma-4-31B-it-qat-q4_0-gguf', null],
  ['deepseek-ai/DeepSeek-Prover-V2-7B', null],
];

describe('repositories of models that people run', () => {
  it('are 57, each once', () => {
    expect(new Set(RUN.map(({ hub }) => hub.toLowerCase())).size).toBe(57);
  });

  it.each(RUN)('$hub is $model, of $billions B', ({ hub, model, billions }) => {
    expect(meantModel(hub, folder).name).toBe(model);
    // Cards round, and count vision encoders and layers that predict further tokens.
    expect(Math.abs(loadModel(model).parameters.total / 1e9 / billions - 1)).toBeLessThan(0.025);
  });

  it.each(OTHERS)('%s is no bundled model; the nearest of its size is %s', (hub, near) => {
    const offer = near === null ? '' : `, a bundled model of a similar name is ${near}`;
    expect(() => meantModel(hub, folder)).toThrow(
      new UserError(`${hub}: there is no such file; the repository of the Hugging Face hub is hf:${hub}${offer}`),
    );
  });

  it('may be written without an owner, and in any case', () => {
    for (const { hub, model } of RUN) {
      const [owner, repo] = hub.split('/') as [string, string];
      expect(meantModel(`${owner.toUpperCase()}/${repo.toUpperCase()}`, folder).name).toBe(model);
      const bare = meantModel(repo, folder);
      const stored = bare.stored?.format === undefined ? '' : ` in ${bare.stored.format}`;
      expect(bare).toMatchObject({ name: model, note: repo === model ? null : `${repo} is taken for the bundled ${model}${stored}.` });
    }
    for (const [hub] of OTHERS) expect(meantModel(hub.split('/')[1]!, folder)).toEqual({ name: hub.split('/')[1], note: null });
  });
});

describe('names that resolve by rule', () => {
  it.each([
    // Experts were taken away, or a token uses fewer of them.
    [
      'cerebras/Qwen3-Coder-REAP-25B-A3B',
      /in its name: 25 B, 3 B of them active; assumed from them are 14 to 18 GB in q4_k_m, of which a token reads 1\.1 to 2\.8 GB/,
    ],
    ['DavidAU/Qwen3-30B-A1.5B-High-Speed', /in its name: 30 B, 1\.5 B of them active; .* bundled of this size: .*qwen3-30b-a3b;/],
    ['tencent/Hy4-preview', /\(model card\): 770 B, 49 B of them active; .* hf:tencent\/Hy4-preview fetches it$/],
    ['Ling-2.6-1T', /\(model card\): 1000 B, 63 B of them active; .* need its config\.json$/],
  ])('%s is known by its parameters alone, which give bytes with a band', (name, message) => {
    expect(() => meantModel(name, folder)).toThrow(message);
  });

  it.each([
    ['zai-org/GLM-4.8', 'glm-4.5', 'GLM-4.7'],
    ['unsloth/GLM-4.9-Air-GGUF', 'glm-4.5-air', 'glm-4.5-air'],
    ['moonshotai/Kimi-K2.9-Thinking', 'kimi-k2', 'kimi-k2.6'],
    ['MiniMaxAI/MiniMax-M2.9', 'minimax-m2.5', 'minimax-m2.7'],
    ['Qwen/Qwen3.7-35B-A3B-FP8', 'qwen3.6-35b-a3b', 'qwen3.6-35b-a3b'],
    ['acme/acme-tuned-Qwen3-30B-A3B', 'qwen3-30b-a3b', 'qwen3-30b-a3b'],
  ])('%s is assumed to have the shape of %s, which is marked', (hub, model, from) => {
    const { assumed, name } = meantModel(hub, folder);
    expect(name).toBe(model);
    expect(assumed).toMatch(/^Assumed: shape of /);
    expect(assumed!.toLowerCase()).toContain(from.toLowerCase());
    expect(loadModel(hub, null, folder)).toMatchObject({ name: model, assumed });
  });

  it.each([
    'zai-org/GLM-6',
    'zai-org/GLM-4.9-Flash-9B',
    'Qwen/Qwen3.9-Flash-Next',
    'inclusionAI/Ling-mini-2.5',
    'upstage/Solar-Open3-250B',
    'me/EAGLE3-qwen3-30b-a3b',
  ])('%s is no next version of a known shape', (hub) => {
    expect(() => meantModel(hub, folder)).toThrow(UserError);
  });

  it.each([
    ['unsloth/gpt-oss-120b-GGUF:Q4_K_M', 'gpt-oss-120b', 'q4_k_m'],
    ['Qwen3-30B-A3B-Instruct-2507-UD-Q4_K_XL.gguf', 'qwen3-30b-a3b', 'ud-q4_k_xl'],
    ['UD-Q2_K_XL/GLM-4.5-Air-UD-Q2_K_XL-00001-of-00002.gguf', 'glm-4.5-air', 'ud-q2_k_xl'],
    ['unsloth/GLM-5.2-GGUF/IQ4_XS/GLM-5.2-IQ4_XS-00001-of-00009.gguf', 'glm-5.2', 'iq4_xs'],
    ['Moonlight-16B-A3B-Instruct.i1-IQ2_M.gguf', 'moonlight-16b-a3b', 'iq2_m'],
    ['Qwen.Qwen3-30B-A3B.Q4_K_M.gguf', 'qwen3-30b-a3b', 'q4_k_m'],
  ])('%s names a model and its format', (text, model, format) => {
    expect(meantModel(text, folder)).toMatchObject({ name: model, stored: { container: 'gguf', format } });
    expect(loadModel(text, null, folder).quantization).toBe(format);
    expect(loadModel(text, 'q8_0', folder).quantization).toBe('q8_0');
  });

  it('are refused by the name of their format if it is unknown', () => {
    expect(() => meantModel('unsloth/gpt-oss-120b-GGUF:Q9_Z', folder)).toThrow(
      /^unsloth\/gpt-oss-120b-GGUF:Q9_Z: unknown quantization "q9_z"/,
    );
  });
});

describe('formats in names of repositories', () => {
  it.each([
    ['turboderp/GLM-4.5-Air-exl3-3.05bpw', 'exl3', 'int4:bits=3.05'],
    ['cpatonn/Qwen3-30B-A3B-Instruct-2507-AWQ-4bit', 'safetensors', 'int4'],
    ['cpatonn/Qwen3-30B-A3B-Instruct-2507-AWQ-8bit', 'safetensors', 'int8'],
    ['Qwen/Qwen3-30B-A3B-GPTQ-Int4', 'safetensors', 'int4'],
    ['nvidia/Qwen3-30B-A3B-NVFP4', 'safetensors', 'nvfp4'],
    ['Qwen/Qwen3-30B-A3B-FP8', 'safetensors', 'fp8'],
    ['unsloth/Qwen3-30B-A3B-bnb-4bit', 'safetensors', 'nf4'],
    ['mlx-community/Qwen3-30B-A3B-4bit', 'mlx', 'mlx4'],
    ['mlx-community/Qwen3-30B-A3B-4bit-DWQ', 'mlx', 'mlx4'],
    ['lmstudio-community/Qwen3-30B-A3B-MLX-8bit', 'mlx', 'mlx8'],
    ['acme/Qwen3-30B-A3B-Q4_K_M-GGUF', 'gguf', 'q4_k_m'],
    // A GGUF repository has several; a word that no format has is none; 4bit alone is AWQ to some and MLX to others.
    ['unsloth/Qwen3-30B-A3B-GGUF', 'gguf', undefined],
    ['mradermacher/Qwen3-30B-A3B-i1-GGUF', 'gguf', undefined],
    ['mlx-community/Qwen3-30B-A3B-2bit', 'mlx', undefined],
    ['acme/Qwen3-30B-A3B-4bit', undefined, undefined],
    ['Qwen/Qwen3-30B-A3B', undefined, undefined],
  ])('%s is stored as %s in %s', (text, container, format) => {
    const { name, stored } = meantModel(text, folder);
    expect([stored?.container, stored?.format]).toEqual([container, format]);
    if (format !== undefined) expect(loadModel(text, null, folder).quantization).toBe(format);
    expect(['qwen3-30b-a3b', 'glm-4.5-air']).toContain(name);
  });
});

describe('names of repositories in profiles', () => {
  const names = listProfiles('models').flatMap((model) => (loadProfile(model).hub ?? []).map((hub) => ({ hub, model })));

  it('stand once each, beside no bundled model of that name, and in the spelling of the hub', () => {
    const all = [...listProfiles('models'), ...names.map(({ hub }) => hub.toLowerCase())];
    expect(new Set(all).size).toBe(all.length);
    expect(names.length).toBeGreaterThanOrEqual(40);
  });

  it('keep their model whatever is appended for training, date and storage, and lose it with any other word', () => {
    const known = fc.constantFrom(...names, ...listProfiles('models').map((model) => ({ hub: model, model })));
    const ending = fc.constantFrom(
      'Instruct',
      'Thinking',
      'Base',
      '2507',
      'v0.1',
      'FP8',
      'GGUF',
      'AWQ',
      '4bit',
      'NVFP4',
      'MLX',
      '128K',
      'Q4_K_M',
    );
    const publisher = fc.constantFrom('', 'Qwen_', 'deepseek-ai_');
    fc.assert(
      fc.property(fc.tuple(known, fc.array(ending, { maxLength: 4 }), publisher), ([{ hub, model }, endings, before]) => {
        expect(meantModel(`me/${before}${[hub, ...endings].join('-')}`, folder).name).toBe(model);
      }),
      { numRuns: cases(2000) },
    );
    const taken = new Set(names.map(({ hub }) => hub.toLowerCase()));
    const word = fc.constantFrom('Distill', 'REAP', 'Eagle3', 'VL', '7B', 'A1.5B', 'Qwen', 'draft');
    fc.assert(
      fc.property(fc.tuple(known, word, fc.array(ending, { maxLength: 2 })), ([{ hub }, other, endings]) => {
        fc.pre(!taken.has(`${hub}-${other}`.toLowerCase()));
        expect(() => meantModel(`me/${[hub, other, ...endings].join('-')}`, folder)).toThrow(UserError);
      }),
      { numRuns: cases(2000) },
    );
  });
});

describe('a name from outside', () => {
  it.each(['__proto__', 'constructor', 'toString', 'hasOwnProperty', '__proto__-FP8'])('%s is no property of a table', (name) => {
    expect(meantModel(name, folder)).toEqual({ name, note: null });
    expect(() => meantModel(`a/${name}`, folder)).toThrow(UserError);
  });

  it.each([
    ['controls', 'a/gpt-oss-20b\u001b[31m'],
    ['line breaks', 'a/gpt-oss-20b\n'],
    ['a turn of direction', 'a/\u202egpt-oss-20b'],
    ['97 letters', `a/${'x'.repeat(97)}`],
    ['a million letters', `gpt-oss-20b${'-it'.repeat(333_333)}`],
    ['a way up', '../gpt-oss-20b'],
    ['two slashes', 'a/b/gpt-oss-20b'],
    ['a drive', 'C:\\gpt-oss-20b'],
    ['a space', 'openai/gpt-oss-20b '],
    ['letters that look alike', 'openai/gpt-oss-2\u043eb'],
    ['nothing', ''],
  ])('with %s is a path or a word like any other', (_, text) => {
    expect(meantModel(text, folder)).toEqual({ name: text, note: null });
    expect(() => loadModel(text, null, folder)).toThrow(UserError);
  });

  it('is answered or refused, whatever it is', () => {
    const part = fc.oneof(
      fc.string({ maxLength: 40 }),
      fc.constantFrom('gpt-oss-20b', '/', '-', '_', ':', '.', '-it', 'hf.co/', '@', 'Qwen_'),
    );
    fc.assert(
      fc.property(fc.array(part, { maxLength: 8 }), (parts) => {
        const text = parts.join('');
        try {
          const { name, note } = meantModel(text, folder);
          // The page of a repository is its address without the rest.
          if (note === null) expect(text).toContain(name);
          else expect(listProfiles('models')).toContain(name);
        } catch (error) {
          expect(error).toBeInstanceOf(UserError);
        }
      }),
      { numRuns: cases(2000) },
    );
  });
});

describe('the name of a repository', () => {
  it.each([
    ['openai/gpt-oss-120b', 'gpt-oss-120b'],
    ['Qwen/Qwen3-30B-A3B', 'qwen3-30b-a3b'],
    ['Qwen/Qwen3-30B-A3B-Instruct-2507', 'qwen3-30b-a3b'],
    ['unsloth/Qwen3-235B-A22B-Thinking-2507-GGUF', 'qwen3-235b-a22b'],
    ['mistralai/Mixtral-8x7B-Instruct-v0.1', 'mixtral-8x7b'],
    ['deepseek-ai/DeepSeek-V3-0324', 'deepseek-v3'],
    ['moonshotai/Kimi-K2-Instruct-0905', 'kimi-k2'],
    ['nvidia/NVIDIA-Nemotron-3-Nano-30B-A3B-BF16', 'nemotron-3-nano-30b-a3b'],
    ['RedHatAI/Llama-4-Scout-17B-16E-Instruct-quantized.w4a16', 'llama-4-scout'],
    ['Intel/Qwen3-30B-A3B-Instruct-2507-int4-AutoRound', 'qwen3-30b-a3b'],
    ['huihui-ai/Huihui-gpt-oss-20b-BF16-abliterated', 'gpt-oss-20b'],
    ['ai21labs/Jamba-v0.1', 'jamba-v0.1'],
  ])('%s stands for the bundled %s, which is said', (text, name) => {
    const { name: meant, note, stored } = meantModel(text, folder);
    const format = stored?.format === undefined ? '' : ` in ${stored.format}`;
    expect(meant).toBe(name);
    expect(note).toBe(`${text} is no file here; taking the bundled ${name}${format} (hf:${text} reads the repository's own files).`);
    const { note: shown, ...model } = loadModel(text, null, folder);
    expect(shown).toBe(note);
    expect(model).toEqual(loadModel(name, stored?.format ?? null));
    expect(loadRouting(text, folder)).toEqual(loadRouting(name));
  });

  it.each([
    ['deepseek-ai/DeepSeek-R2', /hub is hf:deepseek-ai\/DeepSeek-R2, a bundled model of a similar name is deepseek-v/],
    ['acme/zzzzqqqq', /^acme\/zzzzqqqq: there is no such file; the repository of the Hugging Face hub is hf:acme\/zzzzqqqq$/],
  ])('%s is refused with what to write instead', (text, message) => {
    expect(() => loadModel(text, null, folder)).toThrow(message);
  });

  it.each([
    'https://huggingface.co/openai/gpt-oss-120b',
    'https://huggingface.co/openai/gpt-oss-120b/blob/main/config.json?download=true',
    'hf.co/openai/gpt-oss-120b',
  ])('%s is the page of one', (page) => {
    expect(meantModel(page, folder)).toEqual(meantModel('openai/gpt-oss-120b', folder));
  });

  it('is a path where there is such a file, or its folder, or an ending', () => {
    const own = join(folder, 'own');
    mkdirSync(own);
    mkdirSync(join(own, 'openai'));
    for (const path of ['openai/gpt-oss-120b', './openai/x', 'a/b/c', 'models/my.gguf', 'models/my.yaml', 'openai\\gpt-oss-120b']) {
      expect(meantModel(path, own)).toEqual({ name: path, note: null });
    }
    mkdirSync(join(own, 'Qwen'));
    fileOf(own, 'Qwen/Qwen3-30B-A3B', '');
    expect(meantModel('Qwen/Qwen3-30B-A3B', own).note).toBeNull();
  });
});
