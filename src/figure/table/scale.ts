import type { Unit } from '../../result/result.js';

/** Display unit for values up to `most`, and size in base units. */
export function scaleOf(unit: Unit, most: number): { readonly factor: number; readonly unit: string } {
  const steps = SCALES[unit] ?? [[1, unit === 'count' ? '' : unit]];
  const [factor, name] = steps.findLast(([from]) => most >= from) ?? steps[0]!;
  return { factor, unit: name };
}

const SCALES: Readonly<Partial<Record<Unit, readonly (readonly [factor: number, name: string])[]>>> = {
  ratio: [[0.01, '%']],
  ns: [
    [1, 'ns'],
    [1e3, 'µs'],
    [1e6, 'ms'],
    [1e9, 's'],
  ],
  bytes: [
    [1, 'B'],
    [2 ** 20, 'MiB'],
    [2 ** 30, 'GiB'],
  ],
  'bytes/token': [
    [1, 'B/token'],
    [2 ** 20, 'MiB/token'],
    [2 ** 30, 'GiB/token'],
  ],
  'bytes/s': [[1e9, 'GB/s']],
  'tokens/s': [[1, 'tok/s']],
};
