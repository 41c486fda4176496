// llama.cpp's record of its expert cache, by hand: what it holds, what it does not, and what damage makes of it.
import { describe, expect, it } from 'vitest';
import { UserError } from '../../../src/base/errors.js';
import { Random } from '../../../src/base/random.js';
import { auditTrace } from '../../../src/trace/audit/index.js';
import { openTrace } from '../../../src/trace/open/open.js';
import { NULL_EXPERT } from '../../../src/trace/trace.js';
import { mutate } from '../../attack/mutate.js';
import { cacheRows, cacheSizes } from '../../attack/second/arrays.js';
import { demandOf } from '../../attack/second/demand.js';
import { contentOf, fileOf, temporaryFolder } from '../builders.js';
import { type CacheGroup, cacheBytes } from './fixtures.js';

const folder = temporaryFolder();
const NONE = NULL_EXPERT;

/** Layers 2, 3 and 5 of 6: two kinds of experts. */
const GROUPS: readonly CacheGroup[] = [
  { experts: 8, layers: [2, 5], bytes: [100, 30] },
  { experts: 16, layers: [3], bytes: [50, 50, 7] },
];

/** A pass of one token, one of three of which the last layer takes the last alone, one that a group leaves out. */
const EVENTS = [
  [2, [1, 0]],
  [3, [15, 3]],
  [5, [7, 2]],
  [2, [1, 2, 3, 4, 5, 6]],
  [3, [9, 8, 7, 6, 5, 4]],
  [5, [0, 1]],
  [2, [6, 7, 0, 3]],
  [5, [2, 3, 4, 5]],
] as const;

const SAMPLE = cacheBytes(6, 2, GROUPS, EVENTS);
const HEADER = cacheBytes(6, 2, GROUPS, []).length;

async function read(bytes: Uint8Array) {
  const trace = await openTrace(fileOf(folder, 'sample.mct1', bytes));
  try {
    return { ...contentOf(trace, 4), meta: trace.meta, findings: auditTrace(trace) };
  } finally {
    trace.close();
  }
}

/** The sample with an int32 at a byte. */
function withWord(at: number, value: number, bytes = SAMPLE): Buffer {
  const changed = Buffer.from(bytes);
  changed.writeInt32LE(value, at);
  return changed;
}

describe('a record of the expert cache', () => {
  it('has the tokens of its passes, in one request', async () => {
    const { columns, expertsPerLayer, has, meta, requests, topK } = await read(SAMPLE);
    expect([topK, expertsPerLayer, meta.expertBytes]).toEqual([2, [8, 16, 8], [130, 107, 130]]);
    expect(requests).toEqual([{ id: 0, start: 0, prefill: 0, decode: 6 }]);
    expect(has).toMatchObject({ phases: false, weights: false, tokenIds: false });
    expect(columns.experts).toEqual([
      ...[1, 0, 15, 3, 7, 2],
      ...[1, 2, 9, 8, NONE, NONE],
      ...[3, 4, 7, 6, NONE, NONE],
      ...[5, 6, 5, 4, 0, 1],
      ...[6, 7, NONE, NONE, 2, 3],
      ...[0, 3, NONE, NONE, 4, 5],
    ]);
  });

  it('says what it does not hold', async () => {
    const { meta } = await read(SAMPLE);
    expect(meta).toMatchObject({ format: 'llamacpp-moe-cache', model: null, synthetic: false });
    expect(meta.notes).toEqual({
      model_layers: '6',
      not_recorded: 'gate weights, token ids, requests, phases, and passes past the cache',
    });
  });

  it('of two GPUs is one trace: 1,536 events of 24 layers are 64 tokens', async () => {
    const groups = [0, 12].map((first) => ({ experts: 32, layers: Array.from({ length: 12 }, (_, i) => first + i), bytes: [4, 4, 4] }));
    const events = Array.from({ length: 1536 }, (_, event) => [event % 24, [event % 29, 29, 30, 31]] as const);
    const { columns, expertsPerLayer, requests, topK } = await read(cacheBytes(24, 4, groups, events));
    expect([expertsPerLayer, topK]).toEqual([new Array(24).fill(32), 4]);
    expect(requests).toEqual([{ id: 0, start: 0, prefill: 0, decode: 64 }]);
    expect(columns.experts).toEqual(events.flatMap(([, ids]) => ids));
  });

  it('is read by blocks: events on both sides of a border', async () => {
    const events = Array.from({ length: 9000 }, (_, token) => [2, 3, 5].map((layer) => [layer, [token % 7, 7]] as const)).flat();
    const { columns, requests } = await read(cacheBytes(6, 2, GROUPS, events));
    expect(requests[0]!.decode).toBe(9000);
    expect(columns.experts).toEqual(events.flatMap(([, ids]) => ids));
  });
});

describe('a record that was cut', () => {
  it.each([
    ['in its last ids', 4, 24],
    ['before its last ids', 16, 12],
    ['behind the layer of the last event', 24, 4],
  ])('%s is used up to there, and told', async (_what, less, left) => {
    const { columns, findings, meta } = await read(SAMPLE.subarray(0, SAMPLE.length - less));
    expect(columns.experts.slice(-12)).toEqual([6, 7, NONE, NONE, NONE, NONE, 0, 3, NONE, NONE, NONE, NONE]);
    expect(meta.notes.cut_bytes).toBe(String(left));
    const found = findings.filter(({ code }) => code === 'row-count');
    expect(found.map(({ level, what }) => [level, what])).toEqual([
      ['warning', `The recording ends inside an event, whose ${left} bytes are left out: it was cut short.`],
    ]);
  });

  it('between two events, nothing is left out', async () => {
    const { findings, meta } = await read(SAMPLE.subarray(0, SAMPLE.length - 28));
    expect(meta.notes).not.toHaveProperty('cut_bytes');
    expect(findings.map(({ code }) => code)).not.toContain('row-count');
  });

  it('before the first event is empty', async () => {
    await expect(read(SAMPLE.subarray(0, HEADER + 15))).rejects.toThrow(/no token chooses any expert; the trace is empty/);
  });
});

describe('a damaged record', () => {
  it.each([
    ['a header that is cut', SAMPLE.subarray(0, HEADER - 1), /byte \d+: the file ends inside its header; it was cut short/],
    ['no layers', withWord(4, 0), /byte 4: layers of the model is 0, not 1 to 4096; the header is damaged/],
    ['a huge top-k', withWord(8, 0x7fffffff), /byte 8: top-k is 2147483647, not 1 to 65534/],
    ['more groups than layers', withWord(12, 7), /byte 12: the number of groups is 7, not 1 to 6/],
    ['fewer experts than top-k', withWord(20, 1), /byte 20: experts is 1, not 2 to 65534/],
    ['more layers than there are', withWord(24, 0x40000000), /byte 24: layers of a group is 1073741824, not 1 to 6/],
    ['a layer beyond the model', withWord(28, 6), /byte 28: a layer is 6, not 0 to 5/],
    ['a layer that stands twice', withWord(32, 2), /byte 32: layer 2 stands twice/],
    ['no matrices', withWord(76, 0), /byte 76: matrices of an expert is 0, not 1 to 16/],
    ['experts without bytes', withWord(80, 0), /byte 80: bytes of an expert are 0; the header is damaged/],
    ['experts of 2^62 bytes', withWord(84, 2 ** 30), /byte 80: bytes of an expert are 461168\d+; the header is damaged/],
    ['a layer that is not cached', withWord(HEADER, 4), /byte 180: 2 ids of layer 4 with 2 a token are no event; the file is damaged here/],
    ['another width', withWord(HEADER + 4, 1), /byte 180: 2 ids of layer 2 with 1 a token are no event/],
    ['half a token', withWord(HEADER + 8, 3), /byte 180: 3 ids of layer 2 with 2 a token are no event/],
    ['no ids', withWord(HEADER + 8, 0), /byte 180: 0 ids of layer 2 with 2 a token are no event/],
    ['a huge number of ids', withWord(HEADER + 8, 0x7ffffffe), /byte 180: 2147483646 ids of layer 2/],
    ['more rows than the pass', withWord(HEADER + 28, 4), /byte 200: layer 3 has 2 rows in a pass of 1 tokens/],
    ['an id of nobody', withWord(HEADER + 12, -1), /byte 180: -1 is not an expert id/],
    ['an expert that the layer lacks', withWord(HEADER + 12, 8), /expert 8/],
    ['an expert twice', withWord(HEADER + 12, 0), /expert 0/],
  ])('%s', async (_what, bytes, message) => {
    if (/more rows/.test(_what)) bytes = withWord(HEADER + 20 + 8, 4, bytes);
    await expect(read(bytes)).rejects.toThrow(UserError);
    await expect(read(bytes)).rejects.toThrow(message);
  });

  it('is not laid out where nearly all events are missing', async () => {
    const wide = [{ experts: 4096, layers: Array.from({ length: 4096 }, (_, layer) => layer), bytes: [1] }];
    const ids = Array.from({ length: 1024 }, (_, id) => id);
    const events = Array.from({ length: 40 }, () => [0, ids] as const);
    await expect(read(cacheBytes(4096, 1024, wide, events))).rejects.toThrow(
      /asks for more than [\d,]+ choices of experts; most layers have no events, record again$/,
    );
  });

  it('is read as it is written or refused in one line, 1,000 times', { timeout: 60_000 }, async () => {
    const outcomes = { read: 0, refused: 0 };
    for (let index = 0; index < 1000; index++) {
      const random = new Random(index, 'test/mct1');
      const bytes = damaged(SAMPLE, random);
      const trace = await openTrace(fileOf(folder, 'damaged.mct1', bytes), { format: 'llamacpp-moe-cache' }).catch(refusal);
      try {
        const rows = trace instanceof UserError ? trace : demanded(trace);
        if (rows instanceof UserError) {
          expect(rows.message).toMatch(/^[^\p{C}\p{Zl}\p{Zp}]{1,500}$/u);
          expect(rows.message).toContain('damaged.mct1');
          outcomes.refused++;
        } else {
          expect(rows).toEqual(cacheRows(bytes));
          expect((trace as Awaited<ReturnType<typeof openTrace>>).meta.expertBytes).toEqual(cacheSizes(bytes));
          outcomes.read++;
        }
      } finally {
        if (!(trace instanceof UserError)) trace.close();
      }
    }
    expect(outcomes.read).toBeGreaterThan(100);
    expect(outcomes.refused).toBeGreaterThan(300);
  });
});

/** A refusal; @throws any other error */
function refusal(error: unknown): UserError {
  if (error instanceof UserError) return error;
  throw error;
}

function demanded(trace: Awaited<ReturnType<typeof openTrace>>) {
  try {
    return demandOf(trace);
  } catch (error) {
    return refusal(error);
  }
}

/** A flipped bit, a cut, a huge count in the place of a word, or what the fuzz test does. */
function damaged(bytes: Buffer, random: Random): Buffer {
  const changed = Buffer.from(bytes);
  switch (random.below(4)) {
    case 0:
      changed[random.below(bytes.length)]! ^= 1 << random.below(8);
      return changed;
    case 1:
      return changed.subarray(0, random.below(bytes.length));
    case 2:
      return withWord(4 * random.below(bytes.length / 4), [0x7fffffff, -1, 0x40000000, 0xffff][random.below(4)]!, changed);
    default:
      return Buffer.from(mutate(bytes, random, [bytes]));
  }
}
