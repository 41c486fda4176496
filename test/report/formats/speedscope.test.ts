// Flame graphs for speedscope: the rules of its file format, and sums that are the result's.
import { describe, expect, it } from 'vitest';
import { simulate } from '../../../src/engine/simulate.js';
import { speedscopeReport } from '../../../src/report/formats/speedscope.js';
import type { Result } from '../../../src/result/result.js';

const OPTIONS = { color: false, width: 80, unicode: true, verbose: false };

interface File {
  readonly $schema: string;
  readonly exporter: string;
  readonly name: string;
  readonly activeProfileIndex: number;
  readonly shared: { readonly frames: readonly { readonly name: string }[] };
  readonly profiles: readonly {
    readonly type: string;
    readonly name: string;
    readonly unit: string;
    readonly startValue: number;
    readonly endValue: number;
    readonly samples: readonly (readonly number[])[];
    readonly weights: readonly number[];
  }[];
}

const read = (result: Result): File => JSON.parse(speedscopeReport.render(result, OPTIONS)) as File;
/** Weights of a profile under the frame at one depth of the stacks. */
function byFrame({ shared, profiles }: File, index: number, depth: number): Record<string, number> {
  const { samples, weights } = profiles[index]!;
  const sums: Record<string, number> = {};
  samples.forEach((stack, i) => {
    const name = stack[depth] === undefined ? '' : shared.frames[stack[depth]]!.name;
    sums[name] = (sums[name] ?? 0) + weights[i]!;
  });
  return sums;
}
const sum = (values: readonly number[]): number => values.reduce((total, value) => total + value, 0);

describe('speedscope', async () => {
  const result = await simulate(
    {
      model: 'olmoe-1b-7b',
      hardware: 'rtx-3090',
      system: 'moe-infinity',
      trace: 'synthetic',
      memory: { expertCache: '25%' },
      workload: { tokens: 64 },
    },
    { details: true },
  );
  const file = read(result);

  it('keeps the rules of the format', () => {
    expect(file.$schema).toBe('https://www.speedscope.app/file-format-schema.json');
    expect(file.exporter).toMatch(/^moeprof@\d/);
    expect(file.profiles.map(({ type, unit }) => [type, unit])).toEqual([
      ['sampled', 'nanoseconds'],
      ['sampled', 'bytes'],
    ]);
    expect(file.profiles[file.activeProfileIndex]).toBeDefined();
    const names = file.shared.frames.map(({ name }) => name);
    expect(new Set(names).size).toBe(names.length);
    for (const { samples, weights, startValue, endValue } of file.profiles) {
      expect(samples.length).toBeGreaterThan(10);
      expect(weights.length).toBe(samples.length);
      expect(endValue - startValue).toBe(sum(weights));
      for (const weight of weights) expect(weight).toBeGreaterThan(0);
      for (const frame of samples.flat()) expect(names[frame]).toBeDefined();
    }
  });

  it('adds up to the stall and the traffic of the result', () => {
    const { metrics } = result;
    expect(file.profiles[0]!.endValue).toBeCloseTo(metrics['time.stall']!.value, 0);
    expect(file.profiles[1]!.endValue).toBe(metrics['transfer.h2d.bytes']!.value);
    const bytes = byFrame(file, 1, 3);
    expect(bytes['on demand']).toBe(metrics['transfer.on_demand.bytes']!.value);
    expect(bytes['wasted prefetch']).toBe(metrics['prefetch.wasted_bytes']!.value);
    expect(bytes['wasted prefetch']).toBeGreaterThan(0);
    const prefetched = Object.entries(bytes).filter(([cause]) => cause.endsWith('prefetch'));
    expect(sum(prefetched.map(([, weight]) => weight))).toBe(metrics['transfer.prefetch.bytes']!.value);
  });

  it('stacks tier, layer, expert and cause', () => {
    const names = file.shared.frames.map(({ name }) => name);
    for (const stack of file.profiles[0]!.samples) {
      expect(stack.map((frame) => names[frame]).join(' > ')).toMatch(
        /^waits for dram > layer (\d+) > layer \1 expert \d+ > (on demand|late prefetch)$/,
      );
    }
    const layers = byFrame(file, 0, 1);
    expect(layers['layer 3']).toBeCloseTo(result.perLayer.stallNs[3]!, 0);
  });

  it('is refused where the result has no details', () => {
    expect(() => read({ ...result, details: undefined } as unknown as Result)).toThrow(/^speedscope: .*moeprof run --details/);
  });
});
