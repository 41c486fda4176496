// The list of repositories: each entry has a source with a date, names a bundled model and a format, and a file whose tag `-hf` would find.
import { describe, expect, it } from 'vitest';
import { listProfiles } from '../../../src/base/profiles.js';
import { publishedFile, publishedFiles } from '../../../src/model/hub/published.js';
import { knownQuantization } from '../../../src/model/quantization/index.js';

const { folder, gguf, sources } = publishedFiles();

describe('the list', () => {
  it('names bundled models, known formats and sources', () => {
    const models = listProfiles('models');
    expect(gguf.length + folder.length).toBeGreaterThan(90);
    expect([...gguf, ...folder].filter(({ model, source }) => !models.includes(model) || sources[source] === undefined)).toEqual([]);
    const formats = [...gguf.flatMap(({ files }) => Object.keys(files)), ...folder.map(({ format }) => format)];
    expect(formats.filter((format) => knownQuantization(format) === null)).toEqual([]);
  });

  it.each(gguf.flatMap(({ drafts = false, files, model }) => Object.keys(files).map((format) => [model, format, drafts] as const)))(
    'has a tag for %s in %s that its file has',
    (model, format, drafts) => {
      const { file, repository, tag } = publishedFile({ model, format, reads: 'gguf', drafts })!;
      expect(repository.split('/')).toHaveLength(2);
      expect(tag!.toLowerCase().replace(/^ud-/, '')).toBe(format.replace(/^ud-/, ''));
      // common/download.cpp of llama.cpp: the tag, then a dot or a hyphen; of a split file the first part.
      if (file !== null) expect(file).toMatch(new RegExp(`${tag}[.-]`, 'i'));
      if (file !== null && /-of-/.test(file)) expect(file).toContain('-00001-of-');
    },
  );

  it('tells formats apart, and files from folders', () => {
    expect(publishedFile({ model: 'qwen3-30b-a3b', format: 'q4_k_m', reads: 'gguf' })).toEqual({
      repository: 'unsloth/Qwen3-30B-A3B-GGUF',
      tag: 'Q4_K_M',
      file: 'Qwen3-30B-A3B-Q4_K_M.gguf',
      vision: false,
    });
    expect(publishedFile({ model: 'qwen3-30b-a3b', format: 'fp8', reads: 'folder' })?.repository).toBe('Qwen/Qwen3-30B-A3B-FP8');
    expect(publishedFile({ model: 'qwen3-30b-a3b', format: 'fp8', reads: 'gguf' })).toBeNull();
    expect(publishedFile({ model: 'grok-1', format: 'q4_k_m', reads: 'gguf' })).toBeNull();
  });
});
