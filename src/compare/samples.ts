import { EXIT, UserError } from '../base/errors.js';
import { ALPHA, bootstrapChange, holm, mannWhitney, median, smallestP } from '../base/significance.js';
import { canonicalJson, sealed } from '../result/digest.js';
import type { Metric, Result } from '../result/result.js';

/** Significance over repeated runs, corrected for the number of tests in a gate. */
export interface SampleTest {
  /** Samples of base and candidate. */
  readonly counts: readonly [number, number];
  /** Two-sided p-value of Mann-Whitney's test, after Holm's correction over the gate. */
  readonly p: number;
  /** 95 % interval of the change of the median, in the metric's unit. */
  readonly interval: ReturnType<typeof bootstrapChange>;
  /** `too-few`: even fully separated samples would not be significant. */
  readonly verdict: 'different' | 'unclear' | 'too-few';
}

/** One map, by metric, per pair. */
export function testSamples(pairs: readonly { readonly base: Result; readonly candidate: Result }[]): ReadonlyMap<string, SampleTest>[] {
  const tests = pairs.flatMap(({ base, candidate }, pair) =>
    Object.entries(candidate.metrics).flatMap(([name, after]) => {
      const before = base.metrics[name];
      if (before === undefined || (before.kind === 'exact' && after.kind === 'exact')) return [];
      const [a, b] = [samplesOf(before), samplesOf(after)];
      return [{ pair, name, a, b, enough: smallestP(a.length, b.length) <= ALPHA }];
    }),
  );
  const conclusive = tests.filter(({ enough }) => enough);
  const corrected = holm(conclusive.map(({ a, b }) => mannWhitney(a, b)));
  const byPair = pairs.map(() => new Map<string, SampleTest>());
  for (const test of tests) {
    const p = test.enough ? corrected[conclusive.indexOf(test)]! : 1;
    byPair[test.pair]!.set(test.name, {
      counts: [test.a.length, test.b.length],
      p,
      interval: bootstrapChange(test.a, test.b, test.name),
      verdict: !test.enough ? 'too-few' : p < ALPHA ? 'different' : 'unclear',
    });
  }
  return byPair;
}

const samplesOf = (metric: Metric): readonly number[] => metric.samples ?? [metric.value];

/** All fields but samples come from the first. @throws UserError with exit code 3 unless all repeat one run */
export function joinRepeats(repeats: readonly { readonly label: string; readonly result: Result }[]): Result {
  const [first, ...others] = repeats;
  if (others.length === 0) return first!.result;
  const metrics: Record<string, Metric> = { ...first!.result.metrics };
  for (const { label, result } of others) {
    const refuse = (what: string): UserError =>
      new UserError(`${label}: is no repeat of ${first!.label}: ${what}; give another run another name`, EXIT.notComparable);
    if (result.fingerprint !== first!.result.fingerprint) throw refuse('its inputs differ');
    if (canonicalJson(result.config) !== canonicalJson(first!.result.config)) throw refuse('its configuration differs');
    const names = new Set([...Object.keys(metrics), ...Object.keys(result.metrics)]);
    for (const name of names) {
      const [known, more] = [metrics[name], result.metrics[name]];
      if (known === undefined || more === undefined) throw refuse(`only one of them has ${name}`);
      if (known.kind === 'sampled') {
        const samples = [...samplesOf(known), ...samplesOf(more)];
        metrics[name] = { ...known, value: median(samples), samples };
      } else if (known.value !== more.value) {
        throw refuse(`${name} is simulated and must be the same, not ${known.value} and ${more.value}`);
      }
    }
  }
  return sealed({ ...first!.result, metrics });
}
