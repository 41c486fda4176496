import { deviation, mean, sum } from '../base/statistics.js';
import type { ModelSpec } from '../model/door.js';
import { type DemandWindow, sumOf } from './demand.js';
import { residentsOf } from './residents.js';

/** Fewest windows of a score, for a meaningful spread (same limit in exllamav3's builder). */
export const LEAST_WINDOWS = 4;

/** Score of a set of experts, in shares of demand, 0..1. */
export type CaptureScore = NonNullable<ReturnType<typeof scoreOf>>;

/** Share of demand captured by a set. */
export function captureOf(resident: Uint8Array, demand: Float64Array): number {
  let [captured, all] = [0, 0];
  for (let id = 0; id < demand.length; id++) {
    all += demand[id]!;
    if (resident[id] === 1) captured += demand[id]!;
  }
  return all === 0 ? 0 : captured / all;
}

/** Capture of a set, with limits. @param resident 1: resident, by dense id */
export function captureShares(model: ModelSpec, resident: Uint8Array, demand: Float64Array) {
  const slots = slotsIn(model, resident);
  let [chance, all] = [0, 0];
  for (const { experts, index, offset } of model.layers) {
    const wanted = sum(demand.subarray(offset, offset + experts));
    all += wanted;
    chance += (wanted * slots[index]!) / experts;
  }
  return {
    captured: captureOf(resident, demand),
    /** Expected capture of a random set with equal slots. */
    uniform: all === 0 ? 0 : chance / all,
    /** Capture of the best set with equal slots. */
    oracle: captureOf(residentsOf(model, demand, slots), demand),
  };
}

/** Capture between chance and the best set. @param resident 1: resident, by dense id @returns null: too few windows */
export function scoreOf(model: ModelSpec, resident: Uint8Array, windows: readonly DemandWindow[]) {
  if (windows.length < LEAST_WINDOWS) return null;
  const { captured, oracle, uniform } = captureShares(model, resident, sumOf(windows, model.experts));
  return {
    tokens: sum(windows.map(({ tokens }) => tokens)),
    windows: windows.length,
    captured,
    error: deviation(windows.map((window) => captureOf(resident, window.demand))) / Math.sqrt(windows.length),
    uniform,
    oracle,
    /** 1: best set; 0: chance; negative: worse than chance; null: no difference. */
    headroom: oracle > uniform ? (captured - uniform) / (oracle - uniform) : null,
  };
}

/** Resident experts by MoE layer. */
export const slotsIn = ({ layers }: ModelSpec, resident: Uint8Array): number[] =>
  layers.map(({ experts, offset }) => sum(resident.subarray(offset, offset + experts)));

/** Least gain of a new count, share of demand. Ours of 2026-12-01: less changes no speed by 1 %. */
const WORTHWHILE = 0.01;

/** Comparison with a set counted half-way. @returns null: a half has fewer than {@link LEAST_WINDOWS} windows */
export function driftOf(model: ModelSpec, resident: Uint8Array, windows: readonly DemandWindow[]) {
  const half = windows.length >> 1;
  if (half < LEAST_WINDOWS) return null;
  const [early, late] = [windows.slice(0, half), windows.slice(half)];
  const again = residentsOf(model, sumOf(early, model.experts), slotsIn(model, resident));
  const gains = late.map(({ demand }) => captureOf(again, demand) - captureOf(resident, demand));
  const gain = mean(gains);
  const error = deviation(gains) / Math.sqrt(gains.length);
  const lateDemand = sumOf(late, model.experts);
  return {
    /** Capture in each half of the judged windows. */
    first: captureOf(resident, sumOf(early, model.experts)),
    second: captureOf(resident, lateDemand),
    /** Capture in the second half by a set counted on the first. */
    rebuilt: captureOf(again, lateDemand),
    /** Mean gain of the rebuilt set, and its standard error. */
    gain,
    error,
    /** True: the gain exceeds two standard errors, and 1 % of demand. */
    rebuild: gain > 2 * error && gain >= WORTHWHILE,
  };
}
