import { UserError } from './errors.js';
import { byName } from './objects.js';

/** Bytes of a KiB. */
export const KIB = 2 ** 10;
/** Bytes of a MiB. */
export const MIB = 2 ** 20;
/** Bytes of a GiB. */
export const GIB = 2 ** 30;

/** Kind of quantity: parser, and words for refused texts. */
export interface Quantity {
  /** Name with an article: `a size`. */
  readonly noun: string;
  /** Accepted examples: `8GiB, 4000MiB or 24 GB`. */
  readonly accepted: string;
  /** Value in the inner unit, or null. */
  read(value: string | number): number | null;
}

const NUMBER = /^(\d+(?:\.\d+)?(?:e[+-]?\d+)?)\s*([^\d\s].*)?$/i;
const DECIMAL = byName<number>({ '': 1, k: 1e3, m: 1e6, g: 1e9, t: 1e12, p: 1e15 });
const BINARY = byName<number>({ k: 2 ** 10, m: 2 ** 20, g: 2 ** 30, t: 2 ** 40, p: 2 ** 50 });
const TIME = byName<number>({ ns: 1, us: 1e3, µs: 1e3, μs: 1e3, ms: 1e6, s: 1e9, min: 60e9, h: 3600e9 });

function split(value: string | number): { number: number; unit: string } | null {
  if (typeof value === 'number') return Number.isFinite(value) && value >= 0 ? { number: value, unit: '' } : null;
  const match = NUMBER.exec(value.trim());
  const number = Number(match?.[1]);
  return match !== null && Number.isFinite(number) ? { number, unit: match[2] ?? '' } : null;
}

/** Bytes in `B`, `KB`, `MiB`, ...; null for any other text. `Gb` is refused: gigabits. */
function byteUnit(unit: string): number | null {
  if (unit === '') return 1;
  const match = /^([kmgtp]?)(i?)(?:b)$/.exec(
    unit === unit.toLowerCase() ? unit : /^[KMGTPkmgtp]?i?B$/.test(unit) ? unit.toLowerCase() : '',
  );
  if (match === null) return null;
  return (match[2] === 'i' ? BINARY[match[1]!] : DECIMAL[match[1]!]) ?? null;
}

function scaled(value: string | number, factor: (unit: string) => number | null): number | null {
  const parts = split(value);
  if (parts === null) return null;
  const unit = factor(parts.unit);
  if (unit === null) return null;
  const product = parts.number * unit;
  // The product of doubles misses the last bit of 32.19us.
  return unit === 1 || Number.isInteger(product) ? product : Number(product.toPrecision(15));
}

/** Whole bytes, as is a plain number; `GB` is 10^9, `GiB` 2^30. */
export const BYTES: Quantity = {
  noun: 'a size',
  accepted: '8GiB, 4000MiB, 24 GB, or a plain number of bytes',
  read: (value) => {
    const bytes = scaled(value, byteUnit);
    return bytes === null ? null : Math.round(bytes);
  },
};

/** Durations in nanoseconds. A plain number is nanoseconds. */
export const DURATION: Quantity = {
  noun: 'a duration',
  accepted: '10us, 2ms, 1.5s, or a plain number of nanoseconds',
  read: (value) => scaled(value, (unit) => (unit === '' ? 1 : (TIME[unit] ?? null))),
};

/** Bandwidths in bytes per second. A plain number is bytes per second. */
export const RATE: Quantity = {
  noun: 'a rate',
  accepted: '25.2 GB/s, 2460 MiB/s, or a plain number of bytes per second from 1000 on',
  read: (value) => (Number(value) > 0 && Number(value) < 1000 ? null : scaled(value, rateUnit)),
};

const rateUnit = (unit: string) => (unit === '' ? 1 : unit.endsWith('/s') && unit !== '/s' ? byteUnit(unit.slice(0, -2)) : null);

/** Compute throughput in FLOP/s. A plain number is FLOP/s. */
export const FLOPS: Quantity = {
  noun: 'a compute rate',
  accepted: '142 TFLOP/s, 800 GFLOPS, or a plain number of FLOP/s',
  read: (value) =>
    scaled(value, (unit) => {
      const match = /^([kmgtp]?)flop(?:s|\/s)$/i.exec(unit);
      return unit === '' ? 1 : match === null ? null : DECIMAL[match[1]!.toLowerCase()];
    }),
};

/** A fraction in [0, 1], as is a plain number. */
export const SHARE: Quantity = {
  noun: 'a share',
  accepted: '25% or 0.25, from 0% to 100%',
  read: (value) => {
    const share = scaled(value, (unit) => (unit === '' ? 1 : unit === '%' ? 0.01 : null));
    return share === null || share > 1 ? null : share;
  },
};

/** Counts: whole numbers, also `2k` and `1.5M`. */
export const COUNT: Quantity = {
  noun: 'a count',
  accepted: '512, 2k, 1.5M',
  read: (value) => {
    const count = scaled(value, (unit) => DECIMAL[unit.toLowerCase()] ?? null);
    return count === null || !Number.isSafeInteger(count) ? null : count;
  },
};

/** @param place of the text, e.g. `--cache` or `profile.yaml:7:3: memory.expertCache` @throws UserError */
export function parseQuantity(quantity: Quantity, value: string | number, place: string): number {
  const result = quantity.read(value);
  if (result === null) throw new UserError(`${place}: ${refusal(quantity, value)}`);
  return result;
}

/** Message for a text that is no such quantity. */
export const refusal = (quantity: Quantity, value: unknown): string =>
  `${JSON.stringify(value)} is not ${quantity.noun}; write e.g. ${quantity.accepted}`;

function reader(quantity: Quantity): (value: string | number, place: string) => number {
  return (value, place) => parseQuantity(quantity, value, place);
}

/** Parses a duration to nanoseconds. @throws UserError */
export const parseDuration = reader(DURATION);

/** Parses a share to a fraction in [0, 1]. @throws UserError */
export const parseShare = reader(SHARE);

/** Parses a count. @throws UserError */
export const parseCount = reader(COUNT);

/** Formats with `decimals` digits and thousands commas: `1,234.5`. */
export function formatNumber(value: number, decimals = 0): string {
  if (!Number.isFinite(value)) return Number.isNaN(value) ? 'n/a' : value > 0 ? 'inf' : '-inf';
  const text = Math.abs(value).toFixed(decimals);
  if (text.includes('e')) return value.toExponential(2);
  const [whole, fraction] = text.split('.');
  const grouped = whole!.replace(/\B(?=(\d{3})+$)/g, ',');
  const sign = value < 0 && /[1-9]/.test(text) ? '-' : '';
  return sign + (fraction === undefined ? grouped : `${grouped}.${fraction}`);
}

/** Formats a whole number: `1,234,567`. */
export const formatCount = (value: number): string => formatNumber(value, 0);

/** `1 token`, `1,234 tokens`. @param noun takes an s in the plural */
export const formatCounted = (count: number, noun: string): string => `${formatCount(count)} ${noun}${count === 1 ? '' : 's'}`;

const decimalsOf = (size: number, factor: number): number =>
  factor === 1 && Number.isInteger(size) ? 0 : size / factor >= 99.95 ? 0 : size / factor >= 9.995 ? 1 : 2;

/** Formats three digits in the largest unit with at least 1; consecutive `units` differ by `step`. */
function inUnits(step: number, units: readonly string[]): (value: number) => string {
  return (value) => {
    if (!Number.isFinite(value)) return formatNumber(value);
    const size = Math.abs(value);
    let index = 0;
    let factor = 1;
    // Rounding may reach the next unit: 999.96 ms print as 1.00 s.
    const rounded = (): number => Number((size / factor).toFixed(decimalsOf(size, factor))) * factor;
    for (; index + 1 < units.length && rounded() >= factor * step; index++) factor *= step;
    return `${formatNumber(value / factor, decimalsOf(size, factor))} ${units[index]!}`;
  };
}

/** Bytes in binary units, three digits: `8.00 GiB`, `512 B`. */
export const formatBytes = inUnits(1024, ['B', 'KiB', 'MiB', 'GiB', 'TiB']);

/** Decimal units, as links and memories are sold: `25.2 GB/s`. */
export const formatRate = inUnits(1000, ['B/s', 'kB/s', 'MB/s', 'GB/s', 'TB/s']);

/** Three digits: `842 ns`, `15.0 us`, `6.87 ms`, `1.50 s`. */
export const formatNs = inUnits(1000, ['ns', 'us', 'ms', 's']);

/** Operations, three digits: `2.36 GFLOP`. */
export const formatFlops = inUnits(1000, ['FLOP', 'kFLOP', 'MFLOP', 'GFLOP', 'TFLOP']);

/** Number of parameters as on model cards: `30.5B`, `976M`. */
export const formatParameters = (count: number): string => inUnits(1000, ['', 'k', 'M', 'B', 'T'])(count).replace(' ', '');

/** Fraction as a percentage, one decimal by default: `83.9 %`. */
export const formatRatio = (ratio: number, decimals = 1): string =>
  Number.isFinite(ratio) ? `${formatNumber(ratio * 100, decimals)} %` : formatNumber(ratio);

/** Three digits: `2,220 tok/s`, `146 tok/s`, `14.6 tok/s`, `0.42 tok/s`. */
export const formatTokensPerSecond = (rate: number): string =>
  `${formatNumber(Number(rate.toPrecision(3)), rate < 9.995 ? 2 : rate < 99.95 ? 1 : 0)} tok/s`;
