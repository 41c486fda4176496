// `record --proxy` before servers that lie, and behind pages of other sites: each exchange ends, and the next is recorded.
import http from 'node:http';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { AnswerFile } from '../../src/record/answer-file.js';
import { recordThroughProxy } from '../../src/record/proxy.js';
import type { ProxyBounds } from '../../src/record/proxy-bounds.js';
import { addressAt } from '../../src/record/proxy-exchange.js';
import { contentOf, uniformModel } from '../trace/builders.js';
import { LIES, liar } from './liars.js';
import { EXPERTS, LAYERS, routingOf, type TestServer, TOP_K, testServer } from './servers.js';

const model = uniformModel(LAYERS, EXPERTS, TOP_K);
/** Small, so that no test waits for them, but for times: a machine may be busy. */
const BOUNDS: Partial<ProxyBounds> = { bytes: 2 ** 22, bytesOfAll: 2 ** 24, events: 1000, interim: 8 };
const SHORT = { beginMs: 100, wholeMs: 100 };
let honest: TestServer;
let lying: Awaited<ReturnType<typeof liar>>;
beforeAll(async () => {
  honest = await testServer();
  lying = await liar(honest.url);
});
afterAll(() => {
  lying.close();
  honest.close();
});

/** Runs clients through a proxy, and then one whose answer is recorded. */
async function through(
  work: (url: string) => Promise<void>,
  bounds: Partial<ProxyBounds> = {},
): Promise<{ told: string[]; missed: [string, number][] }> {
  const told: string[] = [];
  let working: Promise<void> = Promise.resolve();
  const { missed, recorded, trace } = await recordThroughProxy({
    ...{
      server: new URL(lying.url),
      host: '127.0.0.1',
      port: 0,
      options: { model },
      rows: new AnswerFile(null),
      keepText: false,
      bounds: { ...BOUNDS, ...bounds },
    },
    most: Number.POSITIVE_INFINITY,
    tell: (line) => void told.push(line),
    ready: (port, end) => {
      working = work(`http://127.0.0.1:${port}`).then(() => post(`http://127.0.0.1:${port}/generate`, { text: '7' }).then(() => undefined));
      void working.finally(end);
    },
  });
  await working;
  expect(recorded).toBe(1);
  expect(contentOf(trace, 16).columns.experts).toEqual(routingOf(7));
  trace.close();
  return { told, missed: [...missed] };
}

/** Status and size of an answer; `broken`: it ended before its end. */
async function post(url: string, body: unknown): Promise<string> {
  const reply = await fetch(url, { method: 'POST', body: JSON.stringify(body) });
  const size = await reply.arrayBuffer().then(
    ({ byteLength }) => String(byteLength),
    () => 'broken',
  );
  return `${reply.status} ${size}`;
}

/** What a client gets of each lie, and what is told. */
const OUTCOMES: Readonly<Record<keyof typeof LIES, readonly [got: RegExp, told: RegExp]>> = {
  'another protocol': [/^502/, /does not answer: it switches to another protocol, which was not requested$/],
  'hints without an end': [/^502/, /does not answer: more than 8 interim answers \(1xx\)$/],
  'an event without an end': [/broken$/, /^the exchange broke off: a body or event of more than 4\.00 MiB$/],
  'an event of lines without an end': [/broken$/, /^the exchange broke off: a body or event of more than 4\.00 MiB$/],
  'empty events without an end': [/broken$/, /^the exchange broke off: a stream of more than 1,000 events$/],
  'a body without an end': [/broken$/, /^the exchange broke off: a body or event of more than 4\.00 MiB$/],
  'a body that drips': [/broken$/, /^the exchange broke off: a body or event that is not whole after 0\.1 s$/],
  'an event that drips': [/broken$/, /^the exchange broke off: a body or event that is not whole after 0\.1 s$/],
  nothing: [/^502/, /does not answer: nothing came for 0\.1 s$/],
  'a status below all': [/^502/, /does not answer: its status is 10$/],
  'an answer after the answer': [/^(502|200 2$)/, /does not answer: Parse Error|choices is missing or not a list/],
  'a type of its own each time': [/^200 2$/, /^a reply of type text\/x0y+$/],
  'lists in lists': [/^200 100000$/, /not a JSON object$/],
  'as many answers as fit': [/^200 60031$/, /^a reply: has more than 10,000 answers$/],
  'another field in each event': [/^200 /, /has no routed experts|choices is missing/],
  'rows of more than a million tokens': [/^200 /, /^a reply: has 1,200,000 rows; no context is longer than 1,048,576$/],
};

describe('a server that sends', () => {
  it.each(Object.keys(LIES))('%s ends, and the next answer is recorded', async (lie) => {
    const [got, why] = OUTCOMES[lie]!;
    const { missed } = await through(
      async (url) => {
        const place = Object.keys(LIES).indexOf(lie);
        expect(await post(`${url}/${place}/generate`, { text: '1', stream: true }).catch(() => 'broken')).toMatch(got);
      },
      /drips|nothing/.test(lie) ? SHORT : {},
    );
    expect(missed).toContainEqual([expect.stringMatching(why), expect.any(Number)]);
  });

  it('a reason of its own each time gets twenty lines', async () => {
    const place = Object.keys(LIES).indexOf('a type of its own each time');
    const { missed, told } = await through(async (url) => {
      for (let at = 0; at < 30; at++) await post(`${url}/${place}/generate`, { text: '1' });
    });
    expect([told.length, missed.length, missed.at(-1)]).toEqual([21, 21, ['for other reasons', 10]]);
    for (const line of told) expect(line.length).toBeLessThan(320);
  });

  it('without an end holds up nobody else', async () => {
    await through(async (url) => {
      const place = Object.keys(LIES).indexOf('nothing');
      const gone = new AbortController();
      const waiting = Array.from({ length: 20 }, () =>
        fetch(`${url}/${place}/generate`, { method: 'POST', body: '{}', signal: gone.signal }),
      );
      for (let at = 0; at < 5; at++) expect(await post(`${url}/v1/completions`, { prompt: '-1' })).toMatch(/^400/);
      gone.abort();
      await Promise.allSettled(waiting);
    });
  });
});

describe('a client', () => {
  it('that sends more than a body may have is ended', async () => {
    const { missed } = await through(async (url) => {
      expect(await post(`${url}/generate`, { text: 'x'.repeat(2 ** 23) }).catch(() => 'broken')).toBe('broken');
    });
    expect(missed).toEqual([['the exchange broke off: a body or event of more than 4.00 MiB', 1]]);
  });

  it.each([
    [{ host: 'evil.example' }, 403],
    [{ origin: 'http://evil.example' }, 403],
    [{ origin: 'null' }, 403],
    [{ host: 'localhost', origin: 'http://localhost:3000' }, 400],
    [{ host: '127.0.0.1:1' }, 400],
  ])('with %j gets %i', async (headers, status) => {
    const before = honest.bodies.length;
    await through(async (url) => {
      const answer = await new Promise<http.IncomingMessage>((done) =>
        http.request(`${url}/v1/completions`, { method: 'POST', headers }, done).end('{"prompt": "-1"}'),
      );
      answer.resume();
      expect(answer.statusCode).toBe(status);
    });
    // The one at the end, and those that were let through.
    expect(honest.bodies.length - before).toBe(status === 403 ? 1 : 2);
  });
});

describe('the address at the server', () => {
  it.each([
    ['http://localhost:8000', '/v1/models?a=1', 'http://localhost:8000/v1/models?a=1'],
    ['http://localhost/vllm/', '/generate', 'http://localhost/vllm/generate'],
    ['http://localhost/vllm', '/../../generate?x', 'http://localhost/vllm/generate?x'],
    ['http://localhost/vllm', '/%2e%2e/a', 'http://localhost/vllm/a'],
    ['http://localhost', '//evil.example/a', 'http://localhost//evil.example/a'],
    ['http://localhost', 'http://evil.example/a', 'http://localhost/a'],
    ['http://me:secret@localhost', '/@evil.example/', 'http://me:secret@localhost/@evil.example/'],
    ['http://localhost', 'abc://', null],
    ['http://localhost', '.evil.example/', null],
    ['http://localhost', '*', null],
    ['http://localhost', '', null],
  ])('of %s for %s is %s', (server, target, address) => {
    expect(addressAt(new URL(server), target)?.href ?? null).toBe(address);
  });
});
