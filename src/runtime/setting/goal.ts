import { UserError } from '../../base/errors.js';
import { didYouMean } from '../../base/text.js';
import { parseDuration } from '../../base/units.js';
import { closedLoop, type RequestShape, type SharedSpeeds, type Sharing } from './closed-loop.js';

/** Goal of a setting: a fast request, a speed, or latency targets. */
export type Goal =
  | { readonly kind: 'request' | 'decode' | 'prefill' }
  /** ns; null: no target. */
  | { readonly kind: 'targets'; readonly ttft: number | null; readonly tpot: number | null };

const KINDS = ['request', 'decode', 'prefill'] as const;

/** `--goal`. @throws UserError if malformed */
export function parseGoal(text: string): Goal {
  const kind = KINDS.find((known) => known === text);
  if (kind !== undefined) return { kind };
  if (!text.includes('='))
    throw new UserError(`--goal: unknown goal "${text}": ${didYouMean(text, KINDS)} (targets are written as ttft=2s,tpot=50ms)`);
  const targets = { ttft: null as number | null, tpot: null as number | null };
  for (const part of text.split(',')) {
    const [name = '', value = ''] = part.split('=').map((word) => word.trim());
    if (name !== 'ttft' && name !== 'tpot') throw new UserError(`--goal: unknown target "${name}"; write ttft=2s, tpot=50ms or both`);
    if (targets[name] !== null) throw new UserError(`--goal: ${name} is given twice; keep one`);
    // A plain number would be nanoseconds, never intended for a goal.
    if (value !== '' && Number.isFinite(Number(value)))
      throw new UserError(`--goal: ${name}=${value} has no unit; write ${name}=${value}s or ${name}=${value}ms`);
    targets[name] = parseDuration(value, `--goal ${name}`);
  }
  return { kind: 'targets', ...targets };
}

/** Time of a request, ns: the prompt, then token by token. */
export function requestNs(speeds: SharedSpeeds, sharing: Sharing, request: RequestShape): number {
  const { tpot, ttft } = closedLoop(speeds, sharing, request);
  return ttft + request.output * tpot;
}

/** Cost under a goal, smaller is better. Targets: the largest latency / target. */
export function costOf(goal: Goal, speeds: SharedSpeeds, sharing: Sharing, request: RequestShape): number {
  switch (goal.kind) {
    case 'request':
      return requestNs(speeds, sharing, request);
    case 'decode':
      return 1 / speeds.decode;
    case 'prefill':
      return 1 / speeds.prefill;
    case 'targets': {
      const { tpot, ttft } = closedLoop(speeds, sharing, request);
      return Math.max(goal.ttft === null ? 0 : ttft / goal.ttft, goal.tpot === null ? 0 : tpot / goal.tpot);
    }
  }
}

/** True if all targets are met. */
export const isKept = (goal: Goal, cost: number): boolean => goal.kind !== 'targets' || cost <= 1;
