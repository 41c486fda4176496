// Models of the hub, against a server of our own: what is read of them, and what is said where a server fails.
import { readdirSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { parseHubAddress } from '../../../src/model/hub/address.js';
import { hubServer } from '../../../src/model/hub/client.js';
import { chooseFiles, fetchHubModel } from '../../../src/model/hub/fetch.js';
import { hubFolder, storedEntry } from '../../../src/model/hub/store.js';
import { loadModel, openModel } from '../../../src/model/load/load.js';
import { expertBytesTotal } from '../../../src/model/spec.js';
import { certificate } from '../../support/certificate.js';
import { temporaryFolder } from '../../support/folder.js';
import { ggufHeader, type TestTensor, tensorBytes } from '../gguf-file.js';
import { COMMIT, type Fault, type ServedFile, TestHub } from './server.js';

const SIDE = 4096;
const EXPERTS = 64;
const LAYERS = 36;
const METADATA = {
  'general.architecture': 'qwen3moe',
  'general.name': 'Large Mix',
  'qwen3moe.block_count': LAYERS,
  'qwen3moe.embedding_length': SIDE,
  'qwen3moe.expert_count': EXPERTS,
  'qwen3moe.expert_used_count': 4,
  'qwen3moe.attention.head_count': 32,
  'qwen3moe.attention.head_count_kv': 4,
  'qwen3moe.attention.key_length': 128,
  'qwen3moe.attention.value_length': 128,
  'tokenizer.ggml.tokens': Array.from({ length: 100_000 }, (_, i) => `token-${i}`),
  'tokenizer.ggml.merges': Array.from({ length: 100_000 }, (_, i) => `tok en-${i}`),
};

const layer = (index: number): TestTensor[] => [
  { name: `blk.${index}.attn_q.weight`, type: 'q4_k', shape: [SIDE, SIDE] },
  ...['gate', 'up', 'down'].map((part) => ({
    name: `blk.${index}.ffn_${part}_exps.weight`,
    type: 'q4_k' as const,
    shape: [SIDE, SIDE, EXPERTS],
  })),
];

/** A served part of a split file, as long as its tensors are. */
function part(path: string, metadata: Parameters<typeof ggufHeader>[0], tensors: readonly TestTensor[]): ServedFile {
  const head = ggufHeader(metadata, tensors);
  const data = tensors.reduce((sum, tensor) => sum + tensorBytes(tensor), 0);
  return { path, head, bytes: Math.ceil(head.length / 32) * 32 + data };
}

const layers = (from: number, to: number): TestTensor[] => Array.from({ length: to - from }, (_, i) => layer(from + i)).flat();
const OUTER: TestTensor[] = [{ name: 'token_embd.weight', type: 'q4_k', shape: [SIDE, 100_000] }];
const FILES: ServedFile[] = [
  { path: 'README.md', head: Buffer.from('hello'), bytes: 5 },
  part('Q4_K_M/large-Q4_K_M-00001-of-00003.gguf', METADATA, [...OUTER, ...layers(0, 12)]),
  part('Q4_K_M/large-Q4_K_M-00002-of-00003.gguf', { 'split.no': 1 }, layers(12, 24)),
  part('Q4_K_M/large-Q4_K_M-00003-of-00003.gguf', { 'split.no': 2 }, layers(24, LAYERS)),
  { path: 'large-UD-Q2_K_XL.gguf', head: Buffer.from('GGUF'), bytes: 100 },
  { path: 'mmproj-F16.gguf', head: Buffer.from('GGUF'), bytes: 100 },
];

let hub: TestHub;
let endpoint: string;
let folder: string;
const start = async (files: readonly ServedFile[], pageSize?: number): Promise<void> => {
  hub = new TestHub(files, pageSize);
  endpoint = await hub.start();
};
beforeEach(() => {
  folder = temporaryFolder();
});
afterEach(() => hub.stop());

const HOUR = 3_600_000;
const notes: string[] = [];
const fetched = (text: string, env: Readonly<Record<string, string>> = {}, now = 0): Promise<void> =>
  fetchHubModel(parseHubAddress(text), hubServer({ HF_ENDPOINT: endpoint, ...env }), folder, now, (note) => notes.push(note));

describe('a model of three parts and 65 GB', () => {
  it('is read by less than 24 MB, and is what its tensors are', async () => {
    await start(FILES, 2);
    await fetched('hf:o/large:q4_k_m');
    expect(FILES.reduce((sum, { bytes }) => sum + bytes, 0)).toBeGreaterThan(60e9);
    expect(hub.sent).toBeLessThan(24e6);
    process.env.XDG_CACHE_HOME = folder;
    try {
      const own = hubFolder();
      await fetchHubModel(parseHubAddress('hf:o/large'), hubServer({ HF_ENDPOINT: endpoint }), own, 0, () => undefined);
      const model = loadModel('hf:o/large');
      expect(model.name).toBe('Large Mix');
      // 4.5 bits a weight: 144 bytes for 256.
      expect(expertBytesTotal(model)).toBe(3 * LAYERS * EXPERTS * SIDE * SIDE * (144 / 256));
      expect(() => openModel('hf:o/large', 'q8_0')).toThrow('--quantization q8_0: a GGUF file is what it is');
      expect(() => loadModel('hf:o/other')).toThrow('hf:o/other: has not been fetched yet; moeprof model inspect hf:o/other does');
      const bundled = loadModel('hf:o/gpt-oss-20b-GGUF:q8_0');
      expect([bundled.name, bundled.quantization]).toEqual(['gpt-oss-20b', 'q8_0']);
      expect(bundled.note).toMatch(/^hf:o\/gpt-oss-20b-GGUF:q8_0 was not fetched\. .* taking the bundled gpt-oss-20b in q8_0 /);
    } finally {
      delete process.env.XDG_CACHE_HOME;
    }
    const entry = storedEntry(parseHubAddress('hf:o/large:q4_k_m'), folder)!;
    expect(entry.model.kind === 'gguf' && entry.model.offers.map(({ format }) => format)).toEqual(['ud-q2_k_xl', 'q4_k_m']);
  });

  it('is asked for again after a day, and an older answer serves where nobody answers', async () => {
    await start(FILES);
    await fetched('hf:o/large');
    const asked = hub.authorizations.length;
    await fetched('hf:o/large', {}, 23 * HOUR);
    expect(hub.authorizations).toHaveLength(asked);
    hub.fault = 500;
    await fetched('hf:o/large', {}, 25 * HOUR);
    expect(notes).toEqual(['hf:o/large: the server answers with status 500; try again later (what was fetched on 1970-01-01 is taken)']);
    hub.fault = 'none';
    await fetched('hf:o/large', {}, 25 * HOUR);
    expect(hub.authorizations.length).toBeGreaterThan(asked + 1);
  });
});

describe('a checkpoint', () => {
  it('is its config.json, in the format that the address names', async () => {
    const config = {
      model_type: 'mixtral',
      hidden_size: 64,
      intermediate_size: 128,
      num_hidden_layers: 2,
      num_attention_heads: 4,
      num_key_value_heads: 2,
      num_local_experts: 8,
      num_experts_per_tok: 2,
      vocab_size: 1000,
      torch_dtype: 'bfloat16',
    };
    const head = Buffer.from(JSON.stringify(config));
    await start([{ path: 'config.json', head, bytes: head.length }]);
    process.env.XDG_CACHE_HOME = folder;
    try {
      for (const text of ['hf:o/small', 'hf:o/small:q8_0'])
        await fetchHubModel(parseHubAddress(text), hubServer({ HF_ENDPOINT: endpoint }), hubFolder(), 0, () => undefined);
      const half = loadModel('hf:o/small');
      expect(half.layers[0]!.expertBytes).toBe(3 * 64 * 128 * 2);
      expect(loadModel('hf:o/small:q8_0').layers[0]!.expertBytes).toBe((3 * 64 * 128 * 34) / 32);
      expect(loadModel('hf:o/small', 'f32').layers[0]!.expertBytes).toBe(3 * 64 * 128 * 4);
    } finally {
      delete process.env.XDG_CACHE_HOME;
    }
  });
});

describe('tokens', () => {
  it('are sent to the hub, and not to where it redirects', async () => {
    hub = new TestHub(FILES, 2, certificate());
    endpoint = await hub.start();
    hub.fault = 'redirect';
    process.env.NODE_TLS_REJECT_UNAUTHORIZED = '0';
    try {
      await fetched('hf:o/large', { HF_TOKEN: 'secret' });
    } finally {
      delete process.env.NODE_TLS_REJECT_UNAUTHORIZED;
    }
    const seen = (kind: string): (string | undefined)[] => hub.authorizations.filter(([one]) => one === kind).map(([, value]) => value);
    expect(new Set(seen('list'))).toEqual(new Set(['Bearer secret']));
    expect(new Set(seen('file'))).toEqual(new Set(['Bearer secret']));
    expect(new Set(seen('elsewhere'))).toEqual(new Set([undefined]));
  });
});

describe('a repository', () => {
  it('is read at one commit, and each piece of a file where the last one ended', async () => {
    await start(FILES, 2);
    await fetched('hf:o/large');
    const [revision, ...others] = hub.requests;
    expect(revision).toBe('/api/models/o/large/revision/main?expand=sha');
    expect(others.filter((one) => !one.includes(COMMIT))).toEqual([]);
    const first = others.filter((one) => one.includes('00001-of')).map((one) => one.split('bytes=')[1]);
    expect(first.slice(0, 3)).toEqual(['0-262143', '262144-524287', '524288-1048575']);
    expect(storedEntry(parseHubAddress('hf:o/large'), folder)?.commit).toBe(COMMIT);
    // A commit is what it is.
    hub.requests.length = 0;
    await fetched(`hf:o/large@${COMMIT}`);
    expect(hub.requests[0]).toBe(`/api/models/o/large/tree/${COMMIT}?recursive=true`);
  });

  it('that was renamed is followed by its path, with the token', async () => {
    await start(FILES, 2);
    hub.renamed = 'n/larger';
    await fetched('hf:o/large', { HF_TOKEN: 'secret' });
    expect(new Set(hub.authorizations.map(([, value]) => value))).toEqual(new Set(['Bearer secret']));
    expect(hub.requests.filter((one) => one.includes('/n/larger/')).length).toBe(hub.requests.length / 2);
  });
});

describe('a server that fails', () => {
  it.each<[Fault, string]>([
    ['silent', 'did not answer within 0.3 s; try again, or set HF_HUB_DOWNLOAD_TIMEOUT'],
    ['no-ranges', 'as a whole instead of the part that was asked for; fetch the file and name its path'],
    ['redirect-loop', 'cannot be reached: redirect count exceeded'],
    ['cut', 'bytes came where 262144 were asked for; try again, or fetch the file'],
    ['broken-list', 'something else than a list of files; is HF_ENDPOINT a hub?'],
    [401, 'may not be read without a token, or does not exist; set HF_TOKEN, or check the name'],
    [404, 'there is no such repository, revision or file; check the name'],
    [500, 'the server answers with status 500; try again later'],
  ])('%s', async (fault, message) => {
    await start(FILES);
    hub.fault = fault;
    await expect(fetched('hf:o/large', { HF_HUB_DOWNLOAD_TIMEOUT: '0.3' })).rejects.toThrow(message);
    await expect(fetched('hf:o/large', { HF_HUB_DOWNLOAD_TIMEOUT: '0.3' })).rejects.toThrow(/^hf:o\/large: /);
    expect(readdirSync(folder)).toEqual([]);
  });

  it('is told from one that is not there', async () => {
    await start(FILES);
    await expect(fetched('hf:o/large', { HF_ENDPOINT: 'http://127.0.0.1:9' })).rejects.toThrow('http://127.0.0.1:9 cannot be reached');
    await expect(fetched('hf:o/large', { HF_TOKEN: 'x', HF_ENDPOINT: `${endpoint}/x` })).rejects.toThrow(
      /no such repository|list of files/,
    );
  });

  it('has files that end inside their header', async () => {
    const { head } = FILES[1]!;
    await start([{ path: 'cut-q4_k_m.gguf', head: head.subarray(0, 5000), bytes: 5000 }]);
    await expect(fetched('hf:o/cut')).rejects.toThrow('hf:o/cut: cut-q4_k_m.gguf: damaged GGUF header at byte');
    hub.fault = 'none';
  });
});

describe('addresses', () => {
  const files = FILES.map(({ path, bytes }) => ({ path, bytes }));
  it('choose a format by its label', async () => {
    await start(FILES);
    expect(chooseFiles(parseHubAddress('hf:o/r:UD-Q2_K_XL'), files)).toMatchObject({ offer: { format: 'ud-q2_k_xl' } });
    expect(chooseFiles(parseHubAddress('hf:o/r'), files)).toMatchObject({ offer: { format: 'q4_k_m', files: { length: 3 } } });
    expect(() => chooseFiles(parseHubAddress('hf:o/r:q5_k_m'), files)).toThrow('hf:o/r:q5_k_m: has no file in the format q5_k_m');
    expect(() => chooseFiles(parseHubAddress('hf:o/r'), files.slice(0, 3))).toThrow('large-Q4_K_M has 2 of its 3 parts');
    expect(() => chooseFiles(parseHubAddress('hf:o/r'), files.slice(0, 1))).toThrow('has neither a GGUF file nor a config.json');
  });

  it.each(['hf:', 'hf:o', 'hf:o/r:', 'hf:o/../x', 'hf:o/r@a/../b', 'hf:o/r:q4 k', 'hf:a/b/c'])('%s is refused', async (text) => {
    await start(FILES);
    expect(() => parseHubAddress(text)).toThrow('expected hf:owner/repo');
  });

  it('have an environment that is checked', async () => {
    await start(FILES);
    expect(() => hubServer({ HF_ENDPOINT: 'file:///etc' })).toThrow('HF_ENDPOINT: expected an address');
    expect(() => hubServer({ HF_HUB_DOWNLOAD_TIMEOUT: 'soon' })).toThrow('HF_HUB_DOWNLOAD_TIMEOUT: expected seconds');
    expect(hubServer({}).endpoint).toBe('https://huggingface.co');
  });

  it('have entries that are checked', async () => {
    await start(FILES);
    await fetched('hf:o/large');
    writeFileSync(join(folder, readdirSync(folder)[0]!), '{"schema":"moeprof.hub/0"}');
    expect(() => storedEntry(parseHubAddress('hf:o/large'), folder)).toThrow('is not what this version of moeprof stores; delete it');
  });
});
