import { UserError } from '../base/errors.js';
import { BYTES, DURATION, FLOPS, RATE } from '../base/units.js';
import { LARGEST } from './catalogue.js';
import type { Unit } from './result.js';

/** Amount of a budget: `3%`, `45 ms`. Signed (`+0.2ms`, `-0.5pp`): a change against the base. */
export interface Amount {
  /** Sign of a change; null: unsigned. */
  readonly sign: 1 | -1 | null;
  /** Number and unit, e.g. `0.2ms`. */
  readonly text: string;
}

/** Base (null: absent) and candidate. */
interface Pair {
  readonly base: number | null;
  readonly candidate: number;
  readonly unit: Unit;
}

const AMOUNT = /^([+-]?)\s*(\d[\d.]*(?:e[+-]?\d+)?\s*[^\d\s]*(?:\s*\/\s*[a-z]+)?)$/i;

/** For error messages. */
const ACCEPTED: Readonly<Record<Unit, string>> = {
  ratio: 'a share such as 80%, or a change such as +0.5pp or +3%',
  count: 'a number such as 1200',
  bytes: 'a size such as 8GiB',
  ns: 'a duration such as 45ms',
  'tokens/s': 'a rate such as 30 tok/s',
  'count/token': 'a number such as 12.5',
  'bytes/token': 'a size such as 150MiB',
  'bytes/s': 'a rate such as 25GB/s',
  'ns/byte': 'a number such as 0.04',
  flops: 'operations such as 3GFLOP/s',
};

/** A number with an optional sign and unit. @throws UserError */
export function parseAmount(text: string): Amount {
  const match = AMOUNT.exec(text.trim());
  if (match === null) throw new UserError(`"${text.trim()}" is not an amount; write e.g. 45ms, 80%, +3%, -0.5pp or +0.2ms`);
  return { sign: match[1] === '+' ? 1 : match[1] === '-' ? -1 : null, text: match[2]!.trim() };
}

type Measure = 'value' | 'change' | 'relative';

/**
 * Size and measure of an amount: a signed `%` is relative to the base; of a ratio, `%` is the share. @throws UserError
 */
function measure(amount: Amount, unit: Unit, isChange: boolean, place: string): { readonly by: Measure; readonly size: number } {
  const percent = /^(.*?)\s*(%|pp)$/.exec(amount.text);
  if (percent !== null) {
    const size = Number(percent[1]) / 100;
    if (!(size <= LARGEST)) throw mismatch(amount, unit, place);
    if (percent[2] === 'pp') {
      if (unit !== 'ratio')
        throw new UserError(`${place}: percentage points (pp) are for shares; write ${ACCEPTED[unit]} or a change such as +3%`);
      if (!isChange)
        throw new UserError(`${place}: ${amount.text} is a change and needs its sign; write +${amount.text} or -${amount.text}`);
      return { by: 'change', size };
    }
    if (isChange) return { by: 'relative', size };
    if (unit !== 'ratio')
      throw new UserError(`${place}: ${amount.text} without a sign is a share; write +${amount.text} for a change, or ${ACCEPTED[unit]}`);
    return { by: 'value', size };
  }
  const size = READERS[unit](amount.text);
  if (size === null || size > LARGEST) throw mismatch(amount, unit, place);
  return { by: isChange ? 'change' : 'value', size };
}

const mismatch = (amount: Amount, unit: Unit, place: string): UserError =>
  new UserError(`${place}: "${amount.text}" does not fit; write ${ACCEPTED[unit]}`);

const plain =
  (unit: RegExp) =>
  (text: string): number | null => {
    const value = Number(text.replace(unit, '').trim());
    return Number.isFinite(value) ? value : null;
  };

const READERS: Readonly<Record<Unit, (text: string) => number | null>> = {
  ratio: (text) => (Number(text) > 10 ? null : plain(/^$/)(text)), // plain 90 would be 9,000 %
  count: plain(/^$/),
  bytes: BYTES.read,
  // A plain number would mean nanoseconds, never intended; zero is equal in every unit.
  ns: (text) => (Number(text) > 0 ? null : DURATION.read(text)),
  'tokens/s': plain(/tok(ens)?\s*\/\s*s$/),
  'count/token': plain(/\/\s*token$/),
  'bytes/token': (text) => BYTES.read(text.replace(/\s*\/\s*token$/, '')),
  'bytes/s': RATE.read,
  'ns/byte': plain(/ns\s*\/\s*B$/),
  flops: FLOPS.read,
};

/** Observed number and limit in one measure. */
interface Measured {
  readonly observed: number;
  readonly limit: number;
}

/** Infinite for a change from zero; null: no base. @throws UserError for a wrong unit */
export function measurePair(amount: Amount, pair: Pair, place: string): Measured | null {
  const { by, size } = measure(amount, pair.unit, amount.sign !== null, place);
  const limit = (amount.sign ?? 1) * size;
  if (by === 'value') return { observed: pair.candidate, limit };
  if (pair.base === null) return null;
  const change = changeOf(pair.base, pair.candidate);
  return { observed: by === 'change' ? change : relativeChange(pair.base, change), limit };
}

/** @param worsening change, positive for the worse @throws UserError for a wrong unit */
export function measureRegression(amount: Amount, base: number, worsening: number, unit: Unit, place: string): Measured {
  const { by, size } = measure(amount, unit, true, place);
  return { observed: by === 'relative' ? relativeChange(base, worsening) : worsening, limit: size };
}

/** Relative rounding of sums: 4,500 times a double's precision (2.2e-16). */
const ROUNDING = 1e-12;

/** Candidate minus base; 0 if within rounding. */
export function changeOf(base: number, candidate: number): number {
  const change = candidate - base;
  return Math.abs(change) > ROUNDING * Math.max(Math.abs(base), Math.abs(candidate)) ? change : 0;
}

function relativeChange(base: number, change: number): number {
  if (change === 0) return 0;
  return base === 0 ? change * Number.POSITIVE_INFINITY : change / Math.abs(base);
}
