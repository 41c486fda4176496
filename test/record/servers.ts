// A server that answers as those of SGLang and vLLM do (sources: test/trace/formats/replies.ts), with routing that its requests choose: the prompt is a
// number, and the answer of number n chooses experts n, n + 1, n + 2 at the first token.
import http from 'node:http';
import type { AddressInfo } from 'node:net';
import { npyBytes } from '../trace/formats/fixtures.js';

export const LAYERS = 3;
export const EXPERTS = 16;
export const TOP_K = 2;
export const PROMPT = 4;
export const GENERATED = 3;
export const ROWS = PROMPT + GENERATED - 1;

/** Experts of the answer of a number, [tokens, layers, top-k]. */
export function routingOf(number: number): number[] {
  return Array.from({ length: ROWS * LAYERS * TOP_K }, (_, at) => {
    const [token, choice] = [Math.floor(at / (LAYERS * TOP_K)), at % TOP_K];
    return (number + token + 5 * choice) % EXPERTS;
  });
}

const promptIds = Array.from({ length: PROMPT }, (_, at) => 100 + at);
const ownIds = Array.from({ length: GENERATED }, (_, at) => 200 + at);
/** Token ids of the rows of an answer. */
export const rowIds = [...promptIds, ...ownIds].slice(0, ROWS);

const int32 = (number: number): string => Buffer.from(Int32Array.from(routingOf(number)).buffer).toString('base64');
const npy = (number: number): string =>
  Buffer.from(npyBytes('|u1', [ROWS, LAYERS, TOP_K], Uint8Array.from(routingOf(number)))).toString('base64');

type Body = Readonly<Record<string, unknown>> & { readonly stream_options?: { readonly include_usage?: boolean } };
const usage = { prompt_tokens: PROMPT, total_tokens: PROMPT + GENERATED, completion_tokens: GENERATED };

/** Texts of an answer: one, or the events of a stream. Numbers and blanks are as no serializer of ours writes them. */
export function answerOf(path: string, body: Body, number: number): string | string[] {
  const asked = body.return_routed_experts === true;
  const ids = (list: readonly number[]): string => JSON.stringify(body.return_token_ids === true ? list : null);
  const event = (text: string): string => `data: ${text}\n\n`;
  const counted = body.stream_options?.include_usage === true;
  if (path === '/generate') {
    const info = `"meta_info":{"id":"g${number}", "prompt_tokens":${PROMPT}, "completion_tokens":${GENERATED}, "e2e_latency":1.50, "routed_experts":${asked ? `"${int32(number)}"` : 'null'}}`;
    return body.stream === true
      ? [event(`{"text":"a"}`), event(`{"text":"ab",${info}}`), 'data: [DONE]\n\n']
      : `{"text":"a \\"routed_experts\\": [1]", ${info}}`;
  }
  if (path === '/inference/v1/generate') {
    const choice = (list: readonly number[], routed: string): string =>
      `{"index":0,"token_ids":${JSON.stringify(list)},"routed_experts":${routed}}`;
    if (body.stream !== true)
      return `{"request_id":"i${number}","choices":[${choice(ownIds, `"${npy(number)}"`)}],"usage":${JSON.stringify(usage)}}`;
    return [
      event(`{"request_id":"i${number}","choices":[${choice(ownIds.slice(0, 1), 'null')}]}`),
      event(`{"request_id":"i${number}","choices":[${choice(ownIds.slice(1), `"${npy(number)}"`)}]}`),
      ...(counted ? [event(`{"request_id":"i${number}","choices":[],"usage":${JSON.stringify(usage)}}`)] : []),
      'data: [DONE]\n\n',
    ];
  }
  const head = `"id":"c${number}","model":"Qwen/Qwen3-30B-A3B"`;
  if (path.startsWith('/vllm/'))
    return `{${head},"prompt_token_ids":${ids(promptIds)},"choices":[{"index":0,"logprob":-0.0,"token_ids":${ids(ownIds)},"routed_experts":"${npy(number)}"}],"usage":${JSON.stringify(usage)}}`;
  if (body.stream !== true)
    return `{${head},"choices":[{"index":0,"text":"é","token_ids":${ids(ownIds)},"prompt_token_ids":${ids(promptIds)}}],"usage":${JSON.stringify(usage)}${asked ? `,"sglext":{"routed_experts":"${int32(number)}"}` : ''}}`;
  return [
    event(
      `{${head},"choices":[{"index":0,"delta":{"content":"h\u00e9"},"token_ids":${ids(ownIds)},"prompt_token_ids":${ids(promptIds)}}]}`,
    ),
    ...(asked ? [event(`{${head},"choices":[],"sglext":{"routed_experts":"${int32(number)}"}}`)] : []),
    ...(counted ? [event(`{${head},"choices":[],"usage":${JSON.stringify(usage)}}`)] : []),
    'data: [DONE]\n\n',
  ];
}

/** What a test sees of a server. */
export interface TestServer {
  readonly url: string;
  /** Bodies of requests, as they came. */
  readonly bodies: string[];
  /** Requests whose client went away before the answer had ended. */
  gone: number;
  /** Bytes that the endless answer has handed to its socket. */
  sent: number;
  close(): void;
}

/** A server on any free port of this machine. `/broken` breaks off in a stream, `/endless` streams until nobody listens, `/slow` answers late. */
export async function testServer(): Promise<TestServer> {
  const state = { bodies: [] as string[], gone: 0, sent: 0 };
  const server = http.createServer(async (request, reply) => {
    const parts: Buffer[] = [];
    for await (const part of request) parts.push(part as Buffer);
    const text = Buffer.concat(parts).toString();
    state.bodies.push(text);
    reply.on('close', () => void (reply.writableFinished || state.gone++));
    const path = request.url!;
    if (request.method === 'GET') return void reply.end(`{"path": "${path}", "host": "${request.headers['x-own']}"}`);
    const body = JSON.parse(text) as Body;
    const number = Number(body.prompt ?? body.text ?? (body.messages as { content: string }[] | undefined)?.[0]?.content ?? 0);
    if (number < 0) {
      reply.writeHead(400, { 'content-type': 'application/json' });
      return void reply.end('{"error":  {"message": "no"}}');
    }
    if (path.startsWith('/slow')) await new Promise((done) => setTimeout(done, 300));
    if (path.startsWith('/endless')) {
      reply.writeHead(200, { 'content-type': 'text/event-stream' });
      const block = `data: {"text":"${'x'.repeat(64 * 1024)}"}\n\n`;
      const more = (): void => {
        while (!reply.destroyed && state.sent < 256 * 2 ** 20) {
          state.sent += block.length;
          if (!reply.write(block)) return void reply.once('drain', more);
        }
      };
      return more();
    }
    const answer = answerOf(path.replace(/^\/(slow|broken)/, ''), body, number);
    if (typeof answer === 'string') {
      reply.writeHead(200, { 'content-type': 'application/json' });
      return void reply.end(answer);
    }
    reply.writeHead(200, { 'content-type': 'text/event-stream; charset=utf-8' });
    for (const [index, part] of answer.entries()) {
      if (path.startsWith('/broken') && index === 1) return void reply.destroy();
      // Events come cut in two, in the middle of a letter where there is one.
      const bytes = Buffer.from(part);
      const cut = bytes.includes(0xc3) ? bytes.indexOf(0xc3) + 1 : Math.floor(bytes.length / 2);
      reply.write(bytes.subarray(0, cut));
      await new Promise((done) => setImmediate(done));
      reply.write(bytes.subarray(cut));
    }
    reply.end();
  });
  await new Promise<void>((done) => void server.listen(0, '127.0.0.1', done));
  const { port } = server.address() as AddressInfo;
  return Object.assign(state, {
    url: `http://127.0.0.1:${port}`,
    close() {
      server.closeAllConnections();
      server.close();
    },
  });
}
