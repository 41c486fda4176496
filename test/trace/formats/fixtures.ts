// One small routing in every layout that engines write, built byte by byte from what is known of each format. The importers' tests
// and the fuzz test both start from here.
import { crc32, deflateRawSync, gzipSync } from 'node:zlib';
import { Random } from '../../../src/base/random.js';
import { safetensorsBytes } from '../builders.js';
import { type Codec, parquetBytes, zstdBytes } from './packed-bytes.js';

export const LAYERS = 5;
export const EXPERTS = 12;
export const TOP_K = 3;
export const PROMPT = 6;
const DECODE = 5;
export const TOKENS = PROMPT + DECODE;

/** `routing[token][layer][k]`: neighbouring tokens share experts, as real ones do. */
export const routing: readonly (readonly (readonly number[])[])[] = (() => {
  const random = new Random(11, 'test/fixtures');
  const rows: number[][][] = [];
  for (let token = 0; token < TOKENS; token++) {
    rows.push(
      Array.from({ length: LAYERS }, (_, layer) => {
        const chosen = new Set<number>();
        for (const id of rows[token - 1]?.[layer] ?? []) if (random.next() < 0.6) chosen.add(id);
        while (chosen.size < TOP_K) chosen.add(random.below(EXPERTS));
        return [...chosen];
      }),
    );
  }
  return rows;
})();

/** Activations per layer and expert. */
export const counts: readonly (readonly number[])[] = Array.from({ length: LAYERS }, (_, layer) =>
  Array.from({ length: EXPERTS }, (_, expert) => routing.filter((row) => row[layer]!.includes(expert)).length),
);

/** Flat ids in an axis order. */
export function flat(order: 'tlk' | 'tkl' | 'ltk', from = 0, to = TOKENS): number[] {
  const ids: number[] = [];
  const tokens = Array.from({ length: to - from }, (_, i) => from + i);
  const layers = Array.from({ length: LAYERS }, (_, i) => i);
  const choices = Array.from({ length: TOP_K }, (_, i) => i);
  if (order === 'tlk') for (const t of tokens) for (const l of layers) for (const k of choices) ids.push(routing[t]![l]![k]!);
  if (order === 'tkl') for (const t of tokens) for (const k of choices) for (const l of layers) ids.push(routing[t]![l]![k]!);
  if (order === 'ltk') for (const l of layers) for (const t of tokens) for (const k of choices) ids.push(routing[t]![l]![k]!);
  return ids;
}

/** The passes of a run without batching: the prompt, then one token each. */
export const passes: readonly (readonly number[])[] = [
  Array.from({ length: PROMPT }, (_, i) => i),
  ...Array.from({ length: DECODE }, (_, i) => [PROMPT + i]),
];

/** Visits pass by pass, layer by layer, as a graph runs. */
function graphOrder(visit: (token: number, layer: number, pass: number) => void): void {
  passes.forEach((tokens, pass) => {
    for (let layer = 0; layer < LAYERS; layer++) for (const token of tokens) visit(token, layer, pass);
  });
}

/** Lines in graph order, after a header. */
export function graphLines(header: string | null, line: (token: number, layer: number, pass: number) => string): string {
  const lines = header === null ? [] : [header];
  graphOrder((token, layer, pass) => lines.push(line(token, layer, pass)));
  return `${lines.join('\n')}\n`;
}

/** A group of layers in the header of an MCT1 file. */
export interface CacheGroup {
  readonly experts: number;
  readonly layers: readonly number[];
  /** Bytes of an expert, by matrix. */
  readonly bytes: readonly number[];
}

/** An MCT1 file: layers of the model, top-k, groups, and events of a layer and its ids. */
export function cacheBytes(
  modelLayers: number,
  topK: number,
  groups: readonly CacheGroup[],
  events: readonly (readonly [layer: number, ids: readonly number[]])[],
): Buffer {
  const i32 = (...values: readonly number[]): Buffer => Buffer.from(Int32Array.from(values).buffer);
  const u64 = (...values: readonly number[]): Buffer => Buffer.from(BigUint64Array.from(values, BigInt).buffer);
  return Buffer.concat([
    Buffer.from('MCT1'),
    i32(modelLayers, topK, groups.length),
    ...groups.flatMap(({ bytes, experts, layers }, gpu) => [
      i32(gpu, experts, layers.length, ...layers),
      Buffer.from(Float64Array.of(1, groups.length).buffer),
      u64(1 << 20, 1 << 21, 128),
      i32(bytes.length),
      u64(...bytes),
    ]),
    ...events.map(([layer, ids]) => i32(layer, topK, ids.length, ...ids)),
  ]);
}

/** A .npy file. */
export function npyBytes(descr: string, shape: readonly number[], data: ArrayBufferView, fortran = false): Buffer {
  const dict = `{'descr': '${descr}', 'fortran_order': ${fortran ? 'True' : 'False'}, 'shape': (${shape.join(', ')}${shape.length === 1 ? ',' : ''}), }`;
  const text = Buffer.from(`${dict.padEnd(Math.ceil((dict.length + 11) / 64) * 64 - 11)}\n`, 'latin1');
  const head = Buffer.from([0x93, ...Buffer.from('NUMPY'), 1, 0, text.length & 255, text.length >> 8]);
  return Buffer.concat([head, text, Buffer.from(data.buffer, data.byteOffset, data.byteLength)]);
}

/** A zip archive. */
export function zipBytes(files: Readonly<Record<string, Uint8Array>>, deflated = false): Buffer {
  const parts: Buffer[] = [];
  const directory: Buffer[] = [];
  let offset = 0;
  for (const [name, content] of Object.entries(files)) {
    const packed = deflated ? deflateRawSync(content) : Buffer.from(content);
    const fields = Buffer.alloc(26);
    fields.writeUInt16LE(20, 0);
    fields.writeUInt16LE(deflated ? 8 : 0, 4);
    fields.writeUInt32LE(crc32(content), 10);
    fields.writeUInt32LE(packed.length, 14);
    fields.writeUInt32LE(content.length, 18);
    fields.writeUInt16LE(name.length, 22);
    const local = Buffer.concat([Buffer.from('PK\x03\x04', 'latin1'), fields, Buffer.from(name), packed]);
    const tail = Buffer.alloc(16);
    tail.writeUInt32LE(offset, 12);
    directory.push(Buffer.concat([Buffer.from('PK\x01\x02', 'latin1'), Buffer.from([20, 0]), fields, tail.subarray(2), Buffer.from(name)]));
    parts.push(local);
    offset += local.length;
  }
  const central = Buffer.concat(directory);
  const end = Buffer.alloc(18);
  end.writeUInt16LE(directory.length, 4);
  end.writeUInt16LE(directory.length, 6);
  end.writeUInt32LE(central.length, 8);
  end.writeUInt32LE(offset, 12);
  return Buffer.concat([...parts, central, Buffer.from('PK\x05\x06', 'latin1'), end]);
}

/** A tensor to pickle. */
interface Tensor {
  readonly storage: 'IntStorage' | 'LongStorage';
  readonly shape: readonly number[];
  readonly values: readonly number[];
}

type Plain = null | boolean | number | string | readonly Plain[] | { readonly [key: string]: Plain } | { readonly tensor: Tensor };

/** A .pt file, as torch.save writes it. */
export function torchBytes(value: Plain, name = 'saved'): Buffer {
  const files: Record<string, Uint8Array> = {};
  const storages: Uint8Array[] = [];
  const out: Buffer[] = [Buffer.from([0x80, 2])];
  const text = (word: string): Buffer => {
    const bytes = Buffer.from(word);
    const length = Buffer.alloc(4);
    length.writeUInt32LE(bytes.length);
    return Buffer.concat([Buffer.from('X'), length, bytes]);
  };
  const integer = (n: number): Buffer => {
    const bytes = Buffer.alloc(5);
    bytes[0] = 0x4a;
    bytes.writeInt32LE(n, 1);
    return bytes;
  };
  const tuple = (...items: Buffer[]): Buffer => Buffer.concat([Buffer.from('('), ...items, Buffer.from('t')]);
  const write = (item: Plain): Buffer => {
    if (item === null) return Buffer.from('N');
    if (typeof item === 'boolean') return Buffer.from([item ? 0x88 : 0x89]);
    if (typeof item === 'number') return integer(item);
    if (typeof item === 'string') return text(item);
    if (Array.isArray(item)) return Buffer.concat([Buffer.from(']('), ...(item as Plain[]).map(write), Buffer.from('e')]);
    if ('tensor' in item) {
      const { storage, shape, values } = (item as { tensor: Tensor }).tensor;
      const key = String(storages.length);
      const data = storage === 'IntStorage' ? Int32Array.from(values) : BigInt64Array.from(values, BigInt);
      storages.push(new Uint8Array(data.buffer));
      const strides = shape.map((_, axis) => shape.slice(axis + 1).reduce((product, side) => product * side, 1));
      const reference = tuple(text('storage'), Buffer.from(`ctorch\n${storage}\n`), text(key), text('cpu'), integer(values.length));
      return Buffer.concat([
        Buffer.from('ctorch._utils\n_rebuild_tensor_v2\n'),
        tuple(
          Buffer.concat([reference, Buffer.from('Q')]),
          integer(0),
          tuple(...shape.map(integer)),
          tuple(...strides.map(integer)),
          Buffer.from([0x89]),
          Buffer.from('ccollections\nOrderedDict\n)R'),
        ),
        Buffer.from('R'),
      ]);
    }
    const pairs = Object.entries(item as Record<string, Plain>).flatMap(([key, entry]) => [text(key), write(entry)]);
    return Buffer.concat([Buffer.from('}('), ...pairs, Buffer.from('u')]);
  };
  out.push(write(value), Buffer.from('.'));
  files[`${name}/data.pkl`] = Buffer.concat(out);
  files[`${name}/byteorder`] = Buffer.from('little');
  storages.forEach((storage, key) => {
    files[`${name}/data/${key}`] = storage;
  });
  return zipBytes(files);
}

/** A GGUF file of F32 tensors with one string of metadata. */
function ggufBytes(tensors: Readonly<Record<string, readonly number[]>>): Buffer {
  const u32 = (n: number): Buffer => Buffer.from(Uint32Array.of(n).buffer);
  const u64 = (n: number): Buffer => Buffer.from(BigUint64Array.of(BigInt(n)).buffer);
  const text = (word: string): Buffer => Buffer.concat([u64(word.length), Buffer.from(word)]);
  const data: Buffer[] = [];
  let offset = 0;
  const infos = Object.entries(tensors).map(([name, values]) => {
    const info = Buffer.concat([text(name), u32(2), u64(1), u64(values.length), u32(0), u64(offset)]);
    const bytes = Buffer.alloc(Math.ceil((values.length * 4) / 32) * 32);
    Buffer.from(Float32Array.from(values).buffer).copy(bytes);
    data.push(bytes);
    offset += bytes.length;
    return info;
  });
  const head = Buffer.concat([
    Buffer.from('GGUF'),
    u32(3),
    u64(infos.length),
    u64(2),
    text('general.type'),
    u32(8),
    text('imatrix'),
    text('imatrix.datasets'),
    u32(9),
    u32(8),
    u64(1),
    text('calib.txt'),
    ...infos,
  ]);
  return Buffer.concat([head, Buffer.alloc(Math.ceil(head.length / 32) * 32 - head.length), ...data]);
}

const base64 = (array: ArrayBufferView): string => Buffer.from(array.buffer, array.byteOffset, array.byteLength).toString('base64');
const usage = { prompt_tokens: PROMPT, completion_tokens: DECODE + 1, total_tokens: TOKENS + 1 };

/** What a layout says of the routing beyond the ids. */
export interface Fixture {
  readonly bytes: Uint8Array;
  /** Name of the format that must recognise it. */
  readonly format: string;
  /** Prompt rows that the layout can tell; null: it has no phases. */
  readonly prompt: number | null;
  /** True where layers and top-k must come from the model. */
  readonly needsModel?: boolean;
}

/** Token and layer of every cell, in graph order. */
const cells: readonly (readonly [token: number, layer: number])[] = (() => {
  const list: [number, number][] = [];
  graphOrder((token, layer) => list.push([token, layer]));
  return list;
})();

/** Events of moe-cache-eval: each pass of tokens is one union per layer. */
export function eventBytes(tokens: readonly (readonly number[])[]): Buffer {
  const events = tokens.flatMap((pass) => Array.from({ length: LAYERS }, (_, layer) => ({ pass, layer })));
  const unions = events.map(({ pass, layer }) => {
    const counted = new Map<number, number>();
    for (const token of pass) for (const id of routing[token]![layer]!) counted.set(id, (counted.get(id) ?? 0) + 1);
    return [...counted];
  });
  const ends = unions.map((_, i) => unions.slice(0, i + 1).flat().length);
  const i32 = (values: readonly number[]) => ({ dtype: 'I32', shape: [values.length], data: Int32Array.from(values) });
  return safetensorsBytes(
    {
      request_indices: i32(events.map(() => -1)),
      scheduler_steps: i32(events.map((_, i) => Math.floor(i / LAYERS))),
      forward_cycles: i32(events.map((_, i) => Math.floor(i / LAYERS))),
      phases: { dtype: 'U8', shape: [events.length], data: Uint8Array.from(events, ({ pass }) => (pass[0]! < PROMPT ? 0 : 1)) },
      layer_ids: { dtype: 'I16', shape: [events.length], data: Int16Array.from(events, ({ layer }) => layer) },
      token_counts: i32(events.map(({ pass }) => pass.length)),
      offsets: { dtype: 'I64', shape: [events.length + 1], data: BigInt64Array.from([0, ...ends], BigInt) },
      expert_ids: { dtype: 'I16', shape: [unions.flat().length], data: Int16Array.from(unions.flat(), ([id]) => id) },
      assignment_counts: i32(unions.flat().map(([, count]) => count)),
      gate_mass: { dtype: 'F32', shape: [unions.flat().length], data: Float32Array.from(unions.flat(), () => 0.25) },
    },
    { schema: 'moe-controller-events', schema_version: '1' },
  );
}

/** The columns of vllm-expert-capture. */
export function captureBytes(codec: Codec, groupRows: number): Buffer {
  const ids = Array.from({ length: TOP_K }, (_, k) => k);
  return parquetBytes(
    [
      { name: 'prompt_index', type: 'INT32', values: cells.map(() => 0), dictionary: true },
      { name: 'prompt_name', type: 'BYTE_ARRAY', values: cells.map(() => 'arithmetic') },
      { name: 'token_position', type: 'INT32', values: cells.map(([token]) => token) },
      { name: 'token_id', type: 'INT32', values: cells.map(([token]) => token + 100) },
      { name: 'layer_index', type: 'INT32', values: cells.map(([, layer]) => 2 * layer + 1), dictionary: true },
      ...ids.map((k) => ({
        name: `expert_id_${k}`,
        type: 'INT32' as const,
        values: cells.map(([token, layer]) => routing[token]![layer]![k]!),
        dictionary: k > 0,
      })),
      ...ids.map((k) => ({ name: `expert_weight_${k}`, type: 'FLOAT' as const, values: cells.map(() => 0.5 / (k + 1)) })),
      { name: 'router_logit_0', type: 'FLOAT', values: cells.map(() => 1) },
    ],
    codec,
    groupRows,
  );
}

/** A table of lists. */
export function tableBytes(codec: Codec, more: { readonly v2?: boolean; readonly dictionary?: boolean } = {}): Buffer {
  return parquetBytes(
    [
      { name: 'token', type: 'INT64', values: cells.map(([token]) => token) },
      { name: 'layer', type: 'INT32', values: cells.map(([, layer]) => layer) },
      { name: 'experts', type: 'INT32', values: cells.map(([token, layer]) => routing[token]![layer]!), ...more },
      { name: 'phase', type: 'BYTE_ARRAY', values: cells.map(([token]) => (token < PROMPT ? 'prefill' : 'decode')), dictionary: true },
    ],
    codec,
  );
}

/** Every layout of a trace. */
export const fixtures: Readonly<Record<string, Fixture>> = {
  'vllm nested': {
    format: 'vllm',
    prompt: PROMPT,
    bytes: Buffer.from(
      JSON.stringify({
        id: 'cmpl-1',
        object: 'text_completion',
        prompt_routed_experts: routing.slice(0, PROMPT),
        choices: [{ index: 0, text: 'a', routed_experts: routing.slice(PROMPT) }],
        usage,
      }),
    ),
  },
  'vllm npy': {
    format: 'vllm',
    prompt: PROMPT,
    bytes: Buffer.from(
      JSON.stringify({
        object: 'text_completion',
        choices: [{ index: 0, routed_experts: base64(npyBytes('|u1', [TOKENS, LAYERS, TOP_K], Uint8Array.from(flat('tlk')))) }],
        usage,
      }),
    ),
  },
  'sglang int32': {
    format: 'sglang',
    prompt: PROMPT,
    needsModel: true,
    bytes: Buffer.from(
      JSON.stringify({
        text: '',
        meta_info: { id: 'r', prompt_tokens: PROMPT, completion_tokens: DECODE + 1, routed_experts: base64(Int32Array.from(flat('tlk'))) },
      }),
    ),
  },
  'sglang uint8': {
    format: 'sglang',
    prompt: PROMPT,
    needsModel: true,
    bytes: Buffer.from(
      JSON.stringify({
        text: '',
        meta_info: {
          prompt_tokens: PROMPT,
          completion_tokens: DECODE + 1,
          routed_experts_dtype: 'uint8',
          routed_experts: base64(Uint8Array.from(flat('tlk'))),
        },
      }),
    ),
  },
  dynamo: {
    format: 'dynamo',
    prompt: PROMPT,
    bytes: Buffer.from(
      JSON.stringify({
        object: 'text_completion',
        choices: [{ index: 0, text: 'a' }],
        usage,
        nvext: {
          routed_experts: { data: base64(Uint8Array.from(flat('tlk'))), shape: [TOKENS, LAYERS, TOP_K], start: 0, dtype: 'uint8' },
        },
      }),
    ),
  },
  'vllm generate, streamed': {
    format: 'vllm',
    prompt: PROMPT,
    bytes: Buffer.from(
      [
        { request_id: 'g', choices: [{ index: 0, token_ids: [1, 2], routed_experts: null }] },
        {
          request_id: 'g',
          choices: [
            {
              index: 0,
              token_ids: [3, 4, 5, 6],
              routed_experts: base64(npyBytes('|u1', [TOKENS, LAYERS, TOP_K], Uint8Array.from(flat('tlk')))),
            },
          ],
          usage,
        },
      ]
        .map((event) => `data: ${JSON.stringify(event)}\n\n`)
        .join(''),
    ),
  },
  'sglang recorder': {
    format: 'sglang-recorder',
    prompt: PROMPT,
    bytes: torchBytes({
      records: passes.map((tokens, pass) => ({
        forward_pass_id: pass,
        rank: 0,
        input_ids: [...tokens],
        positions: [...tokens],
        extend_seq_lens: pass === 0 ? [PROMPT] : [],
        forward_mode: pass === 0 ? 1 : 2,
        topk_ids_of_layer: {
          tensor: {
            storage: 'IntStorage',
            shape: [LAYERS, tokens.length, 8],
            values: Array.from({ length: LAYERS }, (_, layer) =>
              tokens.flatMap((token) => [...routing[token]![layer]!, -1, -1, -1, -1, -1]),
            ).flat(),
          },
        },
      })),
      last_physical_to_logical_map: {
        tensor: {
          storage: 'LongStorage',
          shape: [LAYERS, EXPERTS],
          values: Array.from({ length: LAYERS * EXPERTS }, (_, i) => i % EXPERTS),
        },
      },
    }),
  },
  npy: { format: 'npy', prompt: null, bytes: npyBytes('<i2', [TOKENS, LAYERS, TOP_K], Int16Array.from(flat('tlk'))) },
  'npy by layer': { format: 'npy', prompt: null, bytes: npyBytes('<i8', [LAYERS, TOKENS, TOP_K], BigInt64Array.from(flat('ltk'), BigInt)) },
  'npy by choice': { format: 'npy', prompt: null, bytes: npyBytes('<u2', [TOKENS, TOP_K, LAYERS], Uint16Array.from(flat('tkl'))) },
  npz: {
    format: 'npz',
    prompt: null,
    bytes: zipBytes({
      'routed_experts.npy': npyBytes('|u1', [TOKENS, LAYERS, TOP_K], Uint8Array.from(flat('tlk'))),
      'seed.npy': npyBytes('<i4', [1], Int32Array.of(3)),
    }),
  },
  'npz deflated': {
    format: 'npz',
    prompt: null,
    bytes: zipBytes({ 'experts.npy': npyBytes('|u1', [LAYERS, TOKENS, TOP_K], Uint8Array.from(flat('ltk'))) }, true),
  },
  'safetensors by choice': {
    format: 'safetensors',
    prompt: null,
    bytes: safetensorsBytes({ selected: { dtype: 'I32', shape: [TOKENS, TOP_K, LAYERS], data: Int32Array.from(flat('tkl')) } }),
  },
  megatron: {
    format: 'megatron',
    prompt: PROMPT,
    bytes: Buffer.from(
      passes
        .flatMap((tokens, step) =>
          Array.from({ length: LAYERS }, (_, layer) =>
            JSON.stringify({
              step,
              stage: 'pre_dispatch',
              block: 'decoder',
              layer,
              rank: 0,
              num_tokens: tokens.length,
              topk: TOP_K,
              top_indices: tokens.map((token) => routing[token]![layer]),
            }),
          ),
        )
        .concat(JSON.stringify({ step: 0, stage: 'pre_dispatch', block: 'mtp', mtp_idx: 0, layer: 0, top_indices: [[0, 1, 2]] }))
        .join('\n'),
    ),
  },
  'llama.cpp log_experts': {
    format: 'llamacpp-log-experts',
    prompt: PROMPT,
    bytes: Buffer.from(graphLines('layer_id,expert_ids', (token, layer) => `${layer},${routing[token]![layer]!.join(' ')}`)),
  },
  'llama.cpp moe-trace': {
    format: 'llamacpp-moe-trace',
    prompt: PROMPT,
    bytes: Buffer.from(graphLines('layer,expert', (token, layer) => routing[token]![layer]!.map((id) => `${layer},${id}`).join('\n'))),
  },
  colibri: {
    format: 'colibri',
    prompt: PROMPT,
    bytes: Buffer.from(
      graphLines(null, (token, layer, pass) => {
        const chosen = routing[token]![layer]!.map((id, k) => `${id}:${(0.5 ** (k + 1)).toFixed(4)}`);
        return [pass * LAYERS + layer, token - passes[pass]![0]!, layer + 3, ...chosen].join(' ');
      }),
    ),
  },
  mbolt: {
    format: 'mbolt',
    prompt: PROMPT,
    bytes: Buffer.from(
      Int32Array.from([
        0x544c424d,
        1,
        EXPERTS,
        ...passes.flatMap((tokens) =>
          Array.from({ length: LAYERS }, (_, layer) => [
            layer,
            TOP_K,
            tokens.length,
            ...tokens.flatMap((token) => routing[token]![layer]!),
          ]).flat(),
        ),
      ]).buffer,
    ),
  },
  'llama.cpp expert cache': {
    format: 'llamacpp-moe-cache',
    prompt: null,
    bytes: cacheBytes(
      LAYERS,
      TOP_K,
      [
        { experts: EXPERTS, layers: [0, 2, 4], bytes: [400, 500] },
        { experts: EXPERTS, layers: [1, 3], bytes: [300, 300, 500] },
      ],
      passes.flatMap((tokens) =>
        Array.from({ length: LAYERS }, (_, layer) => [layer, tokens.flatMap((token) => routing[token]![layer]!)] as const),
      ),
    ),
  },
  bigmoeonedge: {
    format: 'bigmoeonedge',
    prompt: PROMPT,
    bytes: Buffer.from(
      graphLines(
        [
          '# route_trace v1',
          `# model=test.gguf arch=test n_layer=${LAYERS} n_expert=${EXPERTS} n_expert_used=${TOP_K}`,
          ...Array.from({ length: LAYERS }, (_, layer) => `# layer=${layer} expert_bytes=${1000 + layer} dense_bytes=77`),
          'turn,phase,step,layer,slot,expert,weight,residency,expert_bytes',
        ].join('\n'),
        (token, layer, pass) =>
          routing[token]![layer]!.map(
            (id, slot) => `0,${pass === 0 ? 0 : 1},${token},${layer},${slot},${id},0.${5 - slot},0,${1000 + layer}`,
          ).join('\n'),
      ),
    ),
  },
  'moe-beyond': {
    format: 'moe-beyond',
    prompt: null,
    bytes: Buffer.from(
      `Layer ID,Batch Number,Token,Activated Expert IDs\n${Array.from({ length: LAYERS }, (_, layer) =>
        routing
          .map((row, token) => `${layer},0,${['tok', '"a,b"', '"\n"', '"]\n["', '"""x"""'][token % 5]},"[${row[layer]!.join(', ')}]"`)
          .join('\n'),
      ).join('\n')}\n`,
    ),
  },
  expertflow: {
    format: 'expertflow',
    prompt: PROMPT,
    bytes: Buffer.from(
      graphLines(null, (token, layer, pass) =>
        JSON.stringify({
          schema_version: '1.0.0',
          request_id: 'req-001',
          conversation_id: 'c',
          turn_index: 0,
          phase: pass === 0 ? 'prefill' : 'decode',
          forward_id: pass,
          token_index: token,
          token_id: token + 100,
          layer_id: layer,
          selected_expert_ids: routing[token]![layer],
          selected_expert_weights: null,
        }),
      ),
    ),
  },
  allenai: {
    format: 'allenai',
    prompt: null,
    bytes: Buffer.from(
      `${JSON.stringify({
        input_ids: routing.map((_, token) => token),
        predicted_token_ids: routing.map(() => 0),
        exp_ids: routing.map((row) => Array.from({ length: TOP_K }, (_, k) => row.map((choices) => choices[k]))),
      })}\n`,
    ),
  },
  'gpt-oss fingerprint': {
    format: 'gpt-oss-fingerprint',
    prompt: 0,
    bytes: Buffer.from(
      JSON.stringify(
        {
          row_index: 1,
          router_data: routing.map((row, token) => ({
            [`token_${token}`]: Object.fromEntries(
              row.map((ids, layer) => [`layer_${layer}`, { selected_experts: ids, selected_probs: [0.5, 0.25, 0.125] }]),
            ),
          })),
        },
        null,
        2,
      ),
    ),
  },
  lattice: {
    format: 'lattice',
    prompt: null,
    bytes: Buffer.from(
      graphLines(null, (token, layer) =>
        JSON.stringify({ layer_idx: layer, token_idx: token, selected_ids: routing[token]![layer], gate_weights: [0.5, 0.25, 0.125] }),
      ),
    ),
  },
  'moe-sim': {
    format: 'moe-sim',
    prompt: PROMPT,
    bytes: Buffer.from(
      graphLines(null, (token, layer, pass) =>
        JSON.stringify({
          request_id: 'a',
          phase: pass === 0 ? 'prefill' : 'decode',
          step_id: pass,
          token_position: token,
          layer_id: layer,
          expert_ids: routing[token]![layer],
        }),
      ),
    ),
  },
  imp: { format: 'imp', prompt: 0, bytes: Buffer.from(JSON.stringify(routing.flatMap((row) => row.map((ids, layer) => [layer, ...ids])))) },
  csv: {
    format: 'csv',
    prompt: PROMPT,
    bytes: Buffer.from(
      graphLines(
        'token,layer,experts,phase',
        (token, layer, pass) => `${token},${layer},"[${routing[token]![layer]!.join(', ')}]",${pass === 0 ? 'prefill' : 'decode'}`,
      ),
    ),
  },
  'csv by activation': {
    format: 'csv',
    prompt: null,
    bytes: Buffer.from(
      graphLines('request_id,position,layer_id,expert_id,weight', (token, layer) =>
        routing[token]![layer]!.map((id) => `x,${token},${layer},${id},0.5`).join('\n'),
      ),
    ),
  },
  records: {
    format: 'records',
    prompt: null,
    bytes: Buffer.from(graphLines(null, (token, layer) => JSON.stringify({ token, layer, experts: routing[token]![layer] }))),
  },
  'records in gzip': {
    format: 'records',
    prompt: null,
    bytes: gzipSync(graphLines(null, (token, layer) => JSON.stringify({ token, layer, experts: routing[token]![layer] }))),
  },
  'records in zstd': {
    format: 'records',
    prompt: null,
    bytes: zstdBytes(Buffer.from(graphLines(null, (token, layer) => JSON.stringify({ token, layer, experts: routing[token]![layer] })))),
  },
  'moe-cache-lab version 1': {
    format: 'moe-cache-lab',
    prompt: PROMPT,
    bytes: Buffer.from(
      `${JSON.stringify({ record_type: 'metadata', format: 'moe-cache-lab.routing-jsonl', format_version: 1, model_id: 'synthetic/small', num_experts: EXPERTS })}\n${graphLines(
        null,
        (token, layer, pass) =>
          JSON.stringify({
            record_type: 'routing_selection',
            phase: pass === 0 ? 'prompt' : 'generated',
            token_position: token,
            token_id: null,
            layer,
            selected_experts: routing[token]![layer],
            selected_probabilities: [],
          }),
      )}`,
    ),
  },
  'moe-cache-eval': { format: 'moe-cache-eval', prompt: PROMPT, bytes: eventBytes(passes.flat().map((token) => [token])) },
  'moe-cache-eval shard': {
    format: 'moe-cache-eval-shard',
    prompt: null,
    bytes: safetensorsBytes({
      sample_indices: { dtype: 'I64', shape: [1], data: BigInt64Array.of(7n) },
      sequence_lengths: { dtype: 'I64', shape: [1], data: BigInt64Array.of(BigInt(TOKENS)) },
      topk_indices: {
        dtype: 'I16',
        shape: [1, LAYERS, TOKENS + 1, TOP_K],
        data: Int16Array.from(
          Array.from({ length: LAYERS }, (_, layer) => [
            ...routing.flatMap((row) => row[layer]!),
            ...new Array<number>(TOP_K).fill(-1),
          ]).flat(),
        ),
      },
      topk_weights: {
        dtype: 'F32',
        shape: [1, LAYERS, TOKENS + 1, TOP_K],
        data: Float32Array.from({ length: LAYERS * (TOKENS + 1) * TOP_K }, (_, i) => [0.5, 0.25, 0.125][i % TOP_K]!),
      },
    }),
  },
  'vllm-expert-capture': {
    format: 'vllm-expert-capture',
    prompt: null,
    bytes: captureBytes('ZSTD', 20),
  },
  'parquet of lists': { format: 'parquet', prompt: PROMPT, bytes: tableBytes('GZIP') },
  'parquet by activation': {
    format: 'parquet',
    prompt: null,
    bytes: parquetBytes(
      [
        { name: 'request_id', type: 'BYTE_ARRAY', values: cells.flatMap(() => ['a', 'a', 'a']), dictionary: true },
        { name: 'position', type: 'INT64', values: cells.flatMap(([token]) => [token, token, token]) },
        { name: 'layer', type: 'INT32', values: cells.flatMap(([, layer]) => [layer, layer, layer]), dictionary: true, v2: true },
        { name: 'expert', type: 'INT32', values: cells.flatMap(([token, layer]) => routing[token]![layer]!), v2: true },
      ],
      'SNAPPY',
      60,
    ),
  },
};

/** Every layout of counts. */
export const countFixtures: Readonly<Record<string, { readonly bytes: Uint8Array; readonly format: string }>> = {
  imatrix: {
    format: 'imatrix',
    bytes: ggufBytes(
      Object.fromEntries(
        counts.flatMap((layer, index) => [
          [`blk.${index}.ffn_up_exps.weight.in_sum2`, layer.map((count) => count * 2)],
          [`blk.${index}.ffn_up_exps.weight.counts`, layer],
          [`blk.${index}.ffn_down_exps.weight.counts`, layer],
        ]),
      ),
    ),
  },
  'tensorrt-llm': {
    format: 'tensorrt-llm',
    bytes: safetensorsBytes(
      Object.fromEntries(
        [0, 1].flatMap((iteration) =>
          counts.map((layer, index) => [
            `${iteration}_${index}`,
            { dtype: 'I64', shape: [EXPERTS], data: BigInt64Array.from(layer, (count) => BigInt(iteration === 0 ? count : 0)) },
          ]),
        ),
      ),
    ),
  },
  'moe-infinity': {
    format: 'moe-infinity',
    bytes: npyBytes('<f8', [2, LAYERS, EXPERTS], Float64Array.from([...counts.flat(), ...counts.flat().map(() => 0)])),
  },
  'sglang stat': {
    format: 'sglang-stat',
    bytes: torchBytes({
      rank: 0,
      logical_count: {
        tensor: {
          storage: 'IntStorage',
          shape: [2, LAYERS + 1, EXPERTS],
          values: [0, 1].flatMap((step) => [
            ...counts.flat().map((count) => (step === 0 ? count : 0)),
            ...new Array<number>(EXPERTS).fill(0),
          ]),
        },
      },
      average_utilization_rate_over_window: null,
    }),
  },
  'colibri usage': {
    format: 'colibri-usage',
    bytes: Buffer.from(
      [
        `-1 ${LAYERS + 3} ${EXPERTS}`,
        '-2 1 3735928559',
        ...counts.flatMap((layer, index) => layer.flatMap((count, expert) => (count > 0 ? `${index + 3} ${expert} ${count}` : []))),
        // Of the layer that predicts a further token.
        `${LAYERS + 3} 0 77`,
      ].join('\n'),
    ),
  },
  'colibri atlas': {
    format: 'colibri-atlas',
    bytes: Buffer.from(
      JSON.stringify({
        categories: ['code', 'law'],
        experts: counts.flatMap((layer, index) =>
          layer.map((total, expert) => ({ layer: index + 3, expert, total, spec: 0.5, top_topic: 'code', p: { code: 0.9, law: 0.1 } })),
        ),
      }),
    ),
  },
  'sglang counts': {
    format: 'sglang-counts',
    bytes: Buffer.from(
      `layer_id,expert_id,count\n${counts.flatMap((layer, index) => layer.map((count, expert) => `${index},${expert},${count}`)).join('\n')}\n`,
    ),
  },
};
