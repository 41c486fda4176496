// Replies of servers: which rows are the prompt, what is refused, and that no damage gives another reading.
import { describe, expect, it } from 'vitest';
import { UserError } from '../../../src/base/errors.js';
import { Random } from '../../../src/base/random.js';
import { auditTrace } from '../../../src/trace/audit/index.js';
import { openTrace } from '../../../src/trace/open/open.js';
import { cases } from '../../cases.js';
import { contentOf, fileOf, temporaryFolder, uniformModel } from '../builders.js';
import { EXPERTS, flat, LAYERS, npyBytes, PROMPT, routing, TOKENS, TOP_K } from './fixtures.js';
import { type ReplyShape, replyShapes } from './replies.js';

const folder = temporaryFolder();
const model = uniformModel(LAYERS, EXPERTS, TOP_K);
let files = 0;

async function read(text: string, options: Parameters<typeof openTrace>[1] = { model }) {
  const trace = await openTrace(fileOf(folder, `${files++}.json`, text), options);
  try {
    return { ...contentOf(trace, 4), meta: trace.meta, found: auditTrace(trace).map(({ what }) => what) };
  } finally {
    trace.close();
  }
}

/** What a shape holds: its columns, and its requests. */
function truthOf({ answers = 1, first = 0, ids }: ReplyShape) {
  const rows = TOKENS - first;
  const all = Array.from({ length: answers }, (_, at) => at);
  return {
    requests: all.map((at) => ({ id: at, start: at * rows, prefill: PROMPT - first, decode: TOKENS - PROMPT })),
    experts: all.flatMap(() => flat('tlk', first)),
    position: all.flatMap(() => routing.map((_, token) => token).slice(first)),
    tokenId: ids === undefined ? [] : all.flatMap(() => routing.map((_, token) => 100 + token).slice(first)),
  };
}

const readingOf = ({ columns, requests }: Awaited<ReturnType<typeof read>>) => ({
  requests,
  experts: columns.experts,
  position: columns.position,
  tokenId: columns.tokenId ?? [],
});

describe('the prompt and the answer of', () => {
  it.each(Object.entries(replyShapes))('%s', async (_, shape) => {
    const content = await read(shape.text, shape.needsModel ? { model } : {});
    expect(readingOf(content)).toEqual(truthOf(shape));
    expect(content.has.phases).toBe(true);
    expect(content.meta.format).toBe(shape.format);
  });

  it('are at least twelve shapes', () => {
    expect(Object.keys(replyShapes).length).toBeGreaterThanOrEqual(12);
  });
});

/** Numbers that say where the prompt ends; everything else of a reply may be damaged in any way. */
const ARRAYS = ['routed_experts', 'prompt_routed_experts', 'data'];

/** A reply damaged in one place of its structure: a field is lost, renamed or of another type, a count is off, a list is cut, or the text is. */
function damaged(text: string, random: Random): string {
  if (random.below(5) === 0) return text.slice(0, random.below(text.length));
  const lines = text.split('\n');
  const at = random.below(lines.length);
  const head = lines[at]!.startsWith('data: ') ? 'data: ' : '';
  const json = lines[at]!.slice(head.length);
  if (!json.startsWith('{')) return lines.filter((_, line) => line !== at).join('\n');
  const value = JSON.parse(json) as unknown;
  damage(value, random);
  lines[at] = head + JSON.stringify(value);
  return lines.join('\n');
}

function damage(root: unknown, random: Random): void {
  type Place = readonly [holder: Record<string, unknown>, key: string];
  const places: Place[] = [];
  const walk = (value: unknown): void => {
    if (typeof value !== 'object' || value === null) return;
    for (const key of Object.keys(value)) {
      places.push([value as Record<string, unknown>, key]);
      if (!ARRAYS.includes(key)) walk((value as Record<string, unknown>)[key]);
    }
  };
  walk(root);
  const [holder, key] = places[random.below(places.length)]!;
  const value = holder[key];
  const kind = random.below(4);
  if (kind === 0 && !Array.isArray(holder)) delete holder[key];
  else if (kind === 1 && !Array.isArray(holder)) {
    holder[`${key}_`] = value;
    delete holder[key];
  } else if (kind === 2) holder[key] = [null, -1, 1.5, 'x', [], {}, true, 2 ** 53, [[1]], [[[1]]]][random.below(10)];
  else if (typeof value === 'number') holder[key] = value + [1, -1, 5, -5][random.below(4)]!;
  else if (typeof value === 'string') holder[key] = value.slice(0, random.below(value.length + 1));
  else if (Array.isArray(value) && value.length > 0) value.splice(random.below(value.length), 1);
  else holder[key] = 7;
}

/** One line that a terminal can show. */
const PRINTABLE = /^[\x20-\x7e…]+$/;

describe('a damaged reply', () => {
  it.each(Object.entries(replyShapes))('%s is refused in one line, or read as before', { timeout: 120_000 }, async (name, shape) => {
    const truth = truthOf(shape);
    const runs = cases(1000, 50);
    let refused = 0;
    for (let run = 0; run < runs; run++) {
      const text = damaged(shape.text, new Random(run, `replies/${name}`));
      try {
        const content = await read(text);
        const { experts, requests, tokenId, ...rest } = readingOf(content);
        // An answer may be lost where the notes count it, and ids may be, which a trace then says it has not; nothing may be another.
        const lost = Number(content.meta.notes.answers_without_routing ?? 0);
        const kept = requests.length;
        expect(kept + lost, text).toBeGreaterThanOrEqual(shape.answers ?? 1);
        const whole = truthOf({ ...shape, answers: kept });
        expect({ experts, requests, ...rest }, text).toEqual({
          experts: whole.experts,
          requests: whole.requests,
          position: whole.position,
        });
        if (content.has.tokenIds) expect(tokenId.length, text).toBe(whole.tokenId.length);
      } catch (error) {
        if (!(error instanceof UserError)) throw error;
        expect(error.message).toMatch(PRINTABLE);
        refused++;
      }
    }
    expect(refused).toBeGreaterThan(runs / 10);
    expect(truth.experts.length).toBeGreaterThan(0);
  });
});

it.each(['9007199254740993', '-1', '{}'])('a token id that is none, %s, is refused where a count would leave it out', async (id) => {
  const { text } = replyShapes['vLLM generate, streamed']!;
  const damaged = text.replace(/"token_ids":\[(\d+),/, `"token_ids":[$1,${id},`);
  expect(damaged).not.toBe(text);
  await expect(read(damaged)).rejects.toThrow('entry 1 of its token ids is none; the reply is damaged');
});

const choice = (more: object) => ({ index: 0, text: 'a', ...more });
const npy = Buffer.from(npyBytes('|u1', [TOKENS, LAYERS, TOP_K], Uint8Array.from(flat('tlk')))).toString('base64');
const generated = TOKENS - PROMPT + 1;

describe('a reader of replies', () => {
  it('computes offsets that the field states otherwise: 4 rows of the prompt and 11 generated', async () => {
    // A prompt of 20 and 12 generated tokens make 31 rows; with routed_experts_prompt_start=16 the last 15 come.
    const rows = npyBytes(
      '|u1',
      [15, 1, 2],
      Uint8Array.from({ length: 30 }, (_, at) => (at % 2 === 0 ? at / 2 : 20)),
    ).toString('base64');
    const { columns, requests } = await read(
      JSON.stringify({
        object: 'text_completion',
        choices: [choice({ routed_experts: rows })],
        usage: { prompt_tokens: 20, completion_tokens: 12 },
      }),
      {},
    );
    expect(requests).toEqual([{ id: 0, start: 0, prefill: 4, decode: 11 }]);
    expect(columns.position).toEqual(Array.from({ length: 15 }, (_, at) => 16 + at));
  });

  it.each([
    [
      'no count of tokens',
      { choices: [choice({ routed_experts: npy })] },
      /nothing says which of its 11 rows are of the prompt; keep the whole reply/,
    ],
    ['a prompt alone', { prompt_routed_experts: routing, choices: [choice({ routed_experts: null })] }, /of the prompt alone/],
    [
      'ids and usage that disagree',
      { choices: [choice({ routed_experts: npy, token_ids: [1, 2] })], usage: { prompt_tokens: PROMPT, completion_tokens: generated } },
      /completion_tokens are 2 in one place and 6 in another/,
    ],
    [
      'totals that do not add up',
      { choices: [choice({ routed_experts: npy })], usage: { prompt_tokens: PROMPT + 1, completion_tokens: generated, total_tokens: 12 } },
      /total_tokens 12 are not 7 of the prompt and 6 generated/,
    ],
    [
      'more rows than tokens',
      { choices: [choice({ routed_experts: npy })], usage: { prompt_tokens: 2, completion_tokens: 3 } },
      /11 rows of 5 layers x top-3, but prompt and output make 4|but 2 tokens of the prompt/,
    ],
    [
      'one routing for two answers',
      { choices: [choice({}), choice({})], sglext: { routed_experts: 'AAAA' }, usage: { prompt_tokens: 1, completion_tokens: 2 } },
      /the routed experts of one of its 2 answers; ask for one answer a request/,
    ],
    [
      'base85 of an older dynamo',
      { choices: [choice({})], nvext: { routed_experts: { data: '0'.repeat(210), shape: [11, 5, 3], dtype: 'uint8' } } },
      /was it cut, or written as base85/,
    ],
    [
      'a shape that is none',
      { choices: [choice({})], nvext: { routed_experts: { data: '', shape: [11, -5, 3], dtype: 'uint8' } } },
      /not \{"data": base64/,
    ],
    [
      'an unknown dtype',
      { choices: [choice({})], nvext: { routed_experts: { data: '', shape: [1, 5, 3] } } },
      /not \{"data": base64|dtype is undefined; known are/,
    ],
  ])('refuses %s', async (_, reply, message) => {
    const text = JSON.stringify({ object: 'text_completion', ...reply });
    await expect(read(text)).rejects.toThrow(UserError);
    await expect(read(text)).rejects.toThrow(message);
  });
});

describe('a stream of events', () => {
  it('is refused where routed experts come in parts', async () => {
    const event = (routed: string) =>
      `data: ${JSON.stringify({ request_id: 'g', choices: [{ index: 0, token_ids: [1], routed_experts: routed }] })}\n\n`;
    await expect(read(event(npy) + event('AAAA'))).rejects.toThrow(/come in several parts/);
  });

  it('follows another, and an answer without routing is counted', async () => {
    const shape = replyShapes['vLLM generate, streamed']!;
    const { found, meta, requests } = await read(
      `${shape.text}data: {"request_id":"h","choices":[{"index":0,"token_ids":[5]}]}\n\n${shape.text}`,
      {},
    );
    expect(requests.map(({ prefill }) => prefill)).toEqual([PROMPT, PROMPT]);
    expect(meta.notes.answers_without_routing).toBe('1');
    expect(found).toContain('1 answer of a server came without routed experts, and none of that is in the trace.');
  });
});
