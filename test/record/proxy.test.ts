// `record --proxy` before servers that answer as those of vLLM and SGLang do: what the client gets, and what the trace holds.
import http from 'node:http';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { AnswerFile } from '../../src/record/answer-file.js';
import { type ProxyRecording, recordThroughProxy } from '../../src/record/proxy.js';
import { RecordedAnswers } from '../../src/record/proxy-rows.js';
import { contentOf, uniformModel } from '../trace/builders.js';
import { EXPERTS, GENERATED, LAYERS, PROMPT, ROWS, routingOf, rowIds, type TestServer, TOP_K, testServer } from './servers.js';

const model = uniformModel(LAYERS, EXPERTS, TOP_K);
let server: TestServer;
beforeEach(async () => {
  server = await testServer();
});
afterEach(() => server.close());

/** Runs clients through a proxy. */
async function through(
  work: (url: string, end: () => void) => Promise<void>,
  more: { readonly most?: number; readonly keepText?: boolean; readonly to?: string } = {},
): Promise<ProxyRecording & { readonly told: string[] }> {
  const told: string[] = [];
  const { keepText = false, most = Number.POSITIVE_INFINITY, to = server.url } = more;
  let working: Promise<void> = Promise.resolve();
  const request = { server: new URL(to), host: '127.0.0.1', port: 0, options: { model }, rows: new AnswerFile(null), keepText, most };
  const recording = await recordThroughProxy({
    ...request,
    tell: (line) => void told.push(line),
    ready: (port, end) => {
      working = work(`http://127.0.0.1:${port}`, end);
      void working.finally(end);
    },
  });
  await working;
  return { ...recording, told };
}

const post = (url: string, body: unknown): Promise<Response> =>
  fetch(url, {
    method: 'POST',
    body: typeof body === 'string' ? body : JSON.stringify(body),
    headers: { 'content-type': 'application/json' },
  });

/** The rows of answers of numbers, in this order. */
function expectRows({ trace }: ProxyRecording, numbers: readonly number[]): void {
  const { columns, requests } = contentOf(trace, 16);
  expect(columns.experts).toEqual(numbers.flatMap(routingOf));
  expect(requests).toEqual(numbers.map((_, id) => ({ id, start: id * ROWS, prefill: PROMPT, decode: GENERATED - 1 })));
  trace.close();
}

describe('what a client gets', () => {
  it.each([
    ['/generate', { text: '3' }],
    ['/generate', { text: '3', stream: true }],
    ['/v1/completions', { prompt: '3' }],
    ['/v1/completions', { prompt: '3', return_token_ids: true }],
    ['/v1/chat/completions', { messages: [{ role: 'user', content: '3' }], stream: true }],
    ['/v1/chat/completions', { messages: [{ role: 'user', content: '3' }], stream: true, stream_options: { include_usage: true } }],
    ['/generate', { text: '3', return_routed_experts: true }],
  ])('of SGLang, %s %j, is what the server sends without the proxy', async (path, body) => {
    const direct = await (await post(server.url + path, body)).text();
    const recording = await through(async (url) => {
      expect((await (await post(url + path, body)).text()).replace(/,"sglext":\{"routed_experts":null\}/, '')).toBe(direct);
    });
    expectRows(recording, [3]);
    expect([...recording.missed]).toEqual([]);
  });

  it.each([
    ['/vllm/v1/completions', { prompt: '5' }],
    ['/inference/v1/generate', { token_ids: [1, 2, 3, 4], text: '5' }],
    ['/inference/v1/generate', { token_ids: [1, 2, 3, 4], text: '5', stream: true }],
  ])('of vLLM, %s %j, is that with null for the routed experts', async (path, body) => {
    const direct = await (await post(server.url + path, body)).text();
    const recording = await through(async (url) => {
      expect(await (await post(url + path, body)).text()).toBe(direct.replace(/"routed_experts":"[^"]*"/, '"routed_experts":null'));
    });
    expectRows(recording, [5]);
  });

  it('of anything else is untouched, and so are errors', async () => {
    const { missed } = await through(async (url) => {
      expect(await (await fetch(`${url}/v1/models?a=1`, { headers: { 'x-own': 'me' } })).text()).toBe(
        '{"path": "/v1/models?a=1", "host": "me"}',
      );
      const refused = await post(`${url}/v1/completions`, { prompt: '-1' });
      expect([refused.status, await refused.text()]).toEqual([400, '{"error":  {"message": "no"}}']);
      await post(`${url}/generate`, { text: '1' });
    });
    expect([...missed]).toEqual([['a reply of status 400', 1]]);
  });

  it('of a server that is not there is status 502 and a line of JSON', async () => {
    const gone = await testServer();
    gone.close();
    await expect(
      through(
        async (url) => {
          const reply = await post(`${url}/generate`, { text: '1' });
          expect([reply.status, ((await reply.json()) as { error: { message: string } }).error.message]).toEqual([
            502,
            expect.stringMatching(/^moeprof record: http:.* does not answer: /),
          ]);
        },
        { to: gone.url },
      ),
    ).rejects.toThrow(/no answer with routed experts has passed; nothing is written/);
  });
});

describe('what a server gets', () => {
  it('is the request with what asks for routing, and every other byte as it was', async () => {
    const { trace } = await through(async (url) => {
      await post(`${url}/generate`, '{"text":"1", "seed": 12345678901234567890,  "t": 1.0}');
      await post(`${url}/v1/completions`, '{"prompt": "1", "stream":true, "stream_options": {"x": 1}}');
      await post(`${url}/v1/embeddings`, '{"prompt": "1"}');
      // What stands there already is changed where it stands.
      const options = '"seed": 12345678901234567890, "stream_options" : {"x": 1} ,"stream":true';
      await post(`${url}/v1/completions`, `{ "a\\"}": [{"stream": 1}, "]"], "return_routed_experts": false, ${options} }\n`);
    });
    trace.close();
    expect(server.bodies[3]).toBe(
      '{ "a\\"}": [{"stream": 1}, "]"], "return_routed_experts":true, "seed": 12345678901234567890, "stream_options" :{"x":1,"include_usage":true},"stream":true ,"return_token_ids":true}\n',
    );
    expect(server.bodies[0]).toBe('{"text":"1", "seed": 12345678901234567890,  "t": 1.0,"return_routed_experts":true}');
    expect(JSON.parse(server.bodies[1]!)).toEqual({
      prompt: '1',
      stream: true,
      stream_options: { x: 1, include_usage: true },
      return_routed_experts: true,
      return_token_ids: true,
    });
    expect(server.bodies[2]).toBe('{"prompt": "1"}');
  });
});

describe('the trace', () => {
  it('has no ids of tokens, unless they are asked for', async () => {
    const work = async (url: string): Promise<void> => void (await (await post(`${url}/v1/completions`, { prompt: '1' })).text());
    const plain = await through(work);
    expect([plain.trace.has.tokenIds, plain.trace.meta.model]).toEqual([false, 'Qwen/Qwen3-30B-A3B']);
    plain.trace.close();
    const kept = await through(work, { keepText: true });
    expect(contentOf(kept.trace, 16).columns.tokenId).toEqual(rowIds);
    kept.trace.close();
  });

  it('holds the answers of many clients at once, each whole', async () => {
    const numbers = Array.from({ length: 40 }, (_, at) => at % EXPERTS);
    const { missed, recorded, trace } = await through(async (url) => {
      const one = async (number: number, at: number): Promise<void> => {
        const body = { text: String(number), prompt: String(number), stream: at % 2 === 0 };
        await (await post(url + ['/generate', '/v1/completions', '/inference/v1/generate'][at % 3], body)).text();
      };
      await Promise.all(numbers.map(one));
    });
    expect([recorded, missed.size]).toEqual([40, 0]);
    const { columns, requests } = contentOf(trace, 64);
    const width = ROWS * LAYERS * TOP_K;
    const firsts = requests.map((_, id) => columns.experts[id * width]!);
    expect([...firsts].sort((a, b) => a - b)).toEqual([...numbers].sort((a, b) => a - b));
    for (const [id, first] of firsts.entries()) expect(columns.experts.slice(id * width, (id + 1) * width)).toEqual(routingOf(first));
    trace.close();
  });

  it('goes on behind a reply that cannot be read', async () => {
    const recording = await through(async (url) => {
      await expect(post(`${url}/broken/generate`, { text: '2', stream: true }).then((reply) => reply.text())).rejects.toThrow();
      // The prompt of this one is of another length than its request says.
      await (await post(`${url}/generate`, { text: '2', routed_experts_start_len: 2 })).text();
      await (await post(`${url}/generate`, { text: '7' })).text();
    });
    expect([...recording.missed.values()]).toEqual([1, 1]);
    expect(recording.told.map((line) => line.slice(0, 40))).toEqual([
      expect.stringMatching(/^not recorded: the exchange broke off/),
      expect.stringMatching(/^not recorded: a reply/),
    ]);
    expect(recording.trace.meta.notes.answers_without_routing).toBe('2');
    expectRows(recording, [7]);
  });
});

describe('the end', () => {
  it('comes after so many answers, though a client keeps its connection', async () => {
    const agent = new http.Agent({ keepAlive: true });
    const recording = await through(
      async (url) => {
        for (const number of [1, 2]) {
          await new Promise<void>((done, fail) => {
            const request = http.request(`${url}/generate`, { method: 'POST', agent }, (reply) => void reply.on('end', done).resume());
            request.on('error', fail).end(JSON.stringify({ text: String(number) }));
          });
        }
      },
      { most: 2 },
    );
    agent.destroy();
    expectRows(recording, [1, 2]);
  });

  it('waits for the answer that is under way', async () => {
    const recording = await through(async (url, end) => {
      const late = post(`${url}/slow/generate`, { text: '9' });
      while (server.bodies.length === 0) await new Promise((done) => setTimeout(done, 5));
      end();
      expect((await late).status).toBe(200);
    });
    expectRows(recording, [9]);
  });
});

describe('a client', () => {
  it('that goes away ends the request at the server, and one that reads nothing stops it', async () => {
    const { missed, trace } = await through(async (url) => {
      const request = http.request(`${url}/endless/generate`, { method: 'POST' });
      const reply = await new Promise<http.IncomingMessage>((done) => void request.on('response', done).end('{"text":"1","stream":true}'));
      reply.pause();
      let before = -1;
      // The server's socket, the proxy and the client's take some; then nothing moves.
      for (let still = 0; still < 5; still = server.sent === before ? still + 1 : 0) {
        before = server.sent;
        await new Promise((done) => setTimeout(done, 100));
      }
      expect(server.sent).toBeLessThan(64 * 2 ** 20);
      reply.destroy();
      request.destroy();
      while (server.gone === 0) await new Promise((done) => setTimeout(done, 5));
      await (await post(`${url}/generate`, { text: '4' })).text();
    });
    expect([...missed.values()]).toEqual([1]);
    trace.close();
  });
});

it.each([
  ['b12191-4b060f2', /^it has no routed experts; llama-server .* LLAMA_MOE_CACHE_TRACE=t\.mct1 llama-server .* -t t\.mct1$/],
  ['fp_44709d6fcb', /^it has no routed experts; start the server with --enable-return-routed-experts/],
  [undefined, /^it has no routed experts; start the server with --enable-return-routed-experts/],
])('a silent answer of %s says how such a server records', (system_fingerprint, message) => {
  const answers = new RecordedAnswers({}, new AnswerFile(null), false, () => undefined);
  answers.add({ system_fingerprint, choices: [{ index: 0, message: { role: 'assistant', content: '4' } }] }, undefined);
  expect([...answers.missed.keys()]).toEqual([expect.stringMatching(message)]);
});
