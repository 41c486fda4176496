// The canonical text layout: the byte scanner and the JSON fallback read the same, and refuse the same, with file and line.
import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { UserError } from '../../../src/base/errors.js';
import { openTrace } from '../../../src/trace/open/open.js';
import { NULL_EXPERT } from '../../../src/trace/trace.js';
import { cases } from '../../cases.js';
import { contentOf, fileOf, temporaryFolder, uniformModel } from '../builders.js';

const folder = temporaryFolder();
let files = 0;
const HEADER = '{"format":"moeprof.trace/1","model":"m","num_experts":64,"source":"here"}';
const A = '{"request":0,"position":0,"phase":"prefill","token":5,"experts":[[3,41],[7,9]]}';
const B = '{"request":0,"position":1,"phase":"decode","token":6,"experts":[[4,40],[]]}';

function write(...lines: string[]): string {
  return fileOf(folder, `${files++}.jsonl`, `${lines.join('\n')}\n`);
}

async function read(...lines: string[]) {
  const trace = await openTrace(write(...lines));
  try {
    return { ...contentOf(trace), meta: trace.meta };
  } finally {
    trace.close();
  }
}

describe('what is accepted', () => {
  it('reads a header and tokens', async () => {
    const content = await read(HEADER, A, B);
    expect(content.meta).toEqual({ model: 'm', format: 'jsonl', synthetic: false, expertBytes: null, notes: { source: 'here' } });
    expect(content.expertsPerLayer).toEqual([64, 64]);
    expect(content.requests).toEqual([{ id: 0, start: 0, prefill: 1, decode: 1 }]);
    expect(content.columns.experts).toEqual([3, 41, 7, 9, 4, 40, NULL_EXPERT, NULL_EXPERT]);
    expect(content.columns.tokenId).toEqual([5, 6]);
  });

  it.each([
    ['Python spaces', '{"request": 0, "position": 1, "phase": "decode", "token": 6, "experts": [[4, 40], []]}'],
    ['another key order', '{"experts":[[4,40],[]],"token":6,"phase":"decode","position":1,"request":0}'],
    ['odd spaces', ' { "request" :0,"position":1 ,"phase":"decode","token":6,"experts":[ [4,40],[ ]]} '],
    ['-1 for none', '{"request":0,"position":1,"phase":"decode","token":6,"experts":[[4,40],[-1,-1]]}'],
    ['a carriage return', `${B}\r`],
  ])('reads %s as the usual form', async (_what, line) => {
    expect((await read(A, line)).columns).toEqual((await read(A, B)).columns);
  });

  it('skips blank lines and needs no line break at the end', async () => {
    const path = fileOf(folder, 'blank.jsonl', `${A}\n\n  \n${B}`);
    const trace = await openTrace(path);
    expect(trace.tokens).toBe(2);
    trace.close();
  });

  it('reads weights and predictions', async () => {
    const line = '{"experts":[[1,2]],"weights":[[0.5,0.25]],"predicted":[[2,1,0]]}';
    const content = await read(line, line);
    expect(content.columns.weights).toEqual([0.5, 0.25, 0.5, 0.25]);
    expect(content.columns.predicted).toEqual([2, 1, 0, 2, 1, 0]);
    expect(content.has).toEqual({ phases: false, weights: true, tokenIds: false, predictedK: 3 });
  });

  it('takes the number of experts from the model where there is no header', async () => {
    const trace = await openTrace(write(A), { model: uniformModel(2, 50, 2) });
    expect(trace.expertsPerLayer).toEqual([50, 50]);
    trace.close();
  });

  it('reads every number as JSON.parse does', async () => {
    const id = fc.integer({ min: 0, max: 65534 });
    const row = fc.record({
      request: fc.constant(0),
      position: fc.constant(0),
      token: fc.nat(),
      experts: fc.array(fc.uniqueArray(id, { minLength: 1, maxLength: 5 }), { minLength: 1, maxLength: 6 }),
    });
    await fc.assert(
      fc.asyncProperty(row, async (value) => {
        const { columns, topK } = await read(JSON.stringify(value));
        expect(columns.tokenId).toEqual([value.token]);
        const padded = value.experts.flatMap((list) => [...list, ...new Array<number>(topK - list.length).fill(NULL_EXPERT)]);
        expect(columns.experts).toEqual(padded);
      }),
      { numRuns: cases(60) },
    );
  });
});

describe('what is refused', () => {
  it.each([
    ['a line that is no JSON', [A, '{"request":0,'], ':2: not JSON'],
    ['a number with a zero before it', [A, B.replace('[4,40]', '[04,40]')], ':2: not JSON'],
    ['a position with a zero before it', [A, B.replace('"position":1', '"position":01')], ':2: not JSON'],
    ['a line that is no object', [A, '[1,2]'], ':2: not an object'],
    ['an unknown key', [A, '{"request":0,"experts":[[1,2],[3,4]],"expert":1}'], ':2: unknown key "expert"'],
    [
      'another number of layers',
      [A, '{"request":0,"position":1,"phase":"decode","token":1,"experts":[[1,2]]}'],
      ':2: "experts" has 1 layers, the trace has 2',
    ],
    [
      'too many choices',
      [A, '{"request":0,"position":1,"phase":"decode","token":1,"experts":[[1,2,3],[4,5]]}'],
      ':2: "experts", layer 0: 3 entries',
    ],
    [
      'an id that is no whole number',
      [A, '{"request":0,"position":1,"phase":"decode","token":1,"experts":[[1.5],[4,5]]}'],
      ':2: layer 0: 1.5 is not an expert id',
    ],
    [
      'an id below -1',
      [A, '{"request":0,"position":1,"phase":"decode","token":1,"experts":[[1],[-2]]}'],
      ':2: layer 1: -2 is not an expert id',
    ],
    [
      'a position that is text',
      [A, '{"request":0,"position":"1","phase":"decode","token":1,"experts":[[1],[2]]}'],
      ':2: "position" is "1"',
    ],
    ['a phase that is none', [A, '{"request":0,"position":1,"phase":"prompt","token":1,"experts":[[1],[2]]}'], ':2: "phase" is "prompt"'],
    ['a missing key', [A, '{"request":0,"position":1,"phase":"decode","experts":[[1],[2]]}'], ':2: "token" is missing'],
    ['a new key', ['{"experts":[[1]]}', '{"experts":[[1]],"token":4}'], ':2: "token" is new'],
    ['an expert out of range', [HEADER, A, B.replace('40', '64')], ':3, layer 0: expert 64 is out of range'],
    ['an expert twice', [HEADER, A, '', B.replace('40', '4')], ':4, layer 0: expert 4 stands twice'],
    ['positions that do not ascend', [A, B.replace('"position":1', '"position":0')], ':2: position 0 follows position 0'],
    ['a request that goes on later', [A, A.replace('"request":0', '"request":1'), B], ':3: request 0 goes on after another request'],
    ['a header of another version', ['{"format":"moeprof.trace/9"}', A], ':1: format is "moeprof.trace/9"'],
    ['a header without tokens', [HEADER], ': no token follows the header'],
  ])('%s', async (_what, lines, message) => {
    const path = write(...lines);
    const opening = openTrace(path);
    await expect(opening).rejects.toThrow(UserError);
    await expect(opening).rejects.toThrow(path + message);
  });
});
