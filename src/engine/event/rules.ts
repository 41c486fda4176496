import { inRange, type MissCondition, type MissRule } from '../../system/door.js';
import type { RunningEvent } from '../vocabulary/event.js';

/** True: missed member `i` of the running event meets a condition. */
export type Check = (i: number) => boolean;

/** Conditions of the running event itself. */
function checksOf(event: RunningEvent, { misses, pass, phase, tokens }: MissCondition): Check[] {
  const checks: Check[] = [];
  if (phase !== null) checks.push(() => (phase === 'prefill') === event.prefill);
  if (tokens !== null) checks.push((i) => inRange(tokens, event.demand.counts[i]!));
  if (pass !== null) checks.push(() => inRange(pass, event.tokens));
  if (misses !== undefined) checks.push(() => inRange(misses, event.misses));
  return checks;
}

/** L13: rule of a miss: the first whose conditions all hold; the last holds always. */
export class RuleChoice {
  readonly #checks: readonly (readonly Check[])[];

  /** @param more checks of a condition, by mechanisms */
  constructor(rules: readonly MissRule[], event: RunningEvent, more: (when: MissCondition) => readonly Check[]) {
    const conditions = rules.slice(0, -1).map(({ when }) => when);
    this.#checks = conditions.map((when) => (when === null ? [] : [...checksOf(event, when), ...more(when)]));
  }

  /** Number of the first valid rule from `from` on. */
  of(from: number, i: number): number {
    let at = from;
    while (at < this.#checks.length && !this.#holds(this.#checks[at]!, i)) at++;
    return at;
  }

  #holds(checks: readonly Check[], i: number): boolean {
    for (let k = 0; k < checks.length; k++) if (!checks[k]!(i)) return false;
    return true;
  }
}
