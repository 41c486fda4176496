// The least GPU memory for given conditions: the search for the smallest expert cache whose run meets all of them. Pure; the caller executes the
// runs. Unlike advice, which counts bytes of settings and composes short runs (advise/search.ts), a plan executes the user's whole run, several at a
// time, and does not assume that conditions keep holding above some size.
import type { Result } from '../../result/result.js';
import { type Tagged, tagged } from '../../result/version.js';

/** Version tag of the format. Additions keep it; a change of meaning raises it. */
const PLAN_SCHEMA = 'moeprof.plan/1';

/** One run of a plan. */
export interface Probe {
  /** Capacity of the expert cache, percent of all experts. */
  readonly percent: number;
  /** Conditions that the run breaks, as written; empty: it keeps them all. */
  readonly broken: readonly string[];
  readonly result: Result;
}

/** One system on one machine. */
export interface Placing {
  readonly system: string;
  readonly hardware: string;
  /** Memory of the machine's GPU for a model, or of the smallest of several; bytes. */
  readonly gpuBytes: number;
  /** Percent of the experts of the smallest cache that keeps all conditions, to a whole percent; null: not even a cache of all does. */
  readonly percent: number | null;
  /** True if that cache, and all else of a run, fit in the memory of the fullest GPU, and host memory or a disk holds the experts. */
  readonly fits: boolean;
  /** False if a larger cache than the smallest that suffices was seen to break a condition. */
  readonly steady: boolean;
  readonly probes: readonly Probe[];
}

/** A system on a machine that cannot run at all. */
export interface RefusedPlacing extends Pick<Placing, 'system' | 'hardware'> {
  readonly reason: string;
}

/** A finished plan: the public format `moeprof.plan/1`. */
export interface Plan extends Tagged<typeof PLAN_SCHEMA> {
  /** Conditions that a run must keep. */
  readonly conditions: readonly string[];
  /** The objective that `goodput` is counted by; null: none. */
  readonly slo: string | null;
  /** Those that fit first, then by the memory that they need. */
  readonly placings: readonly Placing[];
  /** Absent: every system runs on every machine. */
  readonly refused?: readonly RefusedPlacing[];
}

/** Percent between the capacities that are tried: over the whole range, then in what the step before has left. */
const STEPS = [25, 5, 1];

/** Searches the smallest sufficient capacity, from coarse to fine, as if larger were no worse; independent of the parallel runs. */
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

  /** Records the outcome at a capacity. */
  add(percent: number, kept: boolean): void {
    this.#kept.set(percent, kept);
  }

  /** The smallest capacity so far that suffices; null: none did. */
  get least(): number | null {
    return this.#percents(true)[0] ?? null;
  }

  /** False if a larger capacity than the smallest that suffices does not. */
  get steady(): boolean {
    const { least } = this;
    return least === null || this.#percents(false).every((percent) => percent < least);
  }

  /** The largest capacity below `least` that does not suffice; `least` itself if there is none. */
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

/** Sums up a search. @param probes all that were run @param search the same search */
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

/** Puts placings in order. */
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
  // Two placings without an answer differ by NaN: they keep their order.
  const sorted = placings.toSorted((a, b) => Number(b.fits) - Number(a.fits) || order(a) - order(b) || 0);
  return { ...tagged(PLAN_SCHEMA), conditions, slo, placings: sorted, ...(refused.length === 0 ? {} : { refused }) };
}

/** The run of the smallest cache that suffices; null: there is none. */
export function answeringProbe({ percent, probes }: Placing): Probe | null {
  return probes.find((probe) => probe.percent === percent) ?? null;
}

/** The sentence on memory that a run lacks; null: none does. */
export function lackOf({ result }: Probe): string | null {
  return result.warnings.find(({ code }) => code === 'does-not-fit')?.message ?? null;
}

/** GPU memory that a run sets aside, of several GPUs on the one with the most; bytes. A short run does not fill a large cache, a long one does. */
export const neededBytes = ({ result }: Probe): number => result.metrics['memory.gpu.allocated']!.value;
