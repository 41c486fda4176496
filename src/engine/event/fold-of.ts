import { computesMisses } from '../../system/door.js';
import { type Hooks, having } from '../vocabulary/hooks.js';
import { executorOf } from './execute.js';
import { EventFold, followsEvents, HookedFold } from './fold.js';
import { ArrivalJudge, Judge } from './judge.js';
import type { FoldPart, GpuParts } from './parts.js';
import { Misses, TieredMisses } from './place.js';
import { EachMiss, type Service } from './place-each.js';
import { RuleChoice } from './rules.js';
import { plainService } from './service.js';

/** Fold of the parts that its mechanisms need. @param more hooks after the mechanisms' */
export function foldOf(parts: GpuParts, mechanisms: readonly FoldPart[], more: readonly Hooks[]): EventFold {
  const { event, evictions, gpu, outcomes } = parts;
  const ahead = mechanisms.some((part) => part.ahead);
  const hooks = [...(ahead ? [outcomes] : []), ...mechanisms.flatMap((part) => part.hooks ?? []), ...more];
  evictions.hooks = having(hooks, 'evicted');
  evictions.dramHooks = having(hooks, 'lostByDram');
  const judge = firstOf(mechanisms, (part) => part.judge?.()) ?? judgeOf(parts, ahead);
  const misses = missesOf(parts, mechanisms, hooks);
  const executor = executorOf(gpu, event);
  const fold = { event, evictions, executor, gpu, judge, misses };
  const always = mechanisms.some((part) => part.always);
  const plain = gpu.dram === null && !always && !hooks.some(followsEvents);
  return plain ? new EventFold(fold, hooks) : new HookedFold(fold, hooks, always);
}

const judgeOf = ({ event, gpu, outcomes }: GpuParts, ahead: boolean): Judge =>
  ahead ? new ArrivalJudge(gpu, event, outcomes) : new Judge(gpu, event);

function missesOf(parts: GpuParts, mechanisms: readonly FoldPart[], hooks: readonly Hooks[]): Misses {
  const { event, evictions, gpu } = parts;
  const { dram, onMiss } = gpu;
  const choice = new RuleChoice(onMiss, event, (when) => mechanisms.flatMap((part) => part.checks?.(when) ?? []));
  const compares = onMiss.some(computesMisses);
  const placed = firstOf(mechanisms, (part) => part.place?.(choice, compares));
  const plain = onMiss.length === 1 && onMiss[0]!.do === 'load' && onMiss[0]!.admit === 'policy';
  const together = plain && !mechanisms.some((part) => part.oneByOne);
  if (placed === null && together) return new (dram === null ? Misses : TieredMisses)(gpu, event, evictions);
  const placing = placed ?? new EachMiss(gpu, event, evictions, choice, compares);
  if (!(placing instanceof EachMiss)) return placing;
  placing.hooks = mechanisms.flatMap((part) => part.placing ?? []);
  placing.degraded = having(hooks, 'degraded');
  placing.services = onMiss.map((rule): Service => {
    const plain = plainService(placing, rule) ?? firstOf(mechanisms, (part) => part.service?.(placing, rule));
    if (plain === null) throw new Error(`no mechanism serves ${rule.do}`);
    return mechanisms.reduce((service, part) => part.around?.(service, placing, rule) ?? service, plain);
  });
  return placing;
}

const firstOf = <P, T>(parts: readonly P[], of: (part: P) => T | null | undefined): T | null =>
  parts.map(of).find((result) => result != null) ?? null;
