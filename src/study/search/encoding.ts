// The encoding of a space for a surrogate: the value of each cell by axis, and the distances of values.

import { BYTES } from '../../base/units.js';
import type { StudyCell, SweepValue } from '../../figure/door.js';

/** An axis: its values in the order of the space, and the distance of any two, 0..1, `[a * values.length + b]`. */
interface EncodedAxis {
  readonly path: string;
  readonly values: readonly SweepValue[];
  readonly distance: Float64Array;
}

/** All cells of a space that may run. */
export interface Encoding {
  readonly axes: readonly EncodedAxis[];
  /** `[axis][cell]`: which of the axis' values the cell has. */
  readonly codes: readonly Uint16Array[];
}

/** Encodes cells. @param paths what varies, in the order of a cell's values */
export function encode(paths: readonly string[], cells: readonly StudyCell[]): Encoding {
  const codes = paths.map(() => new Uint16Array(cells.length));
  const axes = paths.map((path, at): EncodedAxis => {
    const numbers = new Map<SweepValue, number>();
    for (const [number, cell] of cells.entries()) {
      const value = cell[at]!;
      if (!numbers.has(value)) numbers.set(value, numbers.size);
      codes[at]![number] = numbers.get(value)!;
    }
    const values = [...numbers.keys()];
    return { path, values, distance: distances(values) };
  });
  return { axes, codes };
}

/**
 * The distance of numbers, shares and sizes is the number of values between them, the same for 1, 2, 4, 8 as for 1, 2, 3, 4. Texts
 * are apart by the parts that they do not share: `s3-fifo:small=0.1` is nearer to `s3-fifo:small=0.3` than to `lru`, and a machine to one
 * with the same CPU. Both leave the covariance of the process positive definite (the share of common parts is such a kernel itself).
 */
function distances(values: readonly SweepValue[]): Float64Array {
  const n = values.length;
  const distance = new Float64Array(n * n);
  const numbers = values.map(numberOf);
  if (numbers.every((number) => number !== null)) {
    const order = [...numbers].sort((a, b) => a - b);
    const place = numbers.map((number) => order.indexOf(number) / Math.max(1, n - 1));
    for (let a = 0; a < n; a++) for (let b = 0; b < n; b++) distance[a * n + b] = Math.abs(place[a]! - place[b]!);
    return distance;
  }
  const parts = values.map((value) => new Set(String(value).split(/[:,+]/)));
  for (let a = 0; a < n; a++) {
    for (let b = 0; b < n; b++) {
      const shared = [...parts[a]!].filter((part) => parts[b]!.has(part)).length;
      distance[a * n + b] = 1 - shared / (parts[a]!.size + parts[b]!.size - shared);
    }
  }
  return distance;
}

/** The number of a number, share or size; null: it is neither. */
function numberOf(value: SweepValue): number | null {
  if (typeof value === 'number') return value;
  if (typeof value === 'boolean') return null;
  const plain = /^(-?\d+(?:\.\d+)?)(?: ?%|\/layer)?$/.exec(value);
  if (plain !== null) return Number(plain[1]);
  return /^[\d.]+ ?[KMGT]i?B$/.test(value) ? BYTES.read(value) : null;
}
