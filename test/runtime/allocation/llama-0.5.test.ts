import { join } from 'node:path';
import { describe, expect, it } from 'vitest';
import { loadModel } from '../../../src/model/load/load.js';
import type { ModelSpec } from '../../../src/model/spec.js';
import { allocate } from '../../../src/runtime/allocation/allocate.js';
import { plan } from '../../hardware/allocation/plans.js';
import { type TestTensor, writeGguf } from '../../model/gguf-file.js';
import { temporaryFolder } from '../../support/folder.js';

interface Shape {
  readonly layers: number;
  readonly hidden: number;
  readonly experts: number;
  readonly topK: number;
  readonly width: number;
  readonly heads: number;
  readonly kvHeads: number;
  readonly head: number;
  readonly vocab: number;
  readonly format: 'q4_k' | 'mxfp4';
}

const GROUPED = { layers: 8, heads: 32, head: 128, format: 'q4_k' } as const;
const SHAPES = {
  qwen3: { ...GROUPED, hidden: 2048, experts: 128, topK: 8, width: 768, kvHeads: 4, vocab: 151_936 },
  mixtral: { ...GROUPED, hidden: 4096, experts: 8, topK: 2, width: 14_336, kvHeads: 8, vocab: 32_000 },
  'gpt-oss': {
    ...{ layers: 8, hidden: 2880, experts: 128, topK: 4, width: 2880, heads: 64, kvHeads: 8, head: 64, vocab: 201_088 },
    format: 'mxfp4',
  },
  deepseek: { ...GROUPED, layers: 6, hidden: 7168, experts: 256, topK: 8, width: 2048, heads: 128, kvHeads: 1, vocab: 129_280 },
} as const satisfies Record<string, Shape>;
const LATENT = { rank: 512, rope: 64, query: 1536, nope: 128, value: 128 };

type Name = keyof typeof SHAPES;
type Sizes = readonly (readonly [name: string, shape: readonly number[], type?: TestTensor['type']])[];

function attention(name: Name, { head, heads, hidden, kvHeads }: Shape): Sizes {
  if (name === 'deepseek') {
    const { nope, query, rank, rope, value } = LATENT;
    return [
      ['attn_q_a.weight', [hidden, query]],
      ['attn_q_a_norm.weight', [query], 'f32'],
      ['attn_q_b.weight', [query, heads * (nope + rope)]],
      ['attn_kv_a_mqa.weight', [hidden, rank + rope]],
      ['attn_kv_a_norm.weight', [rank], 'f32'],
      ['attn_k_b.weight', [nope, rank, heads], 'f16'],
      ['attn_v_b.weight', [rank, value, heads], 'f16'],
      ['attn_output.weight', [heads * value, hidden]],
    ];
  }
  const biases: Sizes = (['q', 'k', 'v'] as const).map((part) => [`attn_${part}.bias`, [(part === 'q' ? heads : kvHeads) * head], 'f32']);
  return [
    ['attn_q.weight', [hidden, heads * head]],
    ['attn_k.weight', [hidden, kvHeads * head]],
    ['attn_v.weight', [hidden, kvHeads * head]],
    ['attn_output.weight', [heads * head, hidden]],
    ...(name === 'qwen3' ? (['q', 'k'] as const).map((part) => [`attn_${part}_norm.weight`, [head], 'f32'] as const) : []),
    ...(name === 'gpt-oss'
      ? [...biases, ['attn_output.bias', [hidden], 'f32'] as const, ['attn_sinks.weight', [heads], 'f32'] as const]
      : []),
  ];
}

function layerOf(name: Name, shape: Shape): Sizes {
  const { experts, hidden, width } = shape;
  const ffn = (suffix: string, more: readonly number[]): Sizes => [
    [`ffn_gate_${suffix}.weight`, [hidden, width, ...more]],
    [`ffn_up_${suffix}.weight`, [hidden, width, ...more]],
    [`ffn_down_${suffix}.weight`, [width, hidden, ...more]],
  ];
  const biases = ['gate', 'up', 'down'].map(
    (part) => [`ffn_${part}_exps.bias`, [part === 'down' ? hidden : width, experts], 'f32'] as const,
  );
  return [
    ['attn_norm.weight', [hidden], 'f32'],
    ...attention(name, shape),
    ['ffn_norm.weight', [hidden], 'f32'],
    ['ffn_gate_inp.weight', [hidden, experts], 'f32'],
    ...ffn('exps', [experts]),
    ...(name === 'deepseek' ? ffn('shexp', []) : []),
    ...(name === 'gpt-oss' ? biases : []),
  ];
}

function modelOf(name: Name): ModelSpec {
  const shape: Shape = SHAPES[name];
  const { experts, head, heads, hidden, kvHeads, layers, topK, vocab, width } = shape;
  const latent = {
    'attention.key_length': LATENT.rank + LATENT.rope,
    'attention.value_length': LATENT.rank,
    'attention.key_length_mla': LATENT.nope + LATENT.rope,
    'attention.value_length_mla': LATENT.value,
    'attention.kv_lora_rank': LATENT.rank,
    'attention.q_lora_rank': LATENT.query,
    'rope.dimension_count': LATENT.rope,
  };
  const hyper = {
    block_count: layers,
    embedding_length: hidden,
    feed_forward_length: width,
    expert_count: experts,
    expert_used_count: topK,
    'attention.head_count': heads,
    'attention.head_count_kv': kvHeads,
    'attention.key_length': head,
    'attention.value_length': head,
    ...(name === 'gpt-oss' ? { 'attention.sliding_window': 128 } : {}),
    ...(name === 'deepseek' ? latent : {}),
  };
  const architecture = { qwen3: 'qwen3moe', mixtral: 'llama', 'gpt-oss': 'gpt-oss', deepseek: 'deepseek2' }[name];
  const outer: Sizes = [
    ['token_embd.weight', [hidden, vocab], 'f16'],
    ['output_norm.weight', [hidden], 'f32'],
    ['output.weight', [hidden, vocab], 'f16'],
  ];
  const blocks = Array.from({ length: layers }, (_, block) =>
    layerOf(name, shape).map(([part, ...rest]) => [`blk.${block}.${part}`, ...rest] as const),
  );
  const tensors = [...outer, ...blocks.flat()].map(([tensor, sizes, type = shape.format]) => ({ name: tensor, shape: sizes, type }));
  const path = join(temporaryFolder(), `${name}.gguf`);
  const own = Object.entries(hyper).map(([key, value]) => [`${architecture}.${key}`, value] as const);
  writeGguf(path, { 'general.architecture': architecture, ...Object.fromEntries(own) }, tensors);
  return loadModel(path);
}

/**
 * Model, cards, flags (`-b` 2048 at least, `-ctv` as `-ctk`, `-fa on`), and MiB of context and compute of each card, then of the host.
 */
const PRINTED = `
  qwen3 2 -c 16384 -np 1 -ngl 99 -ncmoe 0 -ub 512 -ctk f16 : 160+160 96+160 0+72
  qwen3 2 -c 32768 -np 1 -ngl 99 -ncmoe 0 -ub 2048 -ctk f16 : 320+896 192+896 0+544
  qwen3 2 -c 16384 -np 1 -ngl 99 -ncmoe 4 -ub 2048 -ctk f16 : 160+412 96+400 0+96
  qwen3 2 -c 16384 -np 1 -ngl 99 -ncmoe 8 -ub 512 -ctk q8_0 : 85+220 51+72 0+24
  qwen3 1 -c 16384 -np 1 -ngl 4 -ncmoe 8 -ub 512 -ctk f16 : 96+216 160+24
  qwen3 1 -c 16384 -np 4 -ngl 99 -ncmoe 4 -ub 2048 -ctk f16 : 256+364 0+48
  qwen3 0 -c 8192 -np 1 -ngl 0 -ncmoe 0 -ub 512 -ctk f16 : 128+96
  mixtral 2 -c 16384 -np 1 -ngl 99 -ncmoe 0 -ub 512 -ctk f16 : 320+288 192+288 0+80
  mixtral 2 -c 32768 -np 1 -ngl 99 -ncmoe 0 -ub 2048 -ctk f16 : 640+1408 384+1408 0+576
  mixtral 2 -c 16384 -np 1 -ngl 99 -ncmoe 4 -ub 2048 -ctk f16 : 320+860 192+832 0+128
  mixtral 2 -c 16384 -np 1 -ngl 99 -ncmoe 8 -ub 512 -ctk q8_0 : 170+512 102+112 0+32
  mixtral 1 -c 16384 -np 1 -ngl 4 -ncmoe 8 -ub 512 -ctk f16 : 192+413 320+32
  mixtral 1 -c 16384 -np 4 -ngl 99 -ncmoe 4 -ub 2048 -ctk f16 : 512+812 0+80
  mixtral 0 -c 8192 -np 1 -ngl 0 -ncmoe 0 -ub 512 -ctk f16 : 256+208
  gpt-oss 2 -c 16384 -np 1 -ngl 99 -ncmoe 0 -ub 512 -ctk f16 : 68+176 66+176 0+78
  gpt-oss 2 -c 32768 -np 1 -ngl 99 -ncmoe 0 -ub 2048 -ctk f16 : 142+985 132+985 0+593
  gpt-oss 2 -c 16384 -np 1 -ngl 99 -ncmoe 4 -ub 2048 -ctk f16 : 78+868 68+420 0+118
  gpt-oss 2 -c 16384 -np 1 -ngl 99 -ncmoe 8 -ub 512 -ctk q8_0 : 36+1082 35+75 0+28
  gpt-oss 1 -c 16384 -np 1 -ngl 4 -ncmoe 8 -ub 512 -ctk f16 : 66+631 68+28
  gpt-oss 1 -c 16384 -np 4 -ngl 99 -ncmoe 4 -ub 2048 -ctk f16 : 200+826 0+70
  gpt-oss 0 -c 8192 -np 1 -ngl 0 -ncmoe 0 -ub 512 -ctk f16 : 70+101
  deepseek 2 -c 16384 -np 1 -ngl 99 -ncmoe 0 -ub 512 -ctk f16 : 72+500 36+489 0+92
  deepseek 2 -c 32768 -np 1 -ngl 99 -ncmoe 0 -ub 2048 -ctk f16 : 144+2254 72+2210 0+624
  deepseek 2 -c 16384 -np 1 -ngl 99 -ncmoe 3 -ub 2048 -ctk f16 : 72+2896 36+1584 0+176
  deepseek 2 -c 16384 -np 1 -ngl 99 -ncmoe 6 -ub 512 -ctk q8_0 : 38+4046 19+383 0+44
  deepseek 1 -c 16384 -np 1 -ngl 3 -ncmoe 6 -ub 512 -ctk f16 : 36+2238 72+44
  deepseek 1 -c 16384 -np 4 -ngl 99 -ncmoe 3 -ub 2048 -ctk f16 : 108+2848 0+128
  deepseek 0 -c 8192 -np 1 -ngl 0 -ncmoe 0 -ub 512 -ctk f16 : 54+400
  qwen3 1 -c 4096 -ngl 99 -ncmoe 0 -ub 512 -ctk f16 : 64+342 0+12
  qwen3 1 -c 32768 -ngl 99 -ncmoe 4 -ub 1024 -ctk q8_0 : 272+683 0+80
  mixtral 1 -c 4096 -ngl 99 -ncmoe 0 -ub 512 -ctk f16 : 128+196 0+20
  mixtral 1 -c 32768 -ngl 99 -ncmoe 4 -ub 1024 -ctk q8_0 : 544+588 0+96
  gpt-oss 1 -c 4096 -ngl 99 -ncmoe 0 -ub 512 -ctk f16 : 38+409 0+16
  gpt-oss 1 -c 32768 -ngl 99 -ncmoe 4 -ub 1024 -ctk q8_0 : 141+811 0+89
  deepseek 1 -c 4096 -ngl 99 -ncmoe 0 -ub 512 -ctk f16 : 27+384 0+32
  deepseek 1 -c 32768 -ngl 99 -ncmoe 3 -ub 1024 -ctk q8_0 : 115+2488 0+120
`
  .trim()
  .split('\n')
  .map((row) => {
    const [, name, cards, flags, printed] = /^ *(\S+) (\d) (.*) : (.*)$/.exec(row)!;
    return [
      name as Name,
      Number(cards),
      flags!,
      printed!.split(' ').map((one) => one.split('+').map(Number) as [kv: number, compute: number]),
    ] as const;
  });

/** Layers of attention beside a CPU that computes some of them in part: the graph differs where a pass changes devices. */
const ROUGH = { 'mixtral -c 16384 -np 1 -ngl 4 -ncmoe 8 -ub 512 -ctk f16': 0.14 } as Readonly<Record<string, number>>;

describe('llama-server v0.5.0 allocates', () => {
  const models = new Map<Name, ModelSpec>();
  it.each(PRINTED)('%s on %i cards with %s', (name, gpus, flags, printed) => {
    const model = models.get(name) ?? modelOf(name);
    models.set(name, model);
    const value = (flag: string): number => Number(new RegExp(`${flag} (\\d+)`).exec(flags)?.[1] ?? 0);
    const [kv, slots, ubatch] = [/-ctk (\S+)/.exec(flags)![1]!, value('-np'), value('-ub')];
    const { devices } = allocate(
      model,
      plan({
        ...{ gpus, gpuLayers: value('-ngl'), cpuMoeLayers: value('-ncmoe'), context: value('-c'), parallel: slots || 1, ubatch },
        ...(slots > 0 ? { outputs: slots } : {}),
        kv: { k: kv, v: kv },
        ...(gpus > 1 && value('-ncmoe') === 0 ? { pipelineCopies: 4 } : {}),
      }),
    );
    for (const [i, [context, compute]] of printed.entries()) {
      const device = devices[i]!;
      expect(Math.abs(device.kv / 2 ** 20 - context), device.name).toBeLessThan(1);
      // Printed figures are rounded; inputs of a few KiB are left out.
      const slack = Math.max(1.5, (ROUGH[`${name} ${flags}`] ?? 0.03) * compute);
      expect(Math.abs(device.compute / 2 ** 20 - compute), `${device.name}: ${device.compute / 2 ** 20}`).toBeLessThan(slack);
    }
  });
});
