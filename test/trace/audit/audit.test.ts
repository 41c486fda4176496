// Each trap is built into an otherwise clean trace and found, with its place; clean traces, made here and bundled, have no findings.
import { describe, expect, it } from 'vitest';
import { Random } from '../../../src/base/random.js';
import { explanations } from '../../../src/result/explanations.js';
import { auditChecks, auditTrace } from '../../../src/trace/audit/index.js';
import { openTrace } from '../../../src/trace/open/open.js';
import { PHASE } from '../../../src/trace/trace.js';
import { bundledTrace } from '../../cache/fixtures.js';
import { type TestRow, traceOf, uniformModel } from '../builders.js';

const LAYERS = 4;
const EXPERTS = 32;
const TOP_K = 4;

type Row = { request: number; position: number; phase: number; token: number; experts: number[][] };

/** Choices of a token that keeps half of those of `before`, in no order of their numbers. */
function choices(random: Random, before: readonly number[]): number[] {
  const chosen = new Set(before.filter(() => random.next() < 0.5));
  while (chosen.size < TOP_K) chosen.add(random.below(EXPERTS));
  return [...chosen]
    .map((id) => [random.next(), id] as const)
    .sort((a, b) => a[0] - b[0])
    .map(([, id]) => id);
}

/** Requests of 40 prompt and 88 decoded rows each, as a sound recorder writes them. */
function cleanRows(requests = 4): Row[] {
  const random = new Random(5, 'audit');
  const rows: Row[] = [];
  for (let request = 0; request < requests; request++) {
    let before: number[][] = new Array(LAYERS).fill([]);
    for (let position = 0; position < 128; position++) {
      before = before.map((list) => choices(random, list));
      rows.push({ request, position, phase: position < 40 ? PHASE.prefill : PHASE.decode, token: random.below(50_000), experts: before });
    }
  }
  return rows;
}

const audit = (rows: readonly TestRow[], model?: ReturnType<typeof uniformModel>) =>
  auditTrace(traceOf(rows, EXPERTS, { topK: TOP_K }), model === undefined ? {} : { model });
const codes = (rows: readonly TestRow[]): string[] => audit(rows).map(({ code }) => code);
const without = (rows: readonly Row[], ...keys: (keyof Row)[]): TestRow[] =>
  rows.map((row) => Object.fromEntries(Object.entries(row).filter(([key]) => !keys.includes(key as keyof Row))) as unknown as TestRow);

describe('audit', () => {
  it('finds nothing in a clean trace, with and without token ids', () => {
    expect(audit(cleanRows())).toEqual([]);
    expect(audit(without(cleanRows(), 'token'))).toEqual([]);
  });

  it('warm-up rows: says where and how many, and which rows to cut', () => {
    const rows = cleanRows();
    const constant = rows[0]!.experts;
    const warm = Array.from({ length: 200 }, (_, position) => ({
      request: 99,
      position,
      phase: PHASE.decode,
      token: position,
      experts: constant,
    }));
    const [finding] = audit([...warm, ...rows]);
    expect(finding!.code).toBe('warm-up-rows');
    expect(finding!.rows).toEqual({ count: 201, first: 0 });
    expect(finding!.what).toContain('201 rows (28 %)');
    expect(finding!.fix).toContain('--tokens 201..');
    // Fifteen equal rows may be chance, sixteen are not.
    expect(codes([...warm.slice(0, 14), ...rows])).not.toContain('warm-up-rows');
    expect(codes([...warm.slice(0, 15), ...rows])).toContain('warm-up-rows');
  });

  it('dense layers: zeros of a top-1 model, layers without any choice', () => {
    const rows = cleanRows(1).map((row) => ({ ...row, experts: row.experts.map((list, layer) => (layer === 0 ? [0] : [list[0]!])) }));
    const [zeros] = auditTrace(traceOf(rows, EXPERTS));
    expect([zeros!.code, zeros!.fix]).toEqual(['dense-layers', expect.stringContaining('--layers 1..3 ')]);
    const [none] = audit(cleanRows(1).map((row) => ({ ...row, experts: row.experts.map((list, layer) => (layer === 2 ? [] : list)) })));
    expect(none!.what).toMatch(/layer 2 of 4 make no choice/i);
    expect(none!.fix).toContain('--layers 0..1,3 ');
  });

  it('cached prefix: rows of -1 at the start of requests', () => {
    const rows = cleanRows().map((row) => (row.request > 1 && row.position < 24 ? { ...row, experts: row.experts.map(() => []) } : row));
    const [finding] = audit(rows);
    expect([finding!.code, finding!.rows]).toEqual(['cached-prefix', { count: 48, first: 256 }]);
  });

  it('row count: an empty or copied last row, a late start, gaps', () => {
    const rows = cleanRows();
    const last = (row: Row) => row.position === 127;
    const of = (changed: readonly Row[]) => audit(changed).find(({ code }) => code === 'row-count')?.what;
    expect(of(rows.map((row) => (last(row) ? { ...row, experts: row.experts.map(() => []) } : row)))).toMatch(
      /^The last row of 4 requests chooses nothing/,
    );
    expect(of(rows.map((row, i) => (last(row) ? { ...row, experts: rows[i - 1]!.experts } : row)))).toMatch(
      /last row of 4 requests repeats/,
    );
    expect(of(rows.map((row) => ({ ...row, position: row.position + 1 })))).toMatch(/^4 requests begin at position 1/);
    expect(of(rows.filter((row) => row.request !== 2 || row.position < 60 || row.position > 69))).toMatch(
      /^10 positions are missing in 1 gap, the first before row 316/,
    );
  });
});

describe('experts that audit doubts', () => {
  it('strided view: prompt rows that are permutations', () => {
    const random = new Random(9, 'permutations');
    const rows = cleanRows(1);
    for (let block = 0; block < 40; block += EXPERTS / TOP_K) {
      for (let layer = 0; layer < LAYERS; layer++) {
        const order = Array.from({ length: EXPERTS }, (_, id) => [random.next(), id] as const).sort((a, b) => a[0] - b[0]);
        for (let row = 0; row < EXPERTS / TOP_K; row++) {
          const experts = [...rows[block + row]!.experts];
          experts[layer] = order.slice(row * TOP_K, (row + 1) * TOP_K).map(([, id]) => id);
          rows[block + row] = { ...rows[block + row]!, experts };
        }
      }
    }
    expect(codes(rows)).toEqual(['strided-view']);
  });

  it('ragged layers: a note for what llama.cpp does, a warning for all else', () => {
    const cut = (layer: number, is: (row: Row) => boolean) =>
      audit(cleanRows().map((row) => (is(row) ? { ...row, experts: row.experts.map((list, l) => (l === layer ? [] : list)) } : row)));
    expect(cut(LAYERS - 1, (row) => row.position < 39)).toMatchObject([{ code: 'ragged-layers', level: 'note', rows: { count: 156 } }]);
    expect(cut(1, (row) => row.position < 39)).toMatchObject([{ code: 'ragged-layers', level: 'warning', rows: { count: 156 } }]);
    // llama.cpp leaves out all of a prompt but its end: a single row that is missing was lost.
    expect(cut(LAYERS - 1, (row) => row.position === 5)).toMatchObject([{ code: 'ragged-layers', level: 'warning', rows: { count: 4 } }]);
    expect(cut(LAYERS - 1, (row) => row.position > 100)).toMatchObject([{ code: 'ragged-layers', level: 'warning' }]);
  });

  it('rank order: sorted ids, and weights in no order', () => {
    const sorted = cleanRows(1).map((row) => ({ ...row, experts: row.experts.map((list) => [...list].sort((a, b) => a - b)) }));
    expect(codes(sorted)).toEqual(['rank-order']);
    const weighted = (weights: number[]) => cleanRows(1).map((row) => ({ ...row, weights: row.experts.map(() => weights) }));
    expect(codes(weighted([0.4, 0.3, 0.2, 0.1]))).toEqual([]);
    expect(codes(weighted([0.4, 0.1, 0.3, 0.2]))).toEqual(['rank-order']);
  });

  it('physical ids: more experts than the model has', () => {
    expect(audit(cleanRows(1), uniformModel(LAYERS, EXPERTS, TOP_K))).toEqual([]);
    expect(audit(cleanRows(1), uniformModel(LAYERS, EXPERTS - 8, TOP_K))).toMatchObject([
      { code: 'physical-ids', what: expect.stringContaining('ids run to 31') },
    ]);
  });
});

describe('rows that audit looks at', () => {
  it('repeated text: by token id, and by the first layer where there are none', () => {
    const rows = cleanRows();
    const repeated = [...rows, ...rows.filter((row) => row.request === 0).map((row) => ({ ...row, request: 7 }))];
    expect(audit(repeated)).toMatchObject([{ code: 'repeated-text', rows: { count: 113, first: 512 } }]);
    expect(codes(without(repeated, 'token'))).toEqual(['repeated-text']);
  });

  it('mixed requests: a batch recorded row by row, with its size', () => {
    const rows = cleanRows();
    const mixed = Array.from({ length: 512 }, (_, i) => rows[(i % 4) * 128 + (i >> 2)]!).map((row, position) => ({
      ...row,
      request: 0,
      position,
      phase: PHASE.decode,
    }));
    const [finding] = audit(mixed);
    expect(finding!.code).toBe('mixed-requests');
    expect(finding!.what).toContain('about 4 requests');
  });

  it('looks at the rows that are asked for only', () => {
    const rows = cleanRows();
    const trace = traceOf([...rows, ...Array.from({ length: 50 }, (_, i) => ({ ...rows[0]!, request: 9, position: i }))], EXPERTS);
    expect(auditTrace(trace, { tokens: 512 })).toEqual([]);
    expect(auditTrace(trace)).toHaveLength(1);
  });

  it('explains every finding', () => {
    const explained = explanations().warnings.flatMap(({ names }) => names);
    for (const { code } of auditChecks) expect(explained).toContain(code);
  });
});

describe('bundled traces', () => {
  it.each(['mini-finegrained-64x12l', 'mini-mixtral-8x8l'])('%s is clean', async (name) => {
    const trace = await openTrace(bundledTrace(name));
    const findings = auditTrace(trace);
    trace.close();
    expect(findings).toEqual([]);
  });
});
