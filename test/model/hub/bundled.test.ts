// Names of repositories of the hub: what they mean where no such file is.
import { mkdirSync } from 'node:fs';
import { join } from 'node:path';
import { describe, expect, it } from 'vitest';
import { meantModel } from '../../../src/model/hub/bundled.js';
import { loadModel, loadRouting } from '../../../src/model/load/load.js';
import { fileOf, temporaryFolder } from '../../trace/builders.js';

const folder = temporaryFolder();

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
      /there is no such file; the repository of the Hugging Face hub is -m hf:unsloth\/gpt-oss-120b-GGUF:Q4_K_M, the bundled model is -m gpt-oss-120b --quantization q4_k_m$/,
    ],
    ['deepseek-ai/DeepSeek-V3.2', /hub is -m hf:deepseek-ai\/DeepSeek-V3\.2, a bundled model of a similar name is -m deepseek-v/],
    ['acme/zzzzqqqq', /^acme\/zzzzqqqq: there is no such file; the repository of the Hugging Face hub is -m hf:acme\/zzzzqqqq$/],
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
