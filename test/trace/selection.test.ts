// Parts of traces: ranges of rows and drawn requests read like traces of their own, and what is learned from is never judged on.
import { join } from 'node:path';
import { beforeAll, describe, expect, it } from 'vitest';
import { findProfile } from '../../src/base/profiles.js';
import { simulateRun } from '../../src/engine/simulate.js';
import { openPrediction } from '../../src/predict/evaluation/inputs.js';
import { checkRun } from '../../src/system/load-run.js';
import { openPopularity, openTrace } from '../../src/trace/open/open.js';
import { writeSafetensors } from '../../src/trace/open/write.js';
import { popularityOf } from '../../src/trace/popularity.js';
import { selectMarked, selectRows } from '../../src/trace/selection.js';
import { allocateChunk, chunks, PHASE, type RoutingTrace } from '../../src/trace/trace.js';
import { fileOf, safetensorsBytes, temporaryFolder, traceOf } from './builders.js';

const folder = temporaryFolder();
const bundled = findProfile('traces', 'mini-mixtral-8x8l');

/** Rows of four requests of 3, 4, 2 and 3 tokens; a row's token id is its row. */
const LENGTHS = [3, 4, 2, 3];
const trace = traceOf(
  LENGTHS.flatMap((length, request) =>
    Array.from({ length }, (_, position) => ({
      request,
      position,
      phase: position < 2 ? PHASE.prefill : PHASE.decode,
      experts: [[0], [1]],
    })),
  ).map((row, token) => ({ ...row, token, experts: [[token % 5], [(token * 3) % 5]] })),
  5,
);

/** Token ids of a trace, i.e. rows of the whole; and position and request of each. */
function contents(part: RoutingTrace, capacity = 5) {
  const seen = { rows: [] as number[], positions: [] as number[], requests: [] as number[], experts: [] as number[] };
  for (const chunk of chunks(part, capacity)) {
    seen.rows.push(...chunk.tokenId!.subarray(0, chunk.tokens));
    seen.positions.push(...chunk.position.subarray(0, chunk.tokens));
    seen.requests.push(...chunk.request.subarray(0, chunk.tokens));
    seen.experts.push(...chunk.experts.subarray(0, chunk.tokens * 2).filter((_, i) => i % 2 === 0));
  }
  return seen;
}

describe('selections', () => {
  it('is a range of rows, with the parts of requests in it', () => {
    const part = selectRows(trace, 2, 8, 'test#2:8');
    expect(part.tokens).toBe(6);
    expect(part.path).toBe('test#2:8');
    expect(part.requests).toEqual([
      { id: 0, start: 0, prefill: 0, decode: 1 },
      { id: 1, start: 1, prefill: 2, decode: 2 },
      { id: 2, start: 5, prefill: 1, decode: 0 },
    ]);
    for (const capacity of [1, 2, 4, 100]) {
      expect(contents(part, capacity)).toEqual({
        rows: [2, 3, 4, 5, 6, 7],
        positions: [2, 0, 1, 2, 3, 0],
        requests: [0, 1, 1, 1, 1, 2],
        experts: [2, 3, 4, 0, 1, 2],
      });
    }
  });

  it('is some of the requests, read from anywhere', () => {
    const part = selectMarked(trace, Int32Array.of(3, 4, 5, 6, 9, 10, 11), 'some');
    expect(part.requests.map(({ id, start }) => [id, start])).toEqual([
      [1, 0],
      [3, 4],
    ]);
    expect(contents(part).rows).toEqual([3, 4, 5, 6, 9, 10, 11]);
    const chunk = allocateChunk(part, 3);
    part.read(3, 3, chunk);
    expect(Array.from(chunk.tokenId!)).toEqual([6, 9, 10]);
    expect(Array.from(chunk.request)).toEqual([0, 1, 1]);
  });

  it('has a fingerprint of its own', () => {
    const hash = (from: number, to: number) => selectRows(trace, from, to, 'x').sha256();
    expect(hash(0, 4)).toMatch(/^[0-9a-f]{64}$/);
    expect(hash(0, 4)).toBe(hash(0, 4));
    expect(new Set([hash(0, 4), hash(0, 5), hash(1, 4), trace.sha256()]).size).toBe(4);
  });
});

describe('rows behind the name of a trace', () => {
  it('are opened as a trace of that name, wherever one is read', async () => {
    const part = await openTrace(`${bundled}#100:130`);
    expect([part.path, part.tokens]).toEqual([`${bundled}#100:130`, 30]);
    const counts = await openPopularity(`${bundled}#100:130`);
    const own = popularityOf(part);
    expect(counts.counts).toEqual(own.counts);
    part.close();
  });

  it('are the same to a run as a file that holds only them', async () => {
    const whole = await openTrace(`${bundled}#100:400`);
    const path = join(folder, 'part.safetensors');
    writeSafetensors(whole, path);
    whole.close();
    const metrics = async (trace: string) => {
      const run = { model: 'mini-mixtral-8x8l', hardware: 't4', trace, audit: 'off', memory: { expertCache: '25%' } };
      const result = await simulateRun(checkRun(run, 'test', []));
      expect(result.inputs.traces[0]!.path).toBe(trace);
      return Object.entries(result.metrics).map(([name, { value }]) => [name, value]);
    };
    expect(await metrics('mini-mixtral-8x8l#100:400')).toEqual(await metrics(path));
  });

  it('must be there, and are none of counts and of what is drawn', async () => {
    await expect(openTrace(`${bundled}#9:9`)).rejects.toThrow('there are rows 0:');
    await expect(openTrace(`${bundled}#0:999999`)).rejects.toThrow('mini-mixtral-8x8l.safetensors#0:999999: there are rows 0:');
    expect(() => checkRun({ model: 'mini-mixtral-8x8l', trace: 'synthetic#0:5' }, 'test', [])).toThrow('has no rows to choose from');
  });
});

describe('openPrediction', () => {
  let path = '';
  beforeAll(() => {
    const tokens = 60;
    const experts = Uint8Array.from({ length: tokens * 8 * 2 }, (_, i) => (i % 2 === 0 ? (i * 7) % 4 : 4 + ((i * 3) % 4)));
    const request = Int32Array.from({ length: tokens }, (_, row) => Math.floor(row / 6));
    const metadata = { format: 'moeprof.trace/1', model: 'mini-mixtral-8x8l', num_experts: '8' };
    path = fileOf(
      folder,
      'ten.safetensors',
      safetensorsBytes(
        { experts: { dtype: 'U8', shape: [tokens, 8, 2], data: experts }, request_id: { dtype: 'I32', shape: [tokens], data: request } },
        metadata,
      ),
    );
  });
  const request = (fields: Partial<Parameters<typeof openPrediction>[0]>) =>
    openPrediction({ training: [], judged: [], holdOut: 0.2, seed: 1, ...fields });

  it('takes ranges of rows, of one file as of many', async () => {
    const inputs = await request({ training: [`${path}#:40`], judged: [`${path}#40:`, `${path}#50:60`] });
    expect(inputs.model.name).toBe('mini-mixtral-8x8l');
    expect([...inputs.training, ...inputs.judged].map(({ tokens }) => tokens)).toEqual([40, 20, 10]);
    expect(inputs.judged[0]!.path).toBe(`${path}#40:`);
    inputs.close();
  });

  it('holds out requests by the seed where nothing is named to be judged on', async () => {
    const ids = async (seed: number) => {
      const inputs = await request({ training: [path], seed });
      const [learned, held] = [inputs.training[0]!, inputs.judged[0]!].map((part) => part.requests.map(({ id }) => id));
      expect(held!.length).toBe(2);
      expect([...learned!, ...held!].sort((a, b) => a - b)).toEqual([0, 1, 2, 3, 4, 5, 6, 7, 8, 9]);
      expect(inputs.judged[0]!.path).toBe(`20 % of ${path}`);
      inputs.close();
      return held!.join();
    };
    expect(await ids(1)).toBe(await ids(1));
    expect(new Set([await ids(1), await ids(2), await ids(3), await ids(4)]).size).toBeGreaterThan(1);
  });

  it('answers mistakes in one line', async () => {
    await expect(request({})).rejects.toThrow('no trace is given; name one to be judged on with --eval, or to learn from with --trace');
    await expect(request({ training: [`${path}#50:80`] })).rejects.toThrow(
      'ten.safetensors#50:80: there are rows 0:60; write #FROM:TO with FROM < TO <= 60',
    );
    await expect(request({ training: [`${path}#9:9`] })).rejects.toThrow('there are rows 0:60');
    await expect(request({ training: [join(folder, 'none.safetensors')] })).rejects.toThrow('none.safetensors');
    await expect(request({ training: [path], model: 'qwen3-30b-a3b' })).rejects.toThrow('8 MoE layers');
    await expect(request({ training: [`${path}#:2`] })).rejects.toThrow('is too short to hold out 20.0 % of it');
  });
});
