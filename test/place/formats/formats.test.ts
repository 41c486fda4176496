// Files that engines place experts by: written, read by a reader that knows the description alone, and read back; and files that are damaged.
import { describe, expect, it } from 'vitest';
import { loadModel } from '../../../src/model/door.js';
import { exllamav3 } from '../../../src/place/formats/exllamav3.js';
import { expertBlocks, type Placed, type ProfileFormat } from '../../../src/place/formats/format.js';
import { PROFILE_FORMATS, readProfile } from '../../../src/place/formats/index.js';
import { llamaCpp } from '../../../src/place/formats/llama.cpp.js';
import { codacus, colibriHistory as colibri } from '../../../src/place/formats/rows.js';
import { sglang } from '../../../src/place/formats/sglang.js';
import { vllmMap as vllm } from '../../../src/place/formats/vllm.js';
import { vllmAscend } from '../../../src/place/formats/vllm-ascend.js';
import { residentsOf } from '../../../src/place/residents.js';
import { cases } from '../../cases.js';
import { drawn } from '../../support/drawn.js';
import { refusal } from '../../support/own-parts.js';
import { placedOf } from '../placed.js';
import { ascendHomes, countedLines, cpuBlocks, exllamav3Json, exllamav3Packed, sglangRows } from './independent.js';

const bytes = (written: string | Uint8Array): Uint8Array => (typeof written === 'string' ? new TextEncoder().encode(written) : written);

const deepseek = loadModel('deepseek-v2-lite');
const blocks = expertBlocks(deepseek);
const placed = placedOf(
  deepseek,
  deepseek.layers.map(() => 16),
  null,
);
const shared = placedOf(
  deepseek,
  deepseek.layers.map(({ experts }) => experts),
  8,
);
const layered = placedOf(
  deepseek,
  deepseek.layers.map(({ experts }, l) => (l < 9 ? 0 : experts)),
  null,
);
const counts = (demand: Float64Array = placed.demand): Record<number, number[]> =>
  Object.fromEntries(
    blocks.map((block, l) => [
      block,
      [...demand.slice(deepseek.layers[l]!.offset, deepseek.layers[l]!.offset + deepseek.layers[l]!.experts)],
    ]),
  );
const text = (format: ProfileFormat, what: Placed, path: string): string => format.write(what, path) as string;

describe('a JSON file of many values', () => {
  it('is refused before each of them is checked', async () => {
    const many = Buffer.from(`{"physical_to_logical_map":[[${'0,'.repeat(2 ** 20)}0]]}`);
    expect(await refusal(() => readProfile('x.json', many, null, deepseek))).toMatch(/: x\.json: asks for more than 1,048,576 values; /);
  });
});

describe('files as their descriptions have them', () => {
  it('of exllamav3', () => {
    expect(exllamav3Json(text(exllamav3, placed, 'a.json'))).toEqual(counts());
    const packed = exllamav3Packed(exllamav3.write(placed, 'a.exl3moe') as Uint8Array);
    expect(packed.counts).toEqual(counts());
    for (const [block, ranking] of Object.entries(packed.ranking)) {
      const own = counts()[Number(block)]!;
      expect(ranking.map((expert) => own[expert])).toEqual([...own].sort((a, b) => b - a));
    }
  });

  it('of SGLang, with rows for layers without experts', () => {
    const rows = sglangRows(text(sglang, placed, 'a.json'), 'logical_count');
    expect(Object.keys(rows)).toHaveLength(27);
    expect(Object.fromEntries(blocks.map((block) => [block, rows[block]]))).toEqual(counts());
    const slots = sglangRows(text(sglang, shared, 'a.json'), 'physical_to_logical_map');
    expect(blocks.map((block) => slots[block])).toEqual(shared.homes!.map((gpus) => gpus.flat()));
  });

  it('of vLLM and vllm-ascend, by layers with experts', () => {
    expect(JSON.parse(text(vllm, shared, 'a.json'))).toEqual(shared.homes!.map((gpus) => gpus.flat()));
    expect(ascendHomes(text(vllmAscend, shared, 'a.json'))).toEqual(shared.homes);
  });

  it('of colibri', () => {
    expect(countedLines(text(colibri, placed, 'a'), ' ', 64)).toEqual(counts());
  });

  it('of codacus: the hottest of each layer are those that stay', () => {
    for (const [block, own] of Object.entries(countedLines(text(codacus, placed, 'a.csv'), ',', 64))) {
      const l = blocks.indexOf(Number(block));
      const hottest = [...own.keys()].sort((a, b) => own[b]! - own[a]! || a - b).slice(0, 16);
      const { experts, offset } = deepseek.layers[l]!;
      expect(hottest.sort((a, b) => a - b)).toEqual(
        Array.from({ length: experts }, (_, e) => e).filter((e) => placed.resident[offset + e] === 1),
      );
    }
  });

  it('of llama.cpp, by its numbers of blocks', () => {
    // Block 0 of DeepSeek-V2-Lite has no experts: the first nine layers that have are blocks 1 to 9.
    expect(cpuBlocks(text(llamaCpp, layered, 'a.txt'), 27)).toEqual([1, 2, 3, 4, 5, 6, 7, 8, 9]);
  });
});

it('of llama.cpp for blocks that have a mixer alone', () => {
  const nemotron = loadModel('nemotron-3-nano-30b-a3b');
  const off = placedOf(
    nemotron,
    nemotron.layers.map(({ experts }, l) => (l < 9 ? 0 : experts)),
    null,
  );
  // Blocks with experts of Nemotron 3 Nano: 1, 3, 6, 8, 10, 13, 15, 17, 20 are the first nine of 52.
  expect(cpuBlocks(text(llamaCpp, off, 'a.txt'), 52)).toEqual([1, 3, 6, 8, 10, 13, 15, 17, 20]);
});

const FILES: readonly (readonly [name: string, format: ProfileFormat, what: Placed, path: string])[] = [
  ['exllamav3 .json', exllamav3, placed, 'a.json'],
  ['exllamav3 .safetensors', exllamav3, placed, 'a.safetensors'],
  ['sglang counts', sglang, placed, 'a.json'],
  ['sglang slots', sglang, shared, 'a.json'],
  ['vllm', vllm, shared, 'a.json'],
  ['vllm-ascend', vllmAscend, shared, 'a.json'],
  ['codacus', codacus, placed, 'a.csv'],
  ['colibri', colibri, placed, 'a.coli_usage'],
  ['llama.cpp', llamaCpp, layered, 'a.txt'],
];

describe.each(FILES)('a file of %s', (_, format, what, path) => {
  const written = bytes(format.write(what, path));

  it('is recognised, and read as it was written', () => {
    const beside = format.keeps(path) ? null : bytes(JSON.stringify(what.fingerprint));
    const read = readProfile(path, written, beside, deepseek)!;
    expect(read.format.name).toBe(format.name);
    expect(read.fingerprint).toEqual(what.fingerprint);
    const { held } = read;
    if (held.kind === 'layers') expect(held.resident).toEqual(what.slots.map((slots) => slots > 0));
    else if (held.kind === 'homes') expect(held.homes.map((gpus) => gpus.flat())).toEqual(what.homes!.map((gpus) => gpus.flat()));
    else expect(residentsOf(deepseek, held.demand, what.slots)).toEqual(what.resident);
    if (format.name !== 'codacus' && held.kind === 'demand') expect(held.demand).toEqual(what.demand);
  });

  it('is refused for another model', async () => {
    expect(await refusal(() => readProfile(path, written, null, loadModel('qwen3-30b-a3b')))).toMatch(
      /; (take its own profile|count one on qwen3-30b-a3b)/,
    );
  });

  it('is read or refused in one line where bytes are changed', () => {
    const next = drawn(7);
    let refused = 0;
    const tries = cases(1000, 100);
    for (let i = 0; i < tries; i++) {
      const changed = written.slice(0, next(4) === 0 ? next(written.length) : written.length);
      for (let n = 1 + next(4); n > 0 && changed.length > 0; n--)
        changed[next(next(2) === 0 ? Math.min(400, changed.length) : changed.length)] = next(256);
      try {
        // What is recognised no more is refused, too: the command takes it for no profile.
        if (readProfile(path, changed, null, deepseek) === null) refused++;
      } catch (error) {
        refused++;
        expect(error, String((error as Error).stack)).toHaveProperty('name', 'UserError');
        expect((error as Error).message).not.toMatch(/\n/);
      }
    }
    expect(refused).toBeGreaterThan(tries / 50);
  }, 60_000);
});

it('each format says where it stands, and what is not released', () => {
  for (const { cites, name } of PROFILE_FORMATS) {
    expect(cites, name).toMatch(/read 2026-12-01/);
    if (/pull request/.test(cites)) expect(cites, name).toMatch(/not released|a fork/);
  }
});

it('a ranking without counts keeps its order', () => {
  const packed = exllamav3.write(placed, 'a.safetensors') as Uint8Array;
  const text = new TextDecoder('latin1').decode(packed).replace('"counts":', '"cownts":');
  const held = readProfile(
    'a.safetensors',
    Uint8Array.from(text, (c) => c.charCodeAt(0)),
    null,
    deepseek,
  )!.held;
  expect(held.kind === 'demand' && residentsOf(deepseek, held.demand, placed.slots)).toEqual(placed.resident);
});

it('a line that loads a file quotes its path', () => {
  const hostile = "it's $(reboot);&.json";
  const shown = `'it'\\''s $(reboot);&.json'`;
  const json = (text: string) => text.replaceAll("'", "'\\''");
  const uses = PROFILE_FORMATS.map((format) => [format.name, format.use(hostile, format.holds === 'homes' ? shared : placed)]);
  expect(Object.fromEntries(uses)).toEqual({
    exllamav3: `-mcp ${shown} -mcpm static -mcs 48`,
    sglang: `--init-expert-location ${shown} --kt-num-gpu-experts 16`,
    'vllm-ascend': `--additional-config '${json(JSON.stringify({ eplb_config: { expert_map_path: hostile } }))}'`,
    vllm: `--enable-expert-parallel --enable-eplb --eplb-config '${json(JSON.stringify({ initial_expert_map_path: hostile, num_redundant_experts: 8 }))}'`,
    codacus: `-ngl 99 -ncmoe 99 --moe-cache-profile ${shown} --moe-cache-slots 16`,
    colibri: expect.stringMatching(/^PIN='it'\\''s \$\(reboot\);&\.json' PIN_GB=\d+$/),
    'llama.cpp': `llama-server -m model.gguf $(grep -v '^#' ${shown})`,
  });
});
