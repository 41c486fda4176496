// Runs a scenario through the engine itself and reads off everything that can be seen from outside.
import { UserError } from '../../src/base/errors.js';
import { Random } from '../../src/base/random.js';
import { DemandLog } from '../../src/cache/demand.js';
import { Future } from '../../src/cache/future.js';
import { NextUse } from '../../src/cache/next-use/next-use.js';
import { parsePolicy, resolvePolicy } from '../../src/cache/policies/index.js';
import type { Clock } from '../../src/cache/policy.js';
import { layerOfExperts, type Scope } from '../../src/cache/scope.js';
import { aheadPart } from '../../src/engine/compose/prefetch.js';
import { buildTier } from '../../src/engine/compose/tiers.js';
import { Engine, OneGpu } from '../../src/engine/event/engine.js';
import { foldOf } from '../../src/engine/event/fold-of.js';
import type { GpuParts, PolicyKnowledge } from '../../src/engine/event/parts.js';
import { Evictions } from '../../src/engine/event/place.js';
import { BoundClocks } from '../../src/engine/foresight/clocks.js';
import { ExpectedUse } from '../../src/engine/lookahead/expected-use.js';
import type { PrefetchSetup } from '../../src/engine/lookahead/setup.js';
import { balance, balances } from '../../src/engine/mechanisms/balance.js';
import { LowPrecisionCopies } from '../../src/engine/mechanisms/copies.js';
import { deferral } from '../../src/engine/mechanisms/deferral.js';
import { Faults } from '../../src/engine/mechanisms/faults.js';
import { gateConditions } from '../../src/engine/mechanisms/gate.js';
import type { RunPart } from '../../src/engine/mechanisms/mechanism.js';
import { onCpu } from '../../src/engine/mechanisms/on-cpu.js';
import { promotes, promotions } from '../../src/engine/mechanisms/promotions.js';
import { ClassPrecision, classConditions } from '../../src/engine/mechanisms/request-classes.js';
import { skipping } from '../../src/engine/mechanisms/skip.js';
import { stagedIn } from '../../src/engine/mechanisms/staging.js';
import { standIns } from '../../src/engine/mechanisms/stand-ins.js';
import { writeBack } from '../../src/engine/mechanisms/write-back.js';
import { copyRoom } from '../../src/engine/memory/copies.js';
import { PrefetchOutcomes } from '../../src/engine/prefetch/outcomes.js';
import type { Link } from '../../src/engine/transfer/link.js';
import type { CachedTier } from '../../src/engine/transfer/tier.js';
import { type Demand, EventDemand, RunningEvent } from '../../src/engine/vocabulary/event.js';
import type { Gpu } from '../../src/engine/vocabulary/gpu.js';
import type { Hooks } from '../../src/engine/vocabulary/hooks.js';
import { Recorder } from '../../src/engine/vocabulary/recorder.js';
import { CostModel } from '../../src/hardware/cost.js';
import type { LinkSpec } from '../../src/hardware/spec.js';
import { expertBytesTotal, expertSizes, type ModelSpec } from '../../src/model/spec.js';
import { hostTime, type PredictionTime } from '../../src/predict/cost.js';
import type { Predictor } from '../../src/predict/predictor.js';
import { findScheduler } from '../../src/schedule/index.js';
import { KvRoom } from '../../src/schedule/kv-room.js';
import { Pass } from '../../src/schedule/pass.js';
import { Passes } from '../../src/schedule/passes.js';
import { Request } from '../../src/schedule/request.js';
import { Speculation, type SpeculationSpec } from '../../src/schedule/speculation.js';
import { ClosedLoop } from '../../src/schedule/workload.js';
import { copyShare } from '../../src/system/copies.js';
import { TraceStore } from '../../src/trace/store.js';
import { NULL_EXPERT, type RoutingTrace } from '../../src/trace/trace.js';
import type { LayerOutcome, LinkOutcome, Outcome, PassOutcome } from './outcome.js';
import { rulesOf, type Scenario, type Script } from './scenario.js';

/** A trace of one request: all tokens of all passes, one after another. */
export function traceOf(scenario: Pick<Scenario, 'model' | 'passes' | 'topK'>): RoutingTrace {
  const { model, passes, topK } = scenario;
  const store = new TraceStore({ path: 'scenario', layers: model.layers.length, topK });
  for (const token of passes.flat()) {
    store.seek(store.rows);
    for (const { index } of model.layers) {
      for (let rank = 0; rank < topK; rank++) store.ids[store.idsAt + index * topK + rank] = token[index]![rank] ?? NULL_EXPERT;
    }
    store.addRow(0, store.rows, 1);
  }
  return store.finish(
    model.layers.map(({ experts }) => experts),
    { model: null, format: 'test', synthetic: false, expertBytes: null, notes: {} },
  );
}

/** A predictor that says what its script says. */
export function scripted(script: Script, scenario: Scenario): Predictor {
  const { layers } = scenario.model;
  return {
    ...(script.drafts === undefined ? {} : { drafts: script.drafts }),
    ...(script.next === undefined ? {} : { next: nextBy(script.next, scenario) }),
    observe() {},
    predict(pass, after, horizon, scores) {
      for (let layer = after + 1; layer <= after + horizon; layer++) {
        const { experts, offset } = layers[layer]!;
        for (let id = offset; id < offset + experts; id++) scores[id] = script.score(pass.number, after, id, pass.drafted);
      }
    },
  };
}

/** What a script says of the next pass. */
function nextBy(score: NonNullable<Script['next']>, { model }: Scenario): NonNullable<Predictor['next']> {
  return (pass, layer, scores) => {
    const { experts, offset } = model.layers[layer]!;
    for (let id = offset; id < offset + experts; id++) scores[id] = score(pass.number, id);
  };
}

/** What a scripted prediction takes. */
export function scriptedTime({ costNs, expertNs = 0 }: Script, model: ModelSpec): PredictionTime {
  return hostTime({ callNs: costNs, tokenNs: 0, expertNs, mostTokens: 2 }, model);
}

/** The demand of the whole run, recorded beforehand; what Belady and its bound are computed from. */
export function recordDemand(scenario: Scenario): DemandLog {
  const { model, replay, topK } = scenario;
  const log = new DemandLog(model, replay === 'sequential');
  for (const { choices: all, row, tokens } of passesOf(scenario)) {
    for (const { index, offset } of model.layers) {
      const rows = Array.from({ length: tokens }, (_, token) => all.slice(token * row + index * topK, token * row + (index + 1) * topK));
      const choices = rows.flatMap((ids) => [...ids].filter((e) => e !== NULL_EXPERT).map((e) => offset + e));
      if (replay === 'sequential') {
        for (const id of choices) log.append(index, Int32Array.of(id), 1);
      } else if (choices.length > 0) {
        const members = [...new Set(choices.toReversed())].toReversed();
        log.append(index, Int32Array.from(members), members.length);
      }
    }
  }
  return log;
}

/** Bytes that copies have of a scenario's capacity. */
function copyBytes({ capacityBytes, copies, model }: Scenario): number {
  return copies === undefined ? 0 : copyRoom({ ...copies, policy: parsePolicy(copies.policy) }, capacityBytes, expertBytesTotal(model));
}

/** Copies of a scenario; without ones that stay, each is dropped after use. */
async function copiesOf({ copies, ...scenario }: Scenario): Promise<LowPrecisionCopies> {
  if (copies === undefined) return new LowPrecisionCopies(null);
  const spec = { ...copies, policy: parsePolicy(copies.policy) };
  const policy = await resolvePolicy(spec.policy);
  return new LowPrecisionCopies({ spec, scope: copies.scope, policy, copyBytes: copyShare({ rules: rulesOf(scenario) }) });
}

/** What tokens are content with, by their classes: each token is a request of its own, see passesOf. */
function classesOf({ contents, model }: Scenario): ClassPrecision | null {
  if (contents === undefined) return null;
  return new ClassPrecision(model, contents.map(String), new Map(contents.filter((copy) => copy < 1).map((copy) => [String(copy), copy])));
}

/** Prefetch by the script of a scenario; null where it has none. */
function prefetchOf(scenario: Scenario): PrefetchSetup | null {
  const { model, script } = scenario;
  if (script === null) return null;
  return {
    predictor: scripted(script, scenario),
    time: scriptedTime(script, model),
    limits: script.limits,
    scores: new Float32Array(model.experts),
    predictedUse: null,
    expectedUse: script.next === undefined ? null : new ExpectedUse(model, new NextUse(model)),
    adaptive: null,
    budget: null,
    leftOut: null,
  };
}

/** A tier of experts with a policy, at its first contents. */
export async function tierOf(
  knows: Pick<PolicyKnowledge, 'clock' | 'model'> & Partial<PolicyKnowledge>,
  spec: string,
  capacityBytes: number,
  scope: Scope,
  link: LinkSpec,
): Promise<CachedTier> {
  return buildTier({ ...knows, seed: 1 }, await resolvePolicy(parsePolicy(spec)), capacityBytes, scope, null, link);
}

/** Mechanisms that a scenario's rules, tiers and buffers ask for. */
export function mechanismsOf(scenario: Scenario, copies: LowPrecisionCopies, classes: ClassPrecision | null): RunPart[] {
  const { exclusive, model, script, staging = 0 } = scenario;
  const rules = rulesOf(scenario);
  const cpuQueues = new CostModel(model, scenario.hardware).cpuQueues;
  return [
    gateConditions(model, ['rank']),
    ...(classes === null ? [] : [classConditions(classes)]),
    standIns(model),
    onCpu(),
    ...(rules.some(({ defer }) => defer > 0) ? [deferral(model, cpuQueues)] : []),
    skipping(),
    copies,
    ...(script === null || staging === 0 ? [] : [stagedIn(() => staging)]),
    ...(exclusive ? [writeBack()] : []),
    ...(promotes(rules) ? [promotions()] : []),
    ...(balances(rules) ? [balance()] : []),
  ];
}

/** A GPU of a scenario, and its fold. */
export function foldedGpu(
  gpu: Gpu,
  demand: Demand,
  { link, prefetch, ...room }: Pick<GpuParts, 'knows' | 'link' | 'memory' | 'shard'> & { readonly prefetch: PrefetchSetup | null },
  mechanisms: readonly RunPart[],
  beside: readonly Hooks[],
) {
  const event = new RunningEvent(demand, gpu.cost.cpuQueues);
  const evictions = new Evictions(gpu, event);
  const outcomes = new PrefetchOutcomes(gpu);
  const expects = prefetch?.expectedUse?.values ?? null;
  const parts: GpuParts = { ...room, link, gpu, event, evictions, outcomes, expects, ahead: { staging: null, idle: [], promoter: null } };
  const made = mechanisms.flatMap((part) => part.on?.(parts) ?? []);
  const ahead = aheadPart(parts, prefetch);
  const links = [gpu.gpu.link, ...(gpu.dram === null ? [] : [gpu.dram.link]), ...made.flatMap((part) => part.links ?? [])];
  return { fold: foldOf(parts, ahead === null ? made : [...made, ahead], beside), links };
}

/** Memory of a GPU with bytes for copies, as far as mechanisms read it. */
export const roomFor = (copyBytes: number) => ({ copyBytes }) as GpuParts['memory'];

/** Composes an engine for a scenario. */
export async function composeEngine(scenario: Scenario) {
  const { capacityBytes, faults, model, hardware, replay } = scenario;
  const clock: Clock = { event: 0, pass: 0, layer: 0 };
  const future = scenario.policy.startsWith('belady') ? new Future(recordDemand(scenario)) : null;
  const nextUse = future === null ? null : Int32Array.from(future.first);
  const recorder = new Recorder(model.layers.length);
  const link = hardware.links[0]!;
  const knows = { model, clock, nextUse: nextUse ?? undefined };
  const tier = await tierOf(knows, scenario.policy, capacityBytes - copyBytes(scenario), scenario.scope, link);
  const dram =
    scenario.dram === null ? null : await tierOf(knows, scenario.dram.policy, scenario.dram.capacityBytes, 'global', hardware.links[1]!);
  const cost = new CostModel(model, hardware, null, scenario.split);
  const onMiss = rulesOf(scenario);
  const gpu: Gpu = {
    ...{ model, cost, gpu: tier, dram, onMiss, overlaps: true, recorder },
    ...{ sizes: expertSizes(model), layerOf: layerOfExperts(model), clock },
  };
  const classes = classesOf(scenario);
  const copies = await copiesOf(scenario);
  const mechanisms = mechanismsOf(scenario, copies, classes);
  const demand = new EventDemand(model);
  const room = { knows: { ...knows, seed: 1 }, memory: roomFor(copyBytes(scenario)), shard: null };
  const foresight: Hooks[] = future === null ? [] : [{ demanded: () => future.advance(nextUse!) }];
  const { fold, links } = foldedGpu(gpu, demand, { ...room, link, prefetch: prefetchOf(scenario) }, mechanisms, foresight);
  const refuse = (path: string, message: string): UserError => new UserError(`${path}: ${message}`);
  const strikes = faults === undefined ? [] : [new Faults(faults, [links], [cost], refuse)];
  const engine = new Engine({
    layers: model.layers.length,
    cost,
    folds: [fold],
    exchange: new OneGpu(fold, demand),
    bounds: new BoundClocks(demand, model, hardware, cost, dram === null, { floor: null, found: null }, false),
    hooks: [...strikes, ...mechanisms.flatMap((part) => part.hooks ?? [])],
    recorder,
    activations: replay === 'sequential' ? demand : null,
  });
  return { engine, gpu: tier, classes, copies: copies.pools[0] ?? null, dram, recorder, cost };
}

const residents = (tier: Pick<CachedTier, 'caches'>): number[] =>
  tier.caches.flatMap((cache) => [...cache.resident.keys()].filter((id) => cache.resident[id] === 1).map((id) => id + cache.base));

const transfersOf = ({ demands, demandBytes, prefetches, prefetchBytes, busyNs, restarts }: Link): LinkOutcome => ({
  demands,
  demandBytes,
  prefetches,
  prefetchBytes,
  busyNs,
  restarts,
});

/** The passes of a scenario that drafts, as the loop of serving composes them. */
function* verifiedPasses(scenario: Scenario, speculation: SpeculationSpec): Generator<Pass> {
  const walks = [{ start: 0, prefill: 0, decode: scenario.passes.flat().length }];
  const drafts = new Speculation(speculation, 1);
  const kv = new KvRoom(Number.POSITIVE_INFINITY);
  const context = { kv, paths: null, residency: null, random: new Random(1, 'test'), drafts };
  const scheduler = findScheduler('fcfs').create({ batch: 1, maxTokensPerPass: 512 }, {}, context);
  const passes = new Passes(new ClosedLoop(walks, 1), scheduler, new Pass(traceOf(scenario), 1), kv, drafts);
  while (passes.next(0) >= 0) {
    yield passes.pass;
    passes.done(0);
  }
}

/** The passes of a scenario, one request's, filled one after another: each is to be run before the next is asked for. */
export function* passesOf(scenario: Scenario): Generator<Pass> {
  const { passes, speculation } = scenario;
  if (speculation !== undefined) return yield* verifiedPasses(scenario, speculation);
  const pass = new Pass(traceOf(scenario), 1);
  const tokens = passes.reduce((sum, { length }) => sum + length, 0);
  const request = new Request({ index: 0, start: 0, prefill: 0, decode: tokens, arrivalNs: 0 });
  for (const choices of passes) {
    const shares = [{ request, tokens: choices.length }];
    pass.fill(shares);
    // What is asked of a token's class is asked of its request.
    if (scenario.contents !== undefined) for (let token = 0; token < choices.length; token++) pass.request[token] = request.done + token;
    yield pass;
    pass.advance(shares);
  }
}

/** Runs a scenario through the engine. Starts and ends of events are taken from what each layer's dense work, compute and stall add up to. */
export async function simulateByEngine(scenario: Scenario): Promise<Outcome> {
  const { engine, gpu, classes, copies: pool, dram, recorder, cost } = await composeEngine(scenario);
  const { model } = scenario;
  const { layers } = recorder;
  const outcomes = Array.from(passesOf(scenario), (pass): PassOutcome => {
    const before = Object.fromEntries(Object.entries(layers).map(([name, column]) => [name, Float64Array.from(column as Float64Array)]));
    let nowNs = engine.nowNs + pass.draftNs;
    engine.run(pass);
    const byLayer = model.layers.map(({ index }): LayerOutcome => {
      const added = (name: keyof typeof layers): number => layers[name][index]! - before[name]![index]!;
      const startNs = nowNs + added('denseNs');
      const endNs = startNs + added('computeNs') + added('stallNs');
      nowNs = endNs;
      return {
        startNs,
        endNs,
        events: added('events'),
        demanded: added('demanded'),
        hits: added('hits'),
        late: added('late'),
        misses: added('misses'),
        evictions: added('evictions'),
        streamed: added('streamed'),
        onDemandBytes: added('onDemandBytes'),
        prefetchBytes: added('prefetchBytes'),
        computeNs: added('computeNs'),
        stallNs: added('stallNs'),
        cpuNs: added('cpuNs'),
      };
    });
    const tailNs = cost.denseNs(model.layers.length, pass.tokens, [0], [pass.tokens], 1) + cost.passNs;
    if (nowNs + tailNs !== engine.nowNs) throw new Error(`the parts of pass ${pass.number} do not add up to its duration`);
    const copies = pool === null ? null : residents(pool);
    return { endNs: engine.nowNs, layers: byLayer, gpu: residents(gpu), copies, dram: dram === null ? null : residents(dram) };
  });
  return {
    passes: outcomes,
    h2d: transfersOf(gpu.link),
    ssd: dram === null ? null : transfersOf(dram.link),
    useful: recorder.prefetchUseful,
    late: recorder.prefetchLate,
    wasted: recorder.prefetchWasted,
    wastedBytes: recorder.prefetchWastedBytes,
    dropped: recorder.prefetchDropped,
    cancelled: recorder.prefetchCancelled,
    cpuExperts: recorder.cpuExperts,
    shared: recorder.sharedExperts,
    takenOver: recorder.takenOver,
    skipped: recorder.skippedExperts,
    substituted: recorder.substitutedExperts,
    degraded: recorder.degradedActivations,
    ...(classes === null ? {} : { byContent: Object.fromEntries(classes.served) }),
    copyHits: pool?.hits ?? 0,
    copies: pool?.brought ?? 0,
    copyEvictions: pool?.evictions ?? 0,
    deferred: recorder.deferredActivations,
    promoted: recorder.promoted,
    writeBacks: recorder.writeBacks,
    writeBackBytes: recorder.writeBackBytes,
    peakBytes: gpu.peakBytes,
    distinct: recorder.distinct,
  };
}
