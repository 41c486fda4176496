// One call that records events, builds caches and replays: what most tests of the cache room need.
import { BeladyBound } from '../../src/cache/bounds/belady-bound.js';
import { DemandLog, LogCursor } from '../../src/cache/demand.js';
import { Future } from '../../src/cache/future.js';
import { parsePolicy, resolvePolicy } from '../../src/cache/policies/index.js';
import type { Clock } from '../../src/cache/policy.js';
import { buildCaches, type Caches, type Scope } from '../../src/cache/scope.js';
import type { ModelSpec } from '../../src/model/spec.js';
import { DemandReplay, type ReplayCounts } from './demand-replay.js';
import type { Event } from './reference.js';
import { RowCursor } from './row-cursor.js';

/** Records events in a log. */
export function recordEvents(model: ModelSpec, events: readonly Event[], sequential = false): DemandLog {
  const log = new DemandLog(model, sequential);
  for (const event of events) log.append(event.layer, Int32Array.from(event.ids), event.ids.length);
  return log;
}

/** Records rows of a trace as one-token events. */
export function recordRows(
  model: ModelSpec,
  rows: { readonly topK: number; readonly experts: Uint16Array },
  tokens: number,
  sequential = false,
): DemandLog {
  const log = new DemandLog(model, sequential);
  const cursor = new RowCursor(model, rows.topK);
  cursor.open(rows, 0, tokens);
  while (cursor.next()) log.append(cursor.layer, cursor.ids, cursor.count);
  return log;
}

/** A replay in single steps, with everything that a policy may need. */
export interface Stepper {
  readonly caches: Caches;
  readonly replay: DemandReplay;
  readonly cursor: LogCursor;
  readonly counts: () => ReplayCounts;
}

/** Builds a replay of a log; popularity is the true one. */
export async function stepper(
  log: DemandLog,
  spec: string,
  scope: Scope,
  capacityBytes: number,
  quotas: readonly number[] | null = null,
): Promise<Stepper> {
  const { model } = log;
  const { definition, parameters } = await resolvePolicy(parsePolicy(spec));
  const clock: Clock = { event: 0, pass: 0, layer: 0 };
  const nextUse = new Int32Array(model.experts);
  const popularity = new Float64Array(model.experts);
  for (const cursor = new LogCursor(log); cursor.next(); ) for (let i = 0; i < cursor.count; i++) popularity[cursor.ids[i]!]! += 1;
  const caches = buildCaches({
    model,
    policy: definition,
    parameters,
    capacityBytes,
    scope,
    quotas: quotas ?? undefined,
    clock,
    seed: 7,
    nextUse,
    popularity,
    predicted: new Float32Array(model.experts),
    gates: new Float32Array(model.experts).fill(0.5),
  });
  for (const cache of caches.caches) cache.preload();
  const replay = new DemandReplay(caches, clock, log.sequential, new Future(log), nextUse);
  return { caches, replay, cursor: new LogCursor(log), counts: () => replay.counts() };
}

/** Replays a log to its end. */
export async function replayLog(
  log: DemandLog,
  spec: string,
  scope: Scope,
  capacityBytes: number,
  quotas: readonly number[] | null = null,
): Promise<ReplayCounts> {
  const { replay, cursor, counts } = await stepper(log, spec, scope, capacityBytes, quotas);
  replay.run(cursor);
  return counts();
}

/**
 * The Belady bound of a recorded run whose capacity changes.
 * @param capacities bytes from each event on
 */
export function changingBound(
  log: DemandLog,
  scope: Scope,
  capacityBytes: number,
  capacities: readonly number[],
  preloaded = false,
): number {
  const bound = new BeladyBound(log.model, scope, capacityBytes, null, preloaded);
  const cursor = new LogCursor(log);
  for (let event = 0; cursor.next(); event++) {
    const { count, ids, layer } = cursor;
    bound.resize(capacities[event]!);
    // Activations that are judged on their own are events of one member.
    const events = log.sequential ? Array.from({ length: count }, (_, i) => ids.slice(i, i + 1)) : [ids.slice(0, count)];
    for (const members of events) bound.event(layer, members, members.length);
  }
  return bound.hits;
}

/**
 * {@link BeladyBound} of a recorded run, of a capacity that stays.
 * @param preloaded as there
 */
export function beladyHits(log: DemandLog, scope: Scope, capacityBytes: number, preloaded = false): number {
  const bound = new BeladyBound(log.model, scope, capacityBytes, null, preloaded);
  const cursor = new LogCursor(log);
  const single = new Int32Array(1);
  while (cursor.next()) {
    const { count, ids, layer } = cursor;
    if (!log.sequential) {
      bound.event(layer, ids, count);
      continue;
    }
    for (let i = 0; i < count; i++) {
      single[0] = ids[i]!;
      bound.event(layer, single, 1);
    }
  }
  return bound.hits;
}
