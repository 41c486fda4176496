import { UserError } from '../../base/errors.js';
import { didYouMean } from '../../base/text.js';
import { parseDuration } from '../../base/units.js';

/** Goal of a setting: a fast request, a speed, or latency targets. */
export type Goal =
  | { readonly kind: 'request' | 'decode' | 'prefill' }
  /** ns; null: no target. */
  | { readonly kind: 'targets'; readonly ttft: number | null; readonly tpot: number | null };

/** Tokens of a request. */
export interface RequestShape {
  readonly prompt: number;
  readonly output: number;
}

/** Speeds that goals rate. */
export interface Speeds {
  /** Tokens/s over all users. */
  readonly decode: number;
  /** Tokens/s. */
  readonly prefill: number;
}

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
export function requestNs({ decode, prefill }: Speeds, users: number, { output, prompt }: RequestShape): number {
  return (prompt * 1e9) / prefill + (output * users * 1e9) / decode;
}

/** Cost under a goal, smaller is better. Targets: the largest latency / target. */
export function costOf(goal: Goal, speeds: Speeds, users: number, request: RequestShape): number {
  switch (goal.kind) {
    case 'request':
      return requestNs(speeds, users, request);
    case 'decode':
      return 1 / speeds.decode;
    case 'prefill':
      return 1 / speeds.prefill;
    case 'targets': {
      const ttft = goal.ttft === null ? 0 : (request.prompt * 1e9) / speeds.prefill / goal.ttft;
      const tpot = goal.tpot === null ? 0 : (users * 1e9) / speeds.decode / goal.tpot;
      return Math.max(ttft, tpot);
    }
  }
}

/** True if all targets are met. */
export const isKept = (goal: Goal, cost: number): boolean => goal.kind !== 'targets' || cost <= 1;
