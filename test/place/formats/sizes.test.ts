// Files whose sizes are not the model's: refused with the place before anything is allocated by them, or counted.
import { describe, expect, it } from 'vitest';
import { loadModel } from '../../../src/model/door.js';
import { exllamav3 } from '../../../src/place/formats/exllamav3.js';
import { readProfile } from '../../../src/place/formats/index.js';
import { refusal } from '../../support/own-parts.js';
import { placedOf } from '../placed.js';

const bytes = (text: string): Uint8Array => new TextEncoder().encode(text);
const deepseek = loadModel('deepseek-v2-lite');
const placed = placedOf(
  deepseek,
  deepseek.layers.map(() => 16),
  null,
);

const { experts } = deepseek.layers[0]!;
const layers = deepseek.layers.length;
const all = (rows: number, columns: number): number[][] =>
  Array.from({ length: rows }, () => Array.from({ length: columns }, (_, e) => e % experts));
const read = (value: unknown) => refusal(() => readProfile('p.json', bytes(JSON.stringify(value)), null, deepseek));
const ascend = (devices: readonly (readonly number[])[][], ids = devices.map((_, l) => l)) => ({
  moe_layer_count: devices.length,
  layer_list: devices.map((own, l) => ({ layer_id: ids[l], device_list: own.map((device_expert) => ({ device_expert })) })),
});
const halves = (): number[][][] => all(layers, experts).map((row) => [row.slice(0, experts / 2), row.slice(experts / 2)]);
const changed = (change: (homes: number[][][]) => void): number[][][] => {
  const homes = halves();
  change(homes);
  return homes;
};

describe('before anything is counted', () => {
  it.each([
    ['sglang: GPUs without end', { gpus: 1e15, physical_to_logical_map: all(layers, 0) }, 'gpus: must be at most 4096'],
    ['sglang: GPUs without slots', { gpus: 4096, physical_to_logical_map: all(layers, 0) }, 'layer 0: 64 experts are on no GPU'],
    ['sglang: more GPUs than slots', { gpus: 4096, physical_to_logical_map: all(layers, experts) }, 'slots do not divide among 4096'],
    [
      'sglang: a long list',
      { physical_to_logical_map: [...all(layers - 1, experts), ...all(1, experts * 5000)] },
      'a GPU has 320000 experts, where others have 64',
    ],
    [
      'sglang: a layer with further slots',
      { physical_to_logical_map: [...all(layers - 1, experts), ...all(1, experts + 2)] },
      'has 66 experts, where others have 64',
    ],
    ['sglang: steps of other sizes', { logical_count: [all(layers, experts), ...Array.from({ length: 1000 }, () => [])] }, 'has 0 layers'],
    ['sglang: a step with a long layer', { logical_count: [all(layers, 3000)] }, 'layer 0: no list of 64 counts'],
    ['sglang: counts without end', { logical_count: [[[1e308]]] }, 'logical_count'],
    ['vllm: one list for all layers', all(1, experts * 5000)[0], 'has 320000 slots'],
    ['vllm: too few slots', all(1, experts - 1)[0], 'layer 0: 1 experts are on no GPU'],
    [
      'exllamav3: many layers',
      Object.fromEntries(Array.from({ length: 3000 }, (_, l) => [`model.layers.${l}.mlp`, [1]])),
      'has 3000 layers',
    ],
    ['ascend: as it is written', ascend(halves()), ''],
    [
      'ascend: a layer with a GPU more',
      ascend(changed((homes) => homes[3]!.push([]))),
      'layer 3: has 3 GPUs; each layer has as many as the first, 2',
    ],
    [
      'ascend: an uneven layer',
      ascend(changed(([, layer]) => layer![0]!.push(layer![1]!.pop()!))),
      'layer 1: a GPU has 33 experts, where others have 32',
    ],
    ['ascend: further slots in one layer', ascend(changed(([, layer]) => layer!.map((ids) => ids.push(0)))), 'a GPU has 33 experts'],
    ['ascend: no GPU', ascend(changed((homes) => homes.fill([]))), '64 experts are on no GPU'],
    ['ascend: too many GPUs', ascend(changed((homes) => homes.fill(Array<number[]>(5000).fill([0])))), 'has 5000 GPUs'],
    ['ascend: an expert beyond', ascend(changed(([layer]) => layer![0]!.splice(0, 1, 1e15))), 'places experts beyond 63'],
    [
      'ascend: other numbers of layers',
      ascend(
        halves(),
        Array.from({ length: layers }, (_, l) => l + 1),
      ),
      'in order',
    ],
    [
      'a fingerprint with slots beyond',
      { moeprof: { ...placed.fingerprint, slots: placed.slots.map(() => 1e9) }, logical_count: all(layers, experts) },
      'more slots than experts',
    ],
  ])('%s', async (_, value, message) => {
    expect(await read(value)).toContain(message);
    if (message === '') expect(await read(value)).toBe('nothing');
  });
});

describe('a ranking of exllamav3', () => {
  it('a ranking of 600,000 experts is another model', async () => {
    const [text] = [
      JSON.stringify({
        __metadata__: { layer_keys: '["model.layers.1.mlp"]' },
        ranking: { dtype: 'I64', shape: [1, 600_000], data_offsets: [0, 4_800_000] },
      }),
    ];
    const file = new Uint8Array(8 + text.length + 4_800_000);
    new DataView(file.buffer).setBigUint64(0, BigInt(text.length), true);
    file.set(bytes(text), 8);
    for (let e = 0; e < 600_000; e++) new DataView(file.buffer).setBigInt64(8 + text.length + 8 * e, BigInt(e), true);
    expect(await refusal(() => readProfile('p.exl3moe', file, null, deepseek))).toContain(
      'ranking: has 1 layers of 600000 experts, and deepseek-v2-lite has 26',
    );
  });

  it('a ranking that names an expert twice is refused', async () => {
    const packed = exllamav3.write(placed, 'a.safetensors') as Uint8Array;
    const text = new TextDecoder('latin1').decode(packed).replace('"counts":', '"cownts":');
    const file = Uint8Array.from(text, (c) => c.charCodeAt(0));
    // The first entry of the ranking becomes the second.
    const data = 8 + Number(new DataView(file.buffer).getBigUint64(0, true));
    file.copyWithin(data, data + 8, data + 16);
    expect(await refusal(() => readProfile('a.safetensors', file, null, deepseek))).toContain('ranking: does not name each expert once');
  });
});

describe('a file of a million lines', () => {
  it('before the first row is recognised or not, and does not run out of stack', () => {
    const heads = '-1 27 64\n'.repeat(1_000_000);
    expect(readProfile('p.coli_usage', bytes(heads), null, deepseek)).toBe(null);
    const rows = deepseek.layers.map((_, l) => `${l + 1} 0 1\n`).join('');
    expect(readProfile('p.coli_usage', bytes(heads + rows), null, deepseek)!.format.name).toBe('colibri');
    expect(readProfile('p.txt', bytes(`${'#\n'.repeat(1_000_000)}-ngl 99`), null, deepseek)!.format.name).toBe('llama.cpp');
  });

  it('is longer than a command line', async () => {
    expect(await refusal(() => readProfile('p.txt', bytes('-ngl 99\n'.repeat(300_000)), null, deepseek))).toContain(
      'of arguments; a command line takes 2.00 MiB',
    );
  });
});
