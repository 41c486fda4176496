import { inRange, type MissCondition } from '../../system/door.js';
import type { RunningEvent } from './event.js';
import type { Gpu } from './gpu.js';

/** First rule from number `from` on valid for the missed member `i`. The last rule is always valid. */
export function ruleFrom(from: number, i: number, event: RunningEvent, gpu: Gpu): number {
  const { onMiss } = gpu;
  let at = from;
  for (; at < onMiss.length - 1; at++) {
    const { when } = onMiss[at]!;
    if (when === null || holds(when, i, event, gpu)) break;
  }
  return at;
}

function holds({ copy, gate, misses, pass, phase, tokens }: MissCondition, i: number, event: RunningEvent, gpu: Gpu): boolean {
  const { demand } = event;
  if (phase !== null && (phase === 'prefill') !== event.prefill) return false;
  if (tokens !== null && !inRange(tokens, demand.counts[i]!)) return false;
  if (pass !== null && !inRange(pass, event.tokens)) return false;
  if (misses !== undefined && !inRange(misses, event.misses)) return false;
  if (copy !== undefined && gpu.classes!.needs(demand.ids[i]!) > copy) return false;
  return gate === null || inRange(gate.share, gpu.unimportance!.of(gate.by, demand.ids[i]!));
}

/** True if a rule promotes missed experts in the background. */
export const promotes = ({ onMiss }: Pick<Gpu, 'onMiss'>): boolean => onMiss.some(({ admit }) => admit === 'background');
