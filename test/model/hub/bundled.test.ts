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
const OTHERS: readonly (readonly [hub: string, near: string])[] = [
  // Dense models trained on what DeepSeek-R1 wrote.
  ['deepseek-ai/DeepSeek-R1-Distill-Qwen-32B', 'deepseek-v3'],
  ['deepseek-ai/DeepSeek-R1-Distill-Llama-70B', 'deepseek-v3'],
  ['deepseek-ai/DeepSeek-R1-0528-Qwen3-8B', 'deepseek-v3'],
  // Other sizes of the family.
  ['nvidia/NVIDIA-Nemotron-3-Super-120B-A12B-FP8', 'nemotron-3-nano-30b-a3b'],
  ['Qwen/Qwen3-8B', 'qwen3-30b-a3b'],
  ['Qwen/Qwen3.5-27B', 'qwen3.5-35b-a3b'],
  ['Qwen/Qwen3-Omni-30B-A3B-Instruct', 'qwen3-30b-a3b'],
  ['inclusionAI/Ling-flash-2.0', 'ling-mini-2.0'],
  ['baidu/ERNIE-4.5-VL-28B-A3B-PT', 'ernie-4.5-21b-a3b'],
  ['tencent/Hunyuan-7B-Instruct', 'hunyuan-a13b'],
  ['ai21labs/AI21-Jamba-1.5-Large', 'jamba-v0.1'],
  ['ibm-granite/granite-4.0-h-tiny', 'granite-3.0-1b-a400m'],
  ['microsoft/Phi-mini-MoE-instruct', 'phi-3.5-moe'],
  ['xai-org/grok-2', 'grok-1'],
  ['google/switch-base-8', 'switch-base-128'],
  ['meituan-longcat/LongCat-Flash-Lite', 'longcat-flash'],
  // Another vocabulary.
  // Experts were taken away, or a token uses fewer of them; a drafter.
  ['cerebras/Qwen3-Coder-REAP-25B-A3B', 'qwen3-30b-a3b'],
  ['cerebras/GLM-4.5-Air-REAP-82B-A12B', 'glm-4.5-air'],
  ['DavidAU/Qwen3-30B-A1.5B-High-Speed', 'qwen3-30b-a3b'],
  ['nvidia/gpt-oss-120b-Eagle3', 'gpt-oss-120b'],
  // An underscore that stands behind no publisher.
  ['me/gemma-4-31B-it-qat-q4_0-gguf', 'gemma-4-26b-a4b'],
  ['deepseek-ai/DeepSeek-Prover-V2-7B', 'deepseek-v3'],
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

  it.each(OTHERS)('%s is no bundled model; the nearest is %s', (hub, near) => {
    expect(() => meantModel(hub, folder)).toThrow(
      new UserError(
        `${hub}: there is no such file; the repository of the Hugging Face hub is hf:${hub}, a bundled model of a similar name is ${near}`,
      ),
    );
  });

  it('may be written without an owner, and in any case', () => {
    for (const { hub, model } of RUN) {
      const [owner, repo] = hub.split('/') as [string, string];
      expect(meantModel(`${owner.toUpperCase()}/${repo.toUpperCase()}`, folder).name).toBe(model);
      const bare = meantModel(repo, folder);
      expect(bare).toEqual({ name: model, note: repo === model ? null : `${repo} is taken for the bundled ${model}.` });
    }
    for (const [hub] of OTHERS) expect(meantModel(hub.split('/')[1]!, folder)).toEqual({ name: hub.split('/')[1], note: null });
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
    expect(meantModel(text, folder)).toEqual({
      name,
      note: `${text} is no file here; taking the bundled ${name} (hf:${text} reads the repository's own files).`,
    });
    const { note, ...model } = loadModel(text, null, folder);
    expect(note).toMatch(/taking the bundled/);
    expect(model).toEqual(loadModel(name));
    expect(loadRouting(text, folder)).toEqual(loadRouting(name));
  });

  it.each([
    [
      'unsloth/gpt-oss-120b-GGUF:Q4_K_M',
      /there is no such file; the repository of the Hugging Face hub is hf:unsloth\/gpt-oss-120b-GGUF:Q4_K_M, the bundled model is gpt-oss-120b in q4_k_m$/,
    ],
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
