// Unlike advice (advise/search.ts), a plan executes whole runs, and reports conditions that a larger cache breaks.
import { metricValue } from '../../result/catalogue.js';
import type { Result } from '../../result/result.js';
import { type Tagged, tagged } from '../../result/version.js';

/** Version tag, raised by changes of meaning only. */
const PLAN_SCHEMA = 'moeprof.plan/1';

/** A run of a plan. */
export interface Probe {
  /** Capacity of the expert cache, percent of all experts. */
  readonly percent: number;
  /** Broken conditions, as written. */
  readonly broken: readonly string[];
  readonly result: Result;
}

/** A system on a machine. */
export interface Placing {
  readonly system: string;
  readonly hardware: string;
  /** GPU memory for a model, bytes; the smallest of several GPUs. */
  readonly gpuBytes: number;
  /** Smallest sufficient cache, percent of the experts; null: even 100 % fails. */
  readonly percent: number | null;
  /** True if the run at `percent` fits the fullest GPU, and the host or a disk holds the experts. */
  readonly fits: boolean;
  /** False if a larger cache than `percent` broke a condition. */
  readonly steady: boolean;
  readonly probes: readonly Probe[];
}

/** A system that cannot run on a machine. */
export interface RefusedPlacing extends Pick<Placing, 'system' | 'hardware'> {
  readonly reason: string;
}

/** A finished plan: the public format `moeprof.plan/1`. */
export interface Plan extends Tagged<typeof PLAN_SCHEMA> {
  readonly conditions: readonly string[];
  /** Objective counted by `goodput`; null: none. */
  readonly slo: string | null;
  /** Fitting placings first, then by needed memory. */
  readonly placings: readonly Placing[];
  /** Absent: every system runs on every machine. */
  readonly refused?: readonly RefusedPlacing[];
}

/** Percent between tried capacities, coarse to fine. Ours. */
const STEPS = [25, 5, 1];

/** Searches the smallest sufficient capacity, as if larger were no worse. */
export class CapacitySearch {
  readonly #kept = new Map<number, boolean>();
  #step = 0;

  /** Capacities to try next, percent; empty: the search has ended. */
  next(): number[] {
    const step = STEPS[this.#step++];
    if (step === undefined) return [];
    const { least } = this;
    if (step === STEPS[0]) return range(0, 100, step);
    return least === null ? [] : range(this.#mostBroken(least) + step, least - step, step);
  }

  add(percent: number, kept: boolean): void {
    this.#kept.set(percent, kept);
  }

  /** Smallest sufficient capacity so far, percent; null: none. */
  get least(): number | null {
    return this.#percents(true)[0] ?? null;
  }

  /** False if a capacity above `least` is insufficient. */
  get steady(): boolean {
    const { least } = this;
    return least === null || this.#percents(false).every((percent) => percent < least);
  }

  #mostBroken(least: number): number {
    return this.#percents(false).findLast((percent) => percent < least) ?? least;
  }

  #percents(kept: boolean): number[] {
    return [...this.#kept]
      .filter(([, was]) => was === kept)
      .map(([percent]) => percent)
      .sort((a, b) => a - b);
  }
}

function range(from: number, to: number, step: number): number[] {
  return Array.from({ length: Math.max(0, Math.floor((to - from) / step) + 1) }, (_, i) => from + i * step);
}

/** Sums up a finished search. */
export function placingOf(
  { system, hardware, gpuBytes }: Pick<Placing, 'system' | 'hardware' | 'gpuBytes'>,
  probes: readonly Probe[],
  { least, steady }: CapacitySearch,
): Placing {
  const answer = probes.find(({ percent }) => percent === least);
  return {
    system,
    hardware,
    gpuBytes,
    percent: least,
    fits: answer !== undefined && neededBytes(answer) <= gpuBytes && lackOf(answer) === null,
    steady,
    probes: probes.toSorted((a, b) => a.percent - b.percent),
  };
}

/** Orders placings into a plan. */
export function planOf(
  conditions: readonly string[],
  slo: string | null,
  placings: readonly Placing[],
  refused: readonly RefusedPlacing[] = [],
): Plan {
  const order = (placing: Placing): number => {
    const answer = answeringProbe(placing);
    return answer === null ? Number.POSITIVE_INFINITY : neededBytes(answer);
  };
  // Infinity minus Infinity is NaN: placings without an answer keep their order.
  const sorted = placings.toSorted((a, b) => Number(b.fits) - Number(a.fits) || order(a) - order(b) || 0);
  return { ...tagged(PLAN_SCHEMA), conditions, slo, placings: sorted, ...(refused.length === 0 ? {} : { refused }) };
}

/** Run of the smallest sufficient cache; null: none. */
export function answeringProbe({ percent, probes }: Placing): Probe | null {
  return probes.find((probe) => probe.percent === percent) ?? null;
}

/** Sentence on the memory that a run lacks; null: enough. */
export function lackOf({ result }: Probe): string | null {
  return result.warnings.find(({ code }) => code === 'does-not-fit')?.message ?? null;
}

/** Reserved GPU memory, bytes; the largest of several GPUs. A short run does not fill a large cache. */
export const neededBytes = ({ result }: Probe): number => metricValue(result, 'memory.gpu.allocated')!;
