// Every layout gives the same routing, recognised by content; what a layout lacks or gets wrong is said.
import { crc32 } from 'node:zlib';
import { describe, expect, it } from 'vitest';
import { UserError } from '../../../src/base/errors.js';
import { traceFormats } from '../../../src/trace/formats/index.js';
import { openPopularity, openTrace } from '../../../src/trace/open/open.js';
import { NULL_EXPERT } from '../../../src/trace/trace.js';
import { contentOf, fileOf, safetensorsBytes, temporaryFolder, uniformModel } from '../builders.js';
import {
  countFixtures,
  counts,
  EXPERTS,
  fixtures,
  flat,
  graphLines,
  LAYERS,
  npyBytes,
  PROMPT,
  passes,
  routing,
  TOKENS,
  TOP_K,
  torchBytes,
  zipBytes,
} from './fixtures.js';

const folder = temporaryFolder();
const model = uniformModel(LAYERS, EXPERTS, TOP_K);
let files = 0;

function write(bytes: Uint8Array | string): string {
  return fileOf(folder, `${files++}.data`, bytes);
}

async function read(bytes: Uint8Array | string, options: Parameters<typeof openTrace>[1] = {}) {
  const trace = await openTrace(write(bytes), options);
  try {
    return { ...contentOf(trace, 4), meta: trace.meta };
  } finally {
    trace.close();
  }
}

/** Bytes with a text in the place of another as long. */
function withText(bytes: Buffer, text: string, other: string): Buffer {
  expect(other).toHaveLength(text.length);
  return Buffer.from(bytes.toString('latin1').replace(text, other), 'latin1');
}

describe('every layout gives the same routing', () => {
  it.each(Object.entries(fixtures))('%s', async (_name, { bytes, format, prompt, needsModel }) => {
    const content = await read(bytes, needsModel ? { model } : {});
    expect(content.meta.format).toBe(format);
    expect(content.columns.experts).toEqual(routing.flat(2));
    expect(content.has.phases).toBe(prompt !== null);
    expect(content.requests).toEqual([{ id: 0, start: 0, prefill: prompt ?? 0, decode: TOKENS - (prompt ?? 0) }]);
    expect(content.columns.position).toEqual(routing.map((_, token) => token));
  });

  it.each(Object.entries(fixtures))('%s, with its model', async (_name, { bytes }) => {
    const content = await read(bytes, { model });
    expect(content.columns.experts).toEqual(routing.flat(2));
    expect(content.expertsPerLayer).toEqual(new Array(LAYERS).fill(EXPERTS));
  });

  it('every format but the canonical ones has a layout here', () => {
    const tested = new Set([...Object.values(fixtures), ...Object.values(countFixtures)].map(({ format }) => format));
    expect(traceFormats.map(({ name }) => name).filter((name) => !tested.has(name))).toEqual(['jsonl']);
  });
});

describe('counts only', () => {
  it.each(Object.entries(countFixtures))('%s', async (_name, { bytes, format }) => {
    const path = write(bytes);
    const popularity = await openPopularity(path);
    expect(popularity.format).toBe(format);
    expect(popularity.counts.map((layer) => [...layer])).toEqual(counts);
    await expect(openTrace(path)).rejects.toThrow(`${path}: ${format} holds how often each expert was chosen, not when`);
  });
});

describe('what a layout carries beyond the ids', () => {
  it('token ids', async () => {
    expect((await read(fixtures.expertflow!.bytes)).columns.tokenId).toEqual(routing.map((_, token) => token + 100));
    expect((await read(fixtures['sglang recorder']!.bytes)).columns.tokenId).toEqual(routing.map((_, token) => token));
    expect((await read(fixtures.allenai!.bytes)).columns.tokenId).toEqual(routing.map((_, token) => token));
  });

  it('gate weights', async () => {
    const weights = routing.flatMap((row) => row.flatMap(() => [0.5, 0.25, 0.125]));
    expect((await read(fixtures.lattice!.bytes)).columns.weights).toEqual(weights);
    expect((await read(fixtures.colibri!.bytes)).columns.weights).toEqual(weights);
    expect((await read(fixtures['gpt-oss fingerprint']!.bytes)).columns.weights).toEqual(weights);
    const phone = await read(fixtures.bigmoeonedge!.bytes);
    expect(phone.columns.weights.slice(0, 3).map((weight) => Math.round(weight * 10) / 10)).toEqual([0.5, 0.4, 0.3]);
  });

  it('model, experts and bytes per layer of a phone', async () => {
    const { meta, expertsPerLayer } = await read(fixtures.bigmoeonedge!.bytes);
    expect(meta.model).toBe('test.gguf');
    expect(meta.expertBytes).toEqual([1000, 1001, 1002, 1003, 1004]);
    expect(expertsPerLayer).toEqual(new Array(LAYERS).fill(EXPERTS));
  });

  const phone = (preamble: readonly string[], rows: readonly string[]): string =>
    ['# route_trace v1', ...preamble, 'turn,phase,step,layer,slot,expert,weight,residency,expert_bytes', ...rows, ''].join('\n');
  const rows = ['0,1,0,1,0,2,0.9,0,500', '0,1,0,3,0,1,0.8,0,700'];

  it('bytes of a phone belong to their layers, in whatever order the preamble has them', async () => {
    const { columns, meta } = await read(
      phone(['# layer=3 expert_bytes=700', '# layer=0 expert_bytes=0', '# expert_bytes=500 layer=1'], rows),
    );
    expect(meta.expertBytes).toEqual([500, 700]);
    expect(columns.experts).toEqual([2, 1]);
  });

  it.each([
    [['# layer=1 expert_bytes=500', '# layer=1 expert_bytes=700', '# layer=3 expert_bytes=700'], rows, /:3: layer 1 is declared twice/],
    [['# layer=1 layer=3 expert_bytes=500'], rows, /:2: a key stands twice; the preamble is damaged$/],
    [['# layer=1e0 expert_bytes=500'], rows, /:2: layer is "1e0"; a whole number is expected$/],
    [['# layer=1 expert_bytes=5x'], rows, /:2: expert_bytes is "5x"; a whole number is expected$/],
    [['# n_expert=many', '# layer=1 expert_bytes=5'], rows, /:2: n_expert is "many"; a whole number is expected$/],
    [['# layer=1 expert_bytes=5'], ['# layer=3 expert_bytes=700', ...rows], /:4: turn is missing or no whole number$/],
    [['# layer=1 expert_bytes=5'], rows, /:5: layer 3 is not among those that the file declares$/],
  ])('a preamble of %j before %j is damaged', async (preamble, behind, message) => {
    await expect(read(phone(preamble, behind))).rejects.toThrow(UserError);
    await expect(read(phone(preamble, behind))).rejects.toThrow(message);
  });

  it.each(['layer_', 'layer_0x10', 'layer_ 3', 'layer_1e1', 'layer_-0', 'layer_1.0', 'layer_9007199254740993'])(
    'the layer %j of a fingerprint is none',
    async (name) => {
      const text = JSON.stringify({
        router_data: [{ token_164: { layer_0: { selected_experts: [1] }, [name]: { selected_experts: [2] } } }],
      });
      await expect(read(text)).rejects.toThrow(/: "layer_.*" is not layer_N$/);
    },
  );
});

describe('colibri', () => {
  it('may choose fewer experts for some rows', async () => {
    const { columns } = await read('0 0 3 5:0.6000 2:0.4000\n0 1 3 7:1.0000\n1 0 4 1:0.7000 0:0.3000\n1 1 4 2:0.9000 3:0.1000\n');
    expect(columns.experts).toEqual([5, 2, 1, 0, 7, NULL_EXPERT, 2, 3]);
  });

  it.each([
    ['0 0 3 5:0.6000\n0 2 3 1:0.5000\n', /:2: row 2 follows 1 rows of call 0; the recording is damaged here$/],
    ['0 0 3 5:0.6000\n0 1 4 1:0.5000\n', /:2: call 0 goes from layer 3 to layer 4/],
    ['0 0 3 5:0.6000\n1 0 4\n', /:2: no expert follows the layer/],
    ['0 0 3 5:0.6000\n1 0 4 6\n', /:2: expected id:gate/],
    ['0 0 3 5:0.6000\n1 0 4 -6:0.5000\n', /:2: expected id:gate/],
    ['0 0 3 5:0.6000\n1 0 4 6:x\n', /:2: expected id:gate/],
    ['0 0 3 5:0.6000\n1 0\n', /:2: /],
    ['0 0 3 5:0.6000 5:0.4000\n', /5/],
  ])('%j is damaged', async (text, message) => {
    await expect(read(text)).rejects.toThrow(UserError);
    await expect(read(text)).rejects.toThrow(message);
  });

  it.each([
    ['-1 9 4\n-2 1 7\n3 4 1\n', /:3: expert 4; a layer has 4$/],
    ['-1 9 4\n-2 2 7\n3 0 1\n', /:2: version 2 of the history; version 1 is known$/],
    ['-1 9 4\n-2 1 7\n3 0\n', /:3: not layer, expert and count$/],
    // Sizes that change: the counts before them would be of other layers than those behind.
    ['-1 9 4\n-2 1 7\n3 0 1\n-1 0 77\n', /:4: 0 layers of 77 experts, after 9 of 4; keep one model a file$/],
    ['-1 9 4\n-2 1 7\n3 0 1\n-1 9 5\n', /:4: 9 layers of 5 experts, after 9 of 4; keep one model a file$/],
    ['-1 9 4\n-2 1 7\n-3 0 1\n', /:3: not layer, expert and count$/],
    ['-1 9 4\n-2 1 7\n3 0 1e3\n', /:3: not layer, expert and count$/],
    ['-1 9 4\n-2 1 7\n3 0 1 2\n', /:3: not layer, expert and count$/],
    ['layer_id,expert_id,count\n0,1,1e3\n', /:2: not layer_id,expert_id,count$/],
    ['layer_id,expert_id,count\n0,1,5,7\n', /:2: not layer_id,expert_id,count$/],
    ['-1 9 4\n-2 1 7\n', /has no counts of experts$/],
    ['{"categories": ["a"], "experts": {"3:1": {"affinity": {"a": 1}}}}', /is an atlas for the web, which has no counts/],
    ['{"categories": ["a"], "experts": [{"layer": 3, "expert": 1}]}', /experts: entry 0: needs layer, expert and total$/],
    ['{"categories": ["a"], "experts": [7]}', /experts: entry 0: not a JSON object$/],
    ['{"categories": ["a"], "experts": [{"layer": 3, "expert": 70000, "total": 1}]}', /entry 0: expert 70000; a layer has 65535$/],
    ['{"categories": [], "experts": []}', /has no counts of experts$/],
  ])('counts %j are damaged', async (text, message) => {
    await expect(openPopularity(write(text))).rejects.toThrow(message);
  });

  it('counts of two histories of one size add up, and spaces at the end of a line mean nothing', async () => {
    const one = '-1 9 4\n-2 1 7\n3 0 1 \n5 3 2\n';
    const { counts } = await openPopularity(write(one + one));
    expect(counts.map((layer) => [...layer])).toEqual([
      [2, 0, 0, 0],
      [0, 0, 0, 4],
    ]);
  });
});

/** A reply with as many tokens as its first answer has rows: all but one are generated. */
const vllmReply = (choices: readonly { routed_experts?: unknown }[], more: object = {}) => {
  const routed = choices[0]?.routed_experts;
  const rows = Array.isArray(routed) ? routed.length : 1;
  const usage = { prompt_tokens: 1, completion_tokens: rows, total_tokens: 1 + rows };
  return JSON.stringify({ object: 'text_completion', choices, usage, ...more });
};

describe('vLLM', () => {
  it('reads JSON lines of both generations: one request per choice', async () => {
    const npy = JSON.parse(Buffer.from(fixtures['vllm npy']!.bytes).toString()) as object;
    const nested = JSON.parse(Buffer.from(fixtures['vllm nested']!.bytes).toString()) as object;
    const { requests, columns } = await read(`${JSON.stringify(npy)}\n${JSON.stringify(nested)}\n`);
    expect(requests.map(({ id, start, prefill }) => [id, start, prefill])).toEqual([
      [0, 0, PROMPT],
      [1, TOKENS, PROMPT],
    ]);
    expect(columns.experts).toEqual([...routing.flat(2), ...routing.flat(2)]);
  });

  it('reads an array of replies, and passes over those without routing', async () => {
    const rows = routing.slice(0, 2);
    const { meta, tokens } = await read(
      `[${vllmReply([{ routed_experts: rows }])},${vllmReply([{ routed_experts: null }])},${vllmReply([{ routed_experts: rows }])}]`,
    );
    expect(tokens).toBe(4);
    expect(meta.notes.answers_without_routing).toBe('1');
  });

  it('takes -1 for what came from the prefix cache', async () => {
    const rows = [
      [
        [-1, -1],
        [-1, -1],
      ],
      [
        [1, 2],
        [3, 4],
      ],
    ];
    const { columns } = await read(vllmReply([{ routed_experts: rows }]));
    expect(columns.experts).toEqual([NULL_EXPERT, NULL_EXPERT, NULL_EXPERT, NULL_EXPERT, 1, 2, 3, 4]);
  });

  it('drops dense layers, which old versions wrote as zeros', async () => {
    const rows = routing.map((row) => [[0, 0, 0], ...row]);
    const content = await read(vllmReply([{ routed_experts: rows }]), { model });
    expect(content.columns.experts).toEqual(routing.flat(2));
    expect(content.meta.notes.dense_layers_dropped).toBe('1');
  });
});

describe('a reader of vLLM', () => {
  it.each([
    ['no routing at all', vllmReply([{}], { routed_experts: 1 }), /holds no routed experts; was the recording turned on/],
    [
      'rows of different depth',
      vllmReply([{ routed_experts: [[[1], [2]], [[1]]] }]),
      /choices\[0\]\.routed_experts\[1\]: 1 layers, the first token has 2/,
    ],
    ['choices of different width', vllmReply([{ routed_experts: [[[1], [2, 3]]] }]), /2 choices, the first token has 1/],
    ['an id that is none', vllmReply([{ routed_experts: [[[1.5]]] }]), /token 0, layer 0: 1\.5 is not an expert id/],
    [
      'base64 of something else',
      vllmReply([{ routed_experts: 'AAAA' }]),
      /routed_experts: has no shape, as in replies of SGLang; name the model/,
    ],
    [
      'a shape of two axes',
      vllmReply([{ routed_experts: npyBytes('|u1', [2, 2], new Uint8Array(4)).toString('base64') }]),
      /shape \(2, 2\) is not/,
    ],
    [
      'two models in one file',
      `${vllmReply([{ routed_experts: [[[1, 2]]] }])}\n${vllmReply([
        {
          routed_experts: [
            [
              [1, 2],
              [3, 4],
            ],
          ],
        },
      ])}\n`,
      /:2: choices\[0\].*keep one model a file/,
    ],
    ['JSON that is cut', '{"object":"text_completion","choices":[', /not JSON/],
  ])('refuses %s', async (_what, text, message) => {
    const opening = openTrace(write(text));
    await expect(opening).rejects.toThrow(UserError);
    await expect(opening).rejects.toThrow(message);
  });
});

describe('SGLang replies', () => {
  const reply = (info: object) => JSON.stringify({ text: '', meta_info: info });
  const ids = Buffer.from(Int32Array.from(flat('tlk')).buffer).toString('base64');

  it('need the model, and notice a wrong one', async () => {
    const { bytes } = fixtures['sglang int32']!;
    await expect(read(bytes)).rejects.toThrow(/has no shape, as in replies of SGLang; name the model/);
    await expect(read(bytes, { model: uniformModel(4, EXPERTS, TOP_K) })).rejects.toThrow(/do not split into rows of 4 layers/);
    // 3 layers x top-5 makes rows of the same length: the row count agrees, the ids do not.
    await expect(read(bytes, { model: uniformModel(3, EXPERTS, 5) })).rejects.toThrow(/stands twice/);
    await expect(read(bytes, { model: uniformModel(1, EXPERTS, TOP_K) })).rejects.toThrow(
      /55 rows of 1 layers x top-3, but prompt and output make 11/,
    );
  });

  it('honour routed_experts_start_len', async () => {
    const part = Buffer.from(Int32Array.from(flat('tlk', 2)).buffer).toString('base64');
    const content = await read(reply({ prompt_tokens: PROMPT, completion_tokens: 6, routed_experts_start_len: 2, routed_experts: part }), {
      model,
    });
    expect(content.columns.position[0]).toBe(2);
    expect(content.requests[0]!.prefill).toBe(PROMPT - 2);
  });

  it.each([
    ['an unknown dtype', { routed_experts: ids, routed_experts_dtype: 'float8' }, /routed_experts: dtype is "float8"/],
    ['numbers in place of text', { routed_experts: [1, 2] }, /not lists \[tokens\]/],
    ['a negative token count', { routed_experts: ids, prompt_tokens: -1 }, /prompt_tokens is -1/],
  ])('refuse %s', async (_what, info, message) => {
    await expect(read(reply(info), { model })).rejects.toThrow(message);
  });
});

describe("files of one's own", () => {
  const lines = (line: (row: (typeof routing)[number], token: number) => string): string => routing.map(line).join('\n');
  const rows = JSON.stringify(routing);
  it.each([
    ['a list of routing a token', 'jsonl', lines((row) => JSON.stringify({ routing: row })), null],
    [
      'routing with a phase',
      'jsonl',
      lines((row, token) => JSON.stringify({ phase: token < PROMPT ? 'prefill' : 'decode', routing: row })),
      PROMPT,
    ],
    ['tokens in one list', 'jsonl', `{"tokens": ${rows}}`, null],
    ['tokens in one list, over lines', 'jsonl', JSON.stringify({ model: 'm', prompt_tokens: PROMPT, tokens: routing }, null, 1), PROMPT],
    ['objects in one list', 'jsonl', JSON.stringify({ tokens: routing.map((row) => ({ routing: row, token: 7 })) }), null],
    ['routing in one list', 'jsonl', `{"routing":${rows}}`, null],
    ['experts in one list', 'jsonl', `{"experts":${rows}}`, null],
    [
      'a wide table',
      'csv',
      `token,layer,e0,e1,e2\n${lines((row, token) => row.map((ids, layer) => `${token},${layer},${ids.join(',')}`).join('\n'))}\n`,
      null,
    ],
    [
      'a wide table with weights',
      'csv',
      `layer,expert_0,expert_1,expert_2,w_0,w_1,w_2\n${lines((row) => row.map((ids, layer) => `${layer},${ids.join(',')},.5,.3,.2`).join('\n'))}\n`,
      null,
    ],
  ])('%s', async (_, format, text, prompt) => {
    const { columns, has, meta, requests } = await read(text);
    expect(columns.experts).toEqual(routing.flat(2));
    expect([meta.format, has.phases, requests[0]!.prefill]).toEqual([format, prompt !== null, prompt ?? 0]);
    if (has.weights) expect(columns.weights.slice(0, 3).map((one) => Math.round(10 * one))).toEqual([5, 3, 2]);
  });

  it('with a request a line', async () => {
    const { meta, requests } = await read(
      `{"model":"m","tokens":${rows}}\n{"tokens":${rows},"prompt_tokens":${PROMPT}}\n`.replace('"m"', '"m","prompt_tokens":1'),
    );
    expect(requests.map(({ decode, prefill }) => [prefill, decode])).toEqual([
      [1, TOKENS - 1],
      [PROMPT, TOKENS - PROMPT],
    ]);
    expect(meta.model).toBe('m');
  });

  it.each([
    ['{"tokens": [[[1, 2]], [[1, "a"]]]}', /tokens:3: "experts" is not a list of lists/],
    ['{"tokens": [[[1, 2]], [[1, 2], [3, 4]]]}', /tokens:3: "experts" has 2 layers, the trace has 1/],
    ['{"tokens": [[[1, 2]]]}\n{"token": []}\n', /:2: has no list of tokens, as the first request has/],
    ['{"tokens": [[[1, 2]]], "prompt_tokens": "6"}', /prompt_tokens is "6"; a whole number is expected/],
    ['{"tokens": [{"routing": [[1]], "gate": 1}]}', /unknown key "gate"/],
    ['token,layer,e0,e2\n0,0,1,2\n', /:1: columns e0, e2 are not numbered from 0 on, each once/],
    ['token,layer,e0,e0\n0,0,1,2\n', /:1: columns e0, e0 are not numbered/],
  ])('refuses %s', async (text, message) => {
    await expect(read(text)).rejects.toThrow(message);
  });
});

const sglangRecord = (positions: number[], lengths: number[], ids: number[]) => ({
  input_ids: positions,
  positions,
  extend_seq_lens: lengths,
  forward_mode: lengths.length > 0 ? 1 : 2,
  topk_ids_of_layer: { tensor: { storage: 'IntStorage' as const, shape: [1, positions.length, 2], values: ids } },
});

describe('SGLang recorder', () => {
  it('puts interleaved requests together from positions', async () => {
    const content = await read(
      torchBytes({
        records: [
          sglangRecord([0, 1, 0], [2, 1], [1, 2, 3, 4, 5, 6]),
          sglangRecord([2, 1], [], [1, 3, 5, 7]),
          sglangRecord([1 + 1, 3], [], [6, 7, 2, 4]),
        ],
      }),
    );
    // Request 0 has positions 0, 1, 2, 3; request 1 has 0, 1, 2.
    expect(content.requests).toEqual([
      { id: 0, start: 0, prefill: 2, decode: 2 },
      { id: 1, start: 4, prefill: 1, decode: 2 },
    ]);
    expect(content.columns.experts).toEqual([1, 2, 3, 4, 1, 3, 2, 4, 5, 6, 5, 7, 6, 7]);
  });

  it('looks at each request once, however many run side by side', async () => {
    // Looking for each among all would be 200 million looks.
    const many = 20_000;
    const pass = (position: number) => {
      const { topk_ids_of_layer, ...rest } = sglangRecord(
        new Array<number>(many).fill(position),
        [],
        Array.from({ length: 2 * many }, (_, at) => at % 2),
      );
      return { topk_ids_of_layer, ...rest };
    };
    const content = await read(torchBytes({ records: [pass(0), pass(1)] }));
    expect(content.requests.length).toBe(many);
    expect(content.requests.every(({ decode }) => decode === 2)).toBe(true);
  });

  it('maps physical experts to logical ones, and leaves dense layers out', async () => {
    const content = await read(
      torchBytes({
        records: [
          {
            ...sglangRecord([0], [1], []),
            topk_ids_of_layer: { tensor: { storage: 'IntStorage', shape: [2, 1, 2], values: [-1, -1, 2, 0] } },
          },
        ],
        last_physical_to_logical_map: { tensor: { storage: 'LongStorage', shape: [2, 3], values: [0, 1, 2, 1, 2, 0] } },
      }),
    );
    expect(content.layers).toBe(1);
    expect(content.columns.experts).toEqual([0, 1]);
  });
});

describe('a reader of SGLang recordings', () => {
  it('executes nothing: a pickle that calls something is refused by name', async () => {
    const pickle = Buffer.from('\x80\x02cposix\nsystem\nX\x0c\x00\x00\x00echo topk_idtR.', 'latin1');
    const bytes = zipBytes({ 'x/data.pkl': Buffer.concat([pickle, Buffer.from('topk_ids_of_layer')]) });
    await expect(read(bytes)).rejects.toThrow(/this pickle is refused: it refers to posix\.system; only plain data and tensors/);
  });

  it.each([
    [
      'a tensor larger than its storage',
      torchBytes({
        records: [
          {
            ...sglangRecord([0], [1], [1, 2]),
            topk_ids_of_layer: { tensor: { storage: 'IntStorage', shape: [4096, 1, 2], values: [1, 2] } },
          },
        ],
      }),
      /too few for a tensor \[4096, 1, 2\]/,
    ],
    [
      'a storage of half an element',
      (() => {
        const bytes = torchBytes({ records: [sglangRecord([0], [1], [1, 2])] });
        // The directory entry of the only storage: its sizes are 12 and 8 bytes behind the lengths of names.
        const at = bytes.lastIndexOf(Buffer.from('saved/data/0')) - 46;
        bytes.writeUInt32LE(crc32(Uint8Array.of(1, 0, 0, 0, 2, 0)), at + 16);
        bytes.writeUInt32LE(6, at + 20);
        bytes.writeUInt32LE(6, at + 24);
        return bytes;
      })(),
      /saved\/data\/0 has 6 bytes, (no whole number of elements|too few)/,
    ],
    ['no positions', torchBytes({ records: [{ ...sglangRecord([0], [1], [1, 2]), positions: null }] }), /record 0: positions is missing/],
    ['no records', torchBytes({ topk_ids_of_layer: 1 }), /records is missing/],
  ])('refuses %s', async (_what, bytes, message) => {
    await expect(read(bytes)).rejects.toThrow(message);
  });
});

describe('the header of an array', () => {
  const npy = npyBytes('|u1', [1, 1, 2], Uint8Array.of(1, 2));

  it.each([
    ['that is no dictionary', withText(npy, ', }', ',::')],
    ['with a key of its own', withText(npy, ', }     ', ", 'a':1}")],
  ])('%s is not understood', async (_what, bytes) => {
    await expect(read(bytes)).rejects.toThrow(/header is not understood/);
  });
});

describe('arrays', () => {
  it('asks for the axes where the ids cannot tell, and takes them when named', async () => {
    // Every id is its own: tokens and layers look alike.
    const ids = Uint16Array.from({ length: 4 * 5 * 2 }, (_, i) => i);
    const bytes = npyBytes('<u2', [4, 5, 2], ids);
    await expect(read(bytes)).rejects.toThrow(/shape \[4, 5, 2\] may be \[t, l, k\] or \[t, k, l\] or \[l, t, k\].*--model/);
    expect((await read(bytes, { axes: 'ltk' })).layers).toBe(4);
    expect((await read(bytes, { axes: 'tkl' })).columns.experts.slice(0, 5)).toEqual([0, 2, 4, 6, 8]);
    expect((await read(bytes, { model: uniformModel(4, 40, 2) })).tokens).toBe(5);
  });

  it('drops dense layers of zeros', async () => {
    const ids = routing.flatMap((row) => [0, 0, 0, ...row.flat()]);
    const bytes = npyBytes('|u1', [TOKENS, LAYERS + 1, TOP_K], Uint8Array.from(ids));
    expect((await read(bytes, { model })).columns.experts).toEqual(routing.flat(2));
  });

  it('takes an axis longer than any model is deep for tokens', async () => {
    const ids = Uint8Array.from({ length: 2 * 600 * 2 }, (_, i) => (i % 2) + 2 * ((i >> 1) % 3));
    expect((await read(npyBytes('|u1', [2, 600, 2], ids))).layers).toBe(2);
  });

  it.each([
    ['Fortran order', npyBytes('|u1', [1, 1, 2], Uint8Array.of(1, 2), true), /Fortran order; save it in C order/],
    ['big-endian data', npyBytes('>i2', [1, 1, 2], Int16Array.of(1, 2)), /big-endian data/],
    ['a type that is none', npyBytes('<u02', [1, 1, 2], Uint16Array.of(1, 2)), /dtype u02 holds no expert ids/],
    ['two axes', npyBytes('|u1', [2, 2], Uint8Array.of(1, 2, 3, 4)), /shape \(2, 2\) is not three axes/],
    ['data that are cut', npyBytes('|u1', [9, 2, 2], Uint8Array.of(1, 2, 3, 4)), /takes 36 bytes, the file has 4/],
    ['a model of other depth', fixtures.npy!.bytes, /is no array of choices of a model with 7 MoE layers/],
    [
      'an archive of other arrays',
      zipBytes({ 'a.npy': npyBytes('|u1', [1], Uint8Array.of(1)), 'b.npy': npyBytes('|u1', [1], Uint8Array.of(1)) }),
      /none of the arrays a, b is named routed_experts/,
    ],
    ['an archive that is cut', fixtures.npz!.bytes.slice(0, 200), /the zip directory is missing/],
  ])('refuses %s', async (_what, bytes, message) => {
    await expect(read(bytes, /7 MoE/.test(String(message)) ? { model: uniformModel(7, EXPERTS, TOP_K) } : {})).rejects.toThrow(message);
  });

  it('refuses ids that do not fit, in whatever order the axes are', async () => {
    const ids = BigInt64Array.from(flat('ltk'), BigInt);
    ids[7] = 4_294_967_299n;
    await expect(read(npyBytes('<i8', [LAYERS, TOKENS, TOP_K], ids), { axes: 'ltk' })).rejects.toThrow(/holds what is no expert id/);
  });

  it('turns long arrays block by block', async () => {
    const tokens = 20_000;
    const ids = new Uint8Array(3 * tokens * 2);
    for (let layer = 0; layer < 3; layer++) {
      for (let token = 0; token < tokens; token++) {
        ids[(layer * tokens + token) * 2] = (token + layer) % 9;
        ids[(layer * tokens + token) * 2 + 1] = 9 + (token % 7);
      }
    }
    const { columns } = await read(safetensorsBytes({ experts: { dtype: 'U8', shape: [3, tokens, 2], data: ids } }));
    for (const token of [0, 1, 12_345, tokens - 1]) {
      expect(columns.experts.slice(token * 6, token * 6 + 6)).toEqual([
        token % 9,
        9 + (token % 7),
        (token + 1) % 9,
        9 + (token % 7),
        (token + 2) % 9,
        9 + (token % 7),
      ]);
    }
  });
});

describe('graph order', () => {
  const csv = (...lines: string[]) => `layer_id,expert_ids\n${lines.join('\n')}\n`;

  it('a layer that routed only the last token of a prompt leaves the others without a choice', async () => {
    const { columns, requests } = await read(csv('0,1 2', '0,3 4', '1,5 6', '0,2 3', '1,6 7'));
    expect(columns.experts).toEqual([1, 2, NULL_EXPERT, NULL_EXPERT, 3, 4, 5, 6, 2, 3, 6, 7]);
    expect(requests).toEqual([{ id: 0, start: 0, prefill: 2, decode: 1 }]);
  });

  it('a prompt after decode begins a request, two prompt passes are one prompt', async () => {
    const { requests } = await read(
      csv('0,1 2', '0,3 4', '3,1 2', '3,4 5', '0,1 2', '0,3 4', '3,1 2', '3,4 5', '0,1 2', '3,1 2', '0,1 2', '0,3 4', '3,1 2', '3,4 5'),
    );
    expect(requests).toEqual([
      { id: 0, start: 0, prefill: 4, decode: 1 },
      { id: 1, start: 5, prefill: 2, decode: 0 },
    ]);
  });

  it('numbers MoE layers from 0, whatever the recording calls them', async () => {
    expect((await read(csv('3,1 2', '7,3 4'))).layers).toBe(2);
  });

  it('catches the strided view of llama.cpp', async () => {
    // Rows of the prompt are pieces of one full sort: ranks 0-2, 3-5, 6-8, 9-11 of token 0, then of token 4.
    const sorted = (token: number, layer: number) => [
      ...routing[token]![layer]!,
      ...Array.from({ length: EXPERTS }, (_, e) => e).filter((e) => !routing[token]![layer]!.includes(e)),
    ];
    const text = graphLines('layer_id,expert_ids', (token, layer, pass) => {
      const ids = pass > 0 ? routing[token]![layer]! : sorted(Math.floor(token / 4), layer).slice((token % 4) * 3, (token % 4) * 3 + 3);
      return `${layer},${ids.join(' ')}`;
    });
    await expect(read(text)).rejects.toThrow(/prompt rows are ranks of the first token, not routing.*strided view/);
  });

  it.each([
    ['a missing comma', csv('0 1 2'), /:2: a comma is missing/],
    ['text for a number', csv('0,1 x'), /:2: "x" where a whole number is expected/],
    ['rows of different width', csv('0,1 2', '0,3'), /:3: 1 experts, the row before has 2/],
    ['a layer with more rows than the pass', csv('0,1 2', '1,3 4', '1,5 6'), /layer 1 has 2 rows in a pass of 1 tokens/],
    ['a header alone', csv(), /the trace is empty/],
  ])('refuses %s', async (_what, text, message) => {
    await expect(read(text)).rejects.toThrow(message);
  });

  it('moe-trace: a line that is lost does not make tokens of two choices two tokens of one', async () => {
    const lines = ['layer,expert', ...[1, 2, 3].flatMap((id) => ['0,0', `0,${id}`, '1,0', `1,${id}`])];
    expect((await read(`${lines.join('\n')}\n`)).tokens).toBe(3);
    const lost = `${lines.toSpliced(4, 1).join('\n')}\n`;
    await expect(read(lost)).rejects.toThrow(/some layers have 1 activation, more have 2; lines are missing, or name the model/);
    expect((await read('layer,expert\n0,1\n1,2\n0,3\n1,1\n')).topK).toBe(1);
  });

  it('moe-trace: the model says how many activations make a token, else the shortest run does', async () => {
    const prompt = 'layer,expert\n0,1\n0,2\n0,3\n0,4\n1,1\n1,2\n1,3\n1,4\n';
    expect((await read(prompt, { model: uniformModel(2, 8, 2) })).tokens).toBe(2);
    expect((await read(prompt)).topK).toBe(4);
    await expect(read(prompt, { model: uniformModel(2, 8, 3) })).rejects.toThrow(/4 activations of layer 0 do not split into tokens of 3/);
  });

  it.each([
    ['another version', [0x544c424d, 2, 8], /MBLT version 2/],
    ['a record beyond the end', [0x544c424d, 1, 8, 0, 2, 5, 1, 2], /byte 12: a record of 5 tokens/],
    ['half a record', [0x544c424d, 1, 8, 0, 2], /byte 12: the file ends inside a record/],
  ])('MBLT refuses %s', async (_what, words, message) => {
    await expect(read(Buffer.from(Int32Array.from(words).buffer))).rejects.toThrow(message);
  });
});

describe('long recordings', () => {
  const ids = (token: number, layer: number) => [(token + layer) % 9, 9 + (token % 7)];
  const expected = (tokens: number, layers: number) =>
    Array.from({ length: tokens }, (_, token) => Array.from({ length: layers }, (_, layer) => ids(token, layer))).flat(2);

  it('go on in order as they began: filled in at the first walk', async () => {
    const lines = Array.from({ length: 9000 * 3 }, (_, i) => `${i % 3},${ids(Math.floor(i / 3), i % 3).join(' ')}`);
    const { columns, tokens } = await read(`layer_id,expert_ids\n${lines.join('\n')}\n`);
    expect(tokens).toBe(9000);
    expect(columns.experts).toEqual(expected(9000, 3));
  });

  it('layer by layer: the layers that follow the first are not in the beginning', async () => {
    const lines = Array.from({ length: 3 }, (_, layer) =>
      Array.from({ length: 21_000 }, (_, token) => `${layer},0,t,"[${ids(token, layer).join(', ')}]"`),
    ).flat();
    const { columns } = await read(`Layer ID,Batch Number,Token,Activated Expert IDs\n${lines.join('\n')}\n`);
    expect(columns.experts).toEqual(expected(21_000, 3));
  });

  it('with two requests side by side', async () => {
    const lines = Array.from({ length: 12_000 }, (_, token) =>
      ['a', 'b'].map((request) => `${request},${token},0,${ids(token, request === 'a' ? 0 : 1).join(';')}`),
    ).flat();
    const { columns, requests } = await read(`request,token,layer,experts\n${lines.join('\n')}\n`);
    expect(requests.map(({ start, decode }) => [start, decode])).toEqual([
      [0, 12_000],
      [12_000, 12_000],
    ]);
    expect(columns.experts.slice(0, 24_000)).toEqual(expected(12_000, 1));
  });

  it.each([
    ['wider rows', '3,1 2 3', 3],
    ['a new layer', '4,1 2', 2],
  ])('with %s at the end', async (_what, last, topK) => {
    const lines = Array.from({ length: 21_000 }, (_, token) => `3,${ids(token, 0).join(' ')}`);
    const text = `token,layer,experts\n${lines.map((line, token) => `${token},${line}`).join('\n')}\n21000,${last}\n`;
    const content = await read(text);
    expect([content.tokens, content.topK]).toEqual([21_001, topK]);
    expect(content.layers).toBe(last.startsWith('4') ? 2 : 1);
  });

  it('with a gap, far behind the beginning', async () => {
    const lines = Array.from({ length: 21_000 }, (_, token) => `${token},0,${token % 9}`);
    await expect(read(`token,layer,experts\n${lines.join('\n')}\n21002,0,1\n`)).rejects.toThrow(/request 0, token 21000 is missing/);
    await expect(read(`token,layer,experts\n${lines.join('\n')}\n5,0,1\n`)).rejects.toThrow(
      /:21002: token 5 of request 0 is recorded twice/,
    );
  });
});

describe('tables', () => {
  it('maps columns by name', async () => {
    const text = 't;L\na\n'.replace(/.*/s, 'tok,blk,sel\n0,0,1;2\n0,1,3;4\n1,0,2;5\n1,1,4;6\n');
    const options = { format: 'csv', columns: { layer: 'blk', experts: 'sel', token: 'tok' } };
    expect((await read(text, options)).columns.experts).toEqual([1, 2, 3, 4, 2, 5, 4, 6]);
    await expect(read(text, { ...options, columns: { layer: 'block', experts: 'sel' } })).rejects.toThrow(
      /there is no column "block"; the columns are tok, blk, sel/,
    );
    const lines = '{"L":0,"E":[1,2]}\n{"L":1,"E":[3]}\n{"L":0,"E":[2]}\n{"L":1,"E":[4]}\n';
    expect((await read(lines, { format: 'records', columns: { layer: 'L', experts: 'E' } })).tokens).toBe(2);
  });

  it('keeps requests apart and in order of appearance', async () => {
    const { requests } = await read('request,token,layer,experts\nb,4,0,1\na,0,0,2\nb,5,0,3\na,1,0,4\n');
    expect(requests.map(({ id, start, decode }) => [id, start, decode])).toEqual([
      [0, 0, 2],
      [1, 2, 2],
    ]);
  });

  it.each([
    ['a token twice', 'token,layer,experts\n0,0,1 2\n1,0,1\n0,0,3 4\n', /token 0 of request 0 is recorded twice at layer 0/],
    ['a gap', 'token,layer,experts\n0,0,1\n2,0,1\n0,1,1\n2,1,1\n', /request 0, token 1 is missing; the recording has gaps/],
    ['a huge gap', 'token,layer,experts\n0,0,1\n2000000000,0,1\n', /positions run to 2000000000, more than there are rows/],
    ['a negative layer', 'token,layer,experts\n0,-3,1\n', /layer -3 is not a layer number/],
    ['a phase that is none', 'token,layer,experts,phase\n0,0,1,later\n', /:2: phase "later" is neither/],
    ['an id that is no number', 'token,layer,experts\n0,0,one\n', /:2: experts is "one"/],
    ['a missing field', 'token,layer,experts\n0\n', /:2: layer is ""/],
    ['a row without its experts', 'token,layer,experts\n0,0\n', /:2: not 3 fields, as the header has/],
    ['a list without quotation marks', 'token,layer,experts\n0,0,[3, 41]\n', /:2: not 3 fields.*"\[3, 41\]"/],
    ['text behind a quotation mark', 'token,layer,experts\n0,0,"3"x\n', /:2: layer is ""/],
    ['an id with a fraction', 'token,layer,experts\n0,0,1.5\n', /:2: experts is "1.5"; numbers are expected/],
    ['an id that 32 bits cut to another', 'token,layer,experts\n0,0,4294967299\n', /:2: experts is "4294967299"/],
    ['a number of another base', 'token,layer,experts\n0,0x1,1\n', /:2: layer is "0x1"; a whole number is expected/],
  ])('refuses %s', async (_what, text, message) => {
    await expect(read(text)).rejects.toThrow(message);
  });

  it('a column map chooses the table, and no other format takes one', async () => {
    const columns = { layer: 'blk', experts: 'sel' };
    expect((await read('blk,sel\n0,1\n0,2\n', { columns })).meta.format).toBe('csv');
    expect((await read('{"blk":0,"sel":[1]}\n{"blk":0,"sel":[2]}\n', { columns })).meta.format).toBe('records');
    await expect(read(fixtures.imp!.bytes, { columns, format: 'imp' })).rejects.toThrow(
      /--trace-columns: format imp has columns of its own; leave the map out, or name one of parquet, records, csv/,
    );
  });

  it('reads token ids of the usual name', async () => {
    expect((await read('token,layer,expert,token_id\n0,0,1,55\n1,0,2,66\n')).columns.tokenId).toEqual([55, 66]);
  });
});

describe('record lines', () => {
  it.each([
    ['a missing field', '{"selected_expert_ids":[1]}', /layer_id is undefined/],
    [
      'ids that are none',
      '{"request_id":"a","token_index":0,"layer_id":0,"selected_expert_ids":["x"]}',
      /selected_expert_ids is not a list of expert ids/,
    ],
    [
      'an id that 32 bits cut to another',
      '{"request_id":"a","token_index":0,"layer_id":0,"selected_expert_ids":[4294967299]}',
      /selected_expert_ids is not a list of expert ids/,
    ],
    ['an id of Megatron that 32 bits cut', '{"layer":0,"top_indices":[[4294967299]]}', /top_indices\[0\] is not 1 expert ids/],
    ['an id out of range', '{"request_id":"a","token_index":0,"layer_id":0,"selected_expert_ids":[70000]}', /70000 is not an expert id/],
  ])('refuse %s', async (_what, line, message) => {
    await expect(read(`${line}\n`)).rejects.toThrow(message);
  });

  it('passes over Megatron rows of other stages', async () => {
    const text = `{"stage":"post_dispatch","layer":9,"top_indices":[[9]]}\n${Buffer.from(fixtures.megatron!.bytes).toString()}`;
    expect((await read(text)).columns.experts).toEqual(routing.flat(2));
    expect(passes).toHaveLength(6);
  });
});
