// The order of several runs by speed, and the reason why each is slower than the best.
import type { Result } from '../../result/result.js';
import { changedParts } from '../changed-parts.js';
import { type Phase, phaseSpeed } from '../phase-time.js';
import { reasonOf } from './reason.js';

/** One run of a ranking. */
export interface Ranked {
  readonly result: Result;
  readonly name: string;
  /** Tokens per second of a request (L21); null where the run has no such phase. */
  readonly decode: number | null;
  readonly prefill: number | null;
  /** Why it is slower than the best; empty for the best itself. */
  readonly reason: string;
}

/** The phase whose speed orders a ranking: decode, or prefill if nothing is decoded. */
export function phaseRanked(results: readonly Result[]): Phase {
  return results.some((result) => phaseSpeed(result, 'decode') !== null) ? 'decode' : 'prefill';
}

/** True if the run fits the memory of its machine. */
export function fits({ warnings }: Result): boolean {
  return !warnings.some(({ code }) => code === 'does-not-fit');
}

/** Sorts runs by speed, with those that do not fit their machine last; ties keep their order. */
export function rank(results: readonly Result[]): Ranked[] {
  const phase = phaseRanked(results);
  const sorted = [...results].sort(
    (a, b) => Number(fits(b)) - Number(fits(a)) || (phaseSpeed(b, phase) ?? 0) - (phaseSpeed(a, phase) ?? 0),
  );
  const best = sorted[0]!;
  const machines = new Set(results.map(({ inputs }) => inputs.hardware)).size > 1;
  const systems = new Set(results.map(({ inputs }) => inputs.system)).size > 1;
  return sorted.map((result) => {
    const { hardware } = result.inputs;
    const system = result.inputs.system + changedParts(result);
    const name = machines && systems ? `${system} on ${hardware}` : machines ? hardware : system;
    const speeds = { decode: phaseSpeed(result, 'decode'), prefill: phaseSpeed(result, 'prefill') };
    return {
      result,
      name,
      ...speeds,
      reason: (phaseSpeed(result, phase) ?? 0) > (phaseSpeed(best, phase) ?? 0) || result === best ? '' : reasonOf(phase, best, result),
    };
  });
}
