import { deviation, mean, sum } from '../base/statistics.js';
import type { ModelSpec } from '../model/door.js';
import { type DemandWindow, sumOf } from './demand.js';
import { residentsOf } from './residents.js';

/** Windows below which there is no score: the spread of fewer means nothing (exllamav3's builder has the same limit). */
export const LEAST_WINDOWS = 4;

/** A set of experts judged on some text; shares of demand, 0..1. */
export type CaptureScore = NonNullable<ReturnType<typeof scoreOf>>;

/** Share of demand that a set has. */
export function captureOf(resident: Uint8Array, demand: Float64Array): number {
  let [captured, all] = [0, 0];
  for (let id = 0; id < demand.length; id++) {
    all += demand[id]!;
    if (resident[id] === 1) captured += demand[id]!;
  }
  return all === 0 ? 0 : captured / all;
}

/** Shares of demand, by dense id, that a set captures, with its lower and upper limits. @param resident 1 if the expert stays */
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
    /** What a set of as many experts in each layer captures that is drawn by chance. */
    uniform: all === 0 ? 0 : chance / all,
    /** What the best such set captures, chosen with the judged text itself. */
    oracle: captureOf(residentsOf(model, demand, slots), demand),
  };
}

/** The worth of a set: its share of demand between chance and the best set. @param resident 1 if it stays, by dense id @returns null: few windows */
export function scoreOf(model: ModelSpec, resident: Uint8Array, windows: readonly DemandWindow[]) {
  if (windows.length < LEAST_WINDOWS) return null;
  const { captured, oracle, uniform } = captureShares(model, resident, sumOf(windows, model.experts));
  return {
    tokens: sum(windows.map(({ tokens }) => tokens)),
    windows: windows.length,
    captured,
    /** Standard error of `captured` over windows. */
    error: deviation(windows.map((window) => captureOf(resident, window.demand))) / Math.sqrt(windows.length),
    /** Of a set of as many experts in each layer that is drawn by chance, and of the best such set, chosen with the judged text itself. */
    uniform,
    oracle,
    /** 1 is the best set, 0 chance, below it worse than chance; null if both are equal. */
    headroom: oracle > uniform ? (captured - uniform) / (oracle - uniform) : null,
  };
}

/** Experts of the set, by MoE layer. */
export const slotsIn = ({ layers }: ModelSpec, resident: Uint8Array): number[] =>
  layers.map(({ experts, offset }) => sum(resident.subarray(offset, offset + experts)));

/** Share of demand for which counting again is worth the trouble. Ours, chosen on 2026-12-01: less changes no speed by a percent. */
const WORTHWHILE = 0.01;

/** Judges a set against one that is counted again half-way. @returns null: a half has fewer than {@link LEAST_WINDOWS} windows */
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
    /** Share of demand that the set captures in the first and in the second half of the judged windows. */
    first: captureOf(resident, sumOf(early, model.experts)),
    second: captureOf(resident, lateDemand),
    /** What a set of the same size captures in the second half that was counted on the first. */
    rebuilt: captureOf(again, lateDemand),
    /** Mean gain of the rebuilt set over the windows of the second half, and its standard error. */
    gain,
    error,
    /** True: the gain is more than twice its standard error, and at least a hundredth of demand. */
    rebuild: gain > 2 * error && gain >= WORTHWHILE,
  };
}
