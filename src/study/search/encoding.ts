import { BYTES } from '../../base/units.js';
import type { StudyCell, SweepValue } from '../../figure/door.js';

/** An axis: values in the space's order, and pairwise distances, 0..1, `[a * values.length + b]`. */
interface EncodedAxis {
  readonly path: string;
  readonly values: readonly SweepValue[];
  readonly distance: Float64Array;
}

/** Encoding of a space for a surrogate. */
export interface Encoding {
  readonly axes: readonly EncodedAxis[];
  /** `[axis][cell]`: index of the cell's value. */
  readonly codes: readonly Uint16Array[];
}

/** @param paths in the order of a cell's values */
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

/** Numbers, shares and sizes differ by values between, texts by unshared parts, for a positive definite covariance. */
function distances(values: readonly SweepValue[]): Float64Array {
  const between = <T>(places: readonly T[], apart: (one: T, other: T) => number): Float64Array =>
    Float64Array.from(places.flatMap((place) => places.map((other) => apart(place, other))));
  const numbers = values.map(numberOf);
  if (numbers.every((number) => number !== null)) {
    const order = [...numbers].sort((a, b) => a - b);
    const places = numbers.map((number) => order.indexOf(number) / Math.max(1, order.length - 1));
    return between(places, (place, other) => Math.abs(place - other));
  }
  const parts = values.map((value) => new Set(String(value).split(/[:,+]/)));
  return between(parts, (left, other) => {
    const shared = [...left].filter((part) => other.has(part)).length;
    return 1 - shared / (left.size + other.size - shared);
  });
}

/** Null: no number, share or size. */
function numberOf(value: SweepValue): number | null {
  if (typeof value === 'number') return value;
  if (typeof value === 'boolean') return null;
  const plain = /^(-?\d+(?:\.\d+)?)(?: ?%|\/layer)?$/.exec(value);
  if (plain !== null) return Number(plain[1]);
  return /^[\d.]+ ?[KMGT]i?B$/.test(value) ? BYTES.read(value) : null;
}
