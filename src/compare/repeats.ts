// Several runs of one scenario as one result: simulated metrics must be the same in all of them, measured ones become samples.
import { EXIT, UserError } from '../base/errors.js';
import { median } from '../base/significance.js';
import { canonicalJson, sealed } from '../result/digest.js';
import type { Metric, Result } from '../result/result.js';
import { samplesOf } from './samples.js';

/**
 * Joins repeats; everything but the samples is the first one's.
 * @param repeats at least one
 * @throws UserError with exit code 3 where they are not repeats of one run
 */
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
