// Curves of traces that lead to no model: hit rates need none.
import { describe, expect, it } from 'vitest';
import { curveFor } from '../../src/capacity/curve-request.js';
import { curveReports } from '../../src/capacity/report.js';
import { fileOf, safetensorsBytes, temporaryFolder } from '../trace/builders.js';

const folder = temporaryFolder();

/** 60 tokens, 2 layers of 6 experts of which each token takes two neighbours; what it says beside that. */
function traceOf(name: string, says: Record<string, string>): string {
  const data = Uint8Array.from({ length: 60 * 4 }, (_, i) => ((i >> 2) + (i & 1)) % 6);
  const metadata = { format: 'moeprof.trace/1', num_experts: '6', ...says };
  return fileOf(folder, name, safetensorsBytes({ experts: { dtype: 'U8', shape: [60, 2, 2], data } }, metadata));
}

const settings = { policies: ['lru', 'belady'], capacities: '50%,4/layer', scope: 'layer', threads: 0 } as const;

describe('a curve without a model', () => {
  it('counts experts where nothing says how large they are', async () => {
    const path = traceOf('nameless.safetensors', {});
    const notes: string[] = [];
    const curve = await curveFor({ trace: path }, settings, { note: (text) => notes.push(text) });
    expect(curve).toMatchObject({ inputs: { model: 'unnamed model', unit: 'experts' }, capacities: [6, 8], experts: 12, expertBytes: 12 });
    // The window of two moves on by one expert a token: three experts of a layer keep one of the two.
    expect(curve.policies[0]!.points.map(({ hits }) => hits)).toEqual([2 * 59, 2 * 59]);
    expect(notes).toEqual([
      `${path}: does not say which model it was recorded from: a capacity is a number of experts, all taken to be of one size (a model with --model).`,
    ]);
    const report = (format: string): string =>
      curveReports
        .filter((one) => 'render' in one)
        .find(({ name }) => name === format)!
        .render(curve, { color: false, unicode: true, width: 80, verbose: false });
    expect(report('markdown')).toContain('there are 12 experts, one token touches 4 experts');
    expect(report('markdown')).toMatch(/At \d+ % of the experts \([68] experts\)/);
    expect(report('csv').split('\n')[1]).toMatch(/,lru,,0\.5,/);
  });

  it('takes the sizes that the trace recorded', async () => {
    const path = traceOf('sized.safetensors', { model: 'mine', expert_bytes: '[1000,3000]' });
    const notes: string[] = [];
    const curve = await curveFor({ trace: path }, { ...settings, capacities: '50%,4000B' }, { note: (text) => notes.push(text) });
    expect(curve).toMatchObject({ inputs: { model: 'mine', quantization: 'recorded sizes' }, capacities: [4000, 12_000] });
    expect(curve.inputs.unit).toBeUndefined();
    expect(notes[0]).toMatch(
      /names the model "mine", which is not bundled: experts have the sizes that it recorded \(a model with --model\)\.$/,
    );
  });

  it.each([
    [{ capacities: '25%,8GiB' }, /^capacities: '8GiB' needs the sizes of experts, which neither the trace nor a model says/],
    [{ capacities: '1GiB..2GiB:4' }, /^capacities: '1GiB' needs/],
    [{ at: '1GiB' }, /^at: '1GiB' needs/],
  ])('refuses %j', async (own, message) => {
    await expect(curveFor({ trace: traceOf('nameless.safetensors', {}) }, { ...settings, ...own })).rejects.toThrow(message);
  });
});

it('a curve of drawn routing has ranges, one of recorded or of the user none', async () => {
  const own = { policies: ['lru'], capacities: '25%', threads: 0 } as const;
  const ranges = async (input: Parameters<typeof curveFor>[0]) => {
    const { policies } = await curveFor({ workload: { tokens: 40 }, ...input }, own);
    return policies[0]!.points[0]!.hitRange?.routing;
  };
  expect(await ranges({ model: 'olmoe-1b-7b' })).toBe('profile');
  expect(await ranges({ model: 'minimax-m2.5' })).toBe('bias');
  expect(await ranges({ model: 'olmoe-1b-7b', variants: ['random'] })).toBeUndefined();
  expect(await ranges({ trace: traceOf('told.safetensors', {}) })).toBeUndefined();
});
