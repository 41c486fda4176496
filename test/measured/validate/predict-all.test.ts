// A row that cannot be priced costs itself alone, whatever the cause; rows that walk more than was foreseen are drawn as long as they walk.
import { describe, expect, it } from 'vitest';
import { loadRuntime } from '../../../src/hardware/runtime.js';
import { predictRow } from '../../../src/measured/validate/predict.js';
import { predictRowVariants } from '../../../src/measured/validate/predict-all.js';
import { RowTraces } from '../../../src/measured/validate/rows/row-traces.js';
import { validationOf } from '../../../src/measured/validate/summary.js';
import { measurement } from './rows.js';

const runtimes = new Map(['llama.cpp', 'sglang-kt'].map((name) => [name, loadRuntime(name)]));
const shape = { layers: 4, moe_layers: 4, experts: 8, top_k: 2, hidden: 256, expert_intermediate: 256, total_b: 0.05, active_b: 0.04 };
const small = { name: 'small', quant: 'q8_0', shape };
const row = (id: string, over: Record<string, unknown> = {}) => measurement({ id, model: small, ...over });
const kt = (id: string, tokens: number) =>
  row(id, { engine: 'sglang+kt', measured: { pp_tps: 100 }, run: { depth: tokens, pp_tokens: tokens } });

describe('a row that cannot be priced', () => {
  it.each<[what: string, over: Record<string, unknown>, reason: RegExp]>([
    ['walks more than is drawn', { run: { batch_users: 1e6 } }, /^it walks 41,000,000 tokens, and at most 16,777,216 are drawn$/],
    ['has a prompt of a billion tokens in one pass', { measured: { pp_tps: 1 }, run: { pp_tokens: 1e9, ubatch: 1e9 } }, /^it walks/],
    ['has more layers than any model', { model: { ...small, shape: { ...shape, layers: 1e9, moe_layers: 1e9 } } }, /layers/],
    [
      'is stored in an unknown format',
      { model: { ...small, quant: 'gsq-hybrid-q2_0', bits: 2.4 } },
      /unknown quantization "gsq-hybrid-q2_0"/,
    ],
    ['has no model', { model: { name: 'nobody-has-it', quant: 'q4_0' } }, /has neither a profile nor a shape/],
  ])('costs itself alone where it %s', async (_, over, reason) => {
    const rows = [row('before'), row('lost', over), row('after')];
    const predictions = await predictRowVariants(rows, [runtimes], 1, {});
    const alone = (await predictRow(rows[0]!, new RowTraces(), runtimes)).figures;
    expect(predictions.map(([first]) => first!.figures)).toEqual([alone, {}, alone]);
    expect(predictions[1]![0]!.lacks).toMatch(reason);
    const { rows: judged } = validationOf(
      ['rows.jsonl'],
      rows,
      predictions.map(([first]) => first!),
      runtimes,
    );
    expect(judged.map(({ id, scored }) => [id, scored])).toEqual([
      ['before', true],
      ['lost', false],
      ['after', true],
    ]);
    expect(judged[1]!.reason).toMatch(reason);
  });

  it('is named where a bug of ours costs it', async () => {
    const broken = new Proxy(runtimes.get('llama.cpp')!, {
      get: (runtime, field) => {
        if (field === 'prompt') throw new TypeError('no such field\nat all');
        return Reflect.get(runtime, field);
      },
    });
    const [lost] = await predictRowVariants([row('a')], [new Map([['llama.cpp', broken]])], 1, {});
    expect(lost![0]!.lacks).toBe('moeprof fails on it (no such field at all): please report it');
  });
});

it('routing is that of the shape, whatever its name', async () => {
  const deep = row('deep', { model: { ...small, shape: { ...shape, layers: 8, moe_layers: 8, total_b: 0.1, active_b: 0.08 } } });
  const [, after] = await predictRowVariants([row('flat'), deep], [runtimes], 1, {});
  expect(after![0]).toEqual(await predictRow(deep, new RowTraces(), runtimes));
});

describe('a prompt beyond 8,192 tokens', () => {
  it('is priced where its runtime takes it in one pass of 32,768, after shorter rows of its model', async () => {
    const rows = [kt('short', 1000), kt('longer', 12_000), kt('longest', 30_000)];
    const together = await predictRowVariants(rows, [runtimes], 1, {});
    for (const [i, each] of rows.entries()) {
      const { figures } = await predictRow(each, new RowTraces(), runtimes);
      expect(together[i]![0], each.id).toMatchObject({ lacks: null, figures });
      expect(figures.prefill).toBeGreaterThan(0);
    }
  });
});
