// Reference for the state of a run, and for slots in it (L4-L6, L14): who gets one, and who leaves.
import { layerOfExperts } from '../../src/cache/scope.js';
import { CostModel } from '../../src/hardware/cost.js';
import type { MissRule } from '../../src/system/miss-rules.js';
import { type LayerCounts, zeroTotals } from './outcome.js';
import { type Level, memoryOf } from './reference-memory.js';
import { type Demanded, eventsOf, passesOf } from './reference-passes.js';
import { rulesOf, type Scenario } from './scenario.js';

/** A distinct expert of the running event, and what becomes of it. */
export interface Member extends Demanded {
  readonly fate: 'hits' | 'late' | 'misses';
  /** Whether its copy is on the GPU. */
  readonly copy: boolean;
  rule: MissRule;
  buddy: number;
  state: 'served' | 'to be loaded' | 'deferred' | 'skipped';
  /** What the CPU computes of it; the GPU executes the rest. */
  cpuShare: number;
  readyNs: number;
}

export type World = ReturnType<typeof worldOf>;

/** An expert that a prediction asked for. */
export interface Planned {
  readonly id: number;
  /** Its transfer starts no earlier. */
  issuedNs: number;
  /** Without a slot it is dropped or, refused, waits for the end of an event. */
  fate: 'planned' | 'dropped' | 'refused';
}

export const NEVER = Number.POSITIVE_INFINITY;

/** The state of a run: what is given, memory, counts, the running event, and what comes ahead. */
export function worldOf(scenario: Scenario) {
  const { contents = [], hardware, model, split } = scenario;
  const passes = passesOf(scenario);
  // All events that are still to come, for Belady.
  const events = passes.flatMap(({ tokens }) => model.layers.flatMap(({ index }) => eventsOf(scenario, tokens, index)));
  const { count = 1, numa = 'tensor' } = hardware.cpu?.sockets ?? {};
  return {
    ...{ scenario, model, passes, events, rules: rulesOf(scenario), layerOf: layerOfExperts(model) },
    cost: new CostModel(model, hardware, null, split),
    ...memoryOf(scenario, (id) => [...events, [id]].findIndex((demand) => demand.includes(id))),
    total: { ...zeroTotals(), distinct: new Set(events.flat()).size },
    byContent: Object.fromEntries(contents.map((share) => [share, { activations: 0, degraded: 0 }])),
    layers: [] as LayerCounts[],
    ...{ nowNs: 0, pass: passes[0]!, members: [] as Member[] },
    // When the GPU, and each queue of the CPU, has done what it was given; what was deferred is apart.
    ...{ gpuNs: 0, cpuFreeNs: [] as number[], deferredNs: Array<number>(numa === 'expert' ? count : 1).fill(0) },
    ...{ plan: [] as Planned[], nextLayer: 0, unused: new Set<number>() },
    ...{ promotions: [] as { id: number; sinceNs: number }[], promotedNs: 0, missed: new Map<number, number>() },
  };
}

export const hasCopy = ({ layerOf, pool }: World, id: number): boolean => pool[layerOf[id]!]!.resident.has(id);
export const isMember = (w: World, id: number): boolean => w.members.some((one) => one.id === id || one.buddy === id);
export const isLossy = ({ rule }: Member): boolean => ['low-precision', 'skip', 'substitute'].includes(rule.do);

/** The weights of a missed expert are needed. */
export function reads(one: Member): boolean {
  const copied = one.rule.do === 'low-precision' && !one.copy;
  return one.fate === 'misses' && (copied || !isLossy(one));
}

/**
 * L4, L5, L11: a slot, where nothing planned before the first of `ranks` may leave or, if there is none, before the
 * next. @returns when it is free; never: there is none
 */
export function admit(w: World, level: Level, id: number, used: boolean, atNs: number, ranks = [0], always = false) {
  const onGpu = level === w.gpu;
  const users = w.members.filter((one) => onGpu || reads(one));
  const inUse = (other: number): boolean => users.some((one) => one.id === other || (onGpu && one.buddy === other));
  const isPinned = (other: number): boolean => level.arrivalNs(other) > atNs || inUse(other);
  const planned = (other: number, rank: number): boolean => w.plan.slice(0, rank).some((one) => one.id === other);
  const pins = ranks.map((rank) => (other: number) => isPinned(other) || planned(other, rank));
  const { admitted, victims } = level.caches[w.layerOf[id]!]!.admit(id, used, pins, always);
  // Planned experts that leave wait again, also those that had found no slot and were promoted.
  for (const one of w.plan.filter(({ id: other }) => victims.includes(other))) {
    one.issuedNs = Math.max(one.issuedNs, atNs);
    if (onGpu) one.fate = 'planned';
  }
  if (!onGpu) return admitted ? atNs : NEVER;
  notePeak(w);
  const freeNs = victims.map((victim) => {
    w.layers[w.layerOf[victim]!]!.evictions++;
    if (w.unused.has(victim)) waste(w, victim);
    if (w.slices && !hasCopy(w, victim)) keepCopy(w, victim, false);
    if (!w.scenario.exclusive) return atNs;
    w.total.writeBacks++;
    w.total.writeBackBytes += w.sizes[victim]!;
    return w.writeBack.demand(victim, w.sizes[victim]!, atNs).arrivalNs;
  });
  return admitted ? Math.max(atNs, ...freeNs) : NEVER;
}

export function waste(w: World, id: number): void {
  w.unused.delete(id);
  w.total.wasted++;
  w.total.wastedBytes += w.sizes[id]!;
}

/** A slot for a copy, where there are any (L5). @returns whether there was room */
export function keepCopy(w: World, id: number, used: boolean): boolean {
  const uses = ({ fate, rule }: Member): boolean => fate === 'misses' && (w.slices || rule.do === 'low-precision');
  const pinned = (other: number): boolean => w.members.some((member) => member.id === other && uses(member));
  const { admitted, victims } = w.pool[w.layerOf[id]!]!.admit(id, used, [pinned]);
  w.total.copyEvictions += victims.length;
  notePeak(w);
  return admitted;
}

export function notePeak({ gpu, pool, total }: World): void {
  const bytes = [...new Set([...gpu.caches, ...pool])].reduce((sum, cache) => sum + cache.usedBytes, 0);
  total.peakBytes = Math.max(total.peakBytes, bytes);
}

/** When the weights of an expert are in DRAM (L14). */
export function inDram(w: World, id: number): number {
  const { dram, nowNs, sizes } = w;
  const here = dram.holds(id);
  if (here) dram.caches[0]!.touch(id);
  else admit(w, dram, id, true, nowNs);
  if (!here) dram.came.set(id, dram.link.demand(id, sizes[id]!, nowNs));
  return Math.max(nowNs, dram.arrivalNs(id));
}
