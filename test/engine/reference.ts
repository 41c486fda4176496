// A second simulator of the same laws, to be read from top to bottom: small functions in the order of a pass. It shares
// with the engine the prices of work (cost.ts, tested on its own) and nothing else; `reference.test.ts` holds the two
// against each other. Beside it lie the state, and who gets a slot (reference-world.ts), what is demanded
// (reference-passes.ts), levels of memory (reference-memory.ts), policies (reference-policies.ts), and the lanes of
// links (reference-link.ts).
import type { Range } from '../../src/system/miss-rules.js';
import { type Outcome, type PassOutcome, zeroLayer } from './outcome.js';
import type { Level } from './reference-memory.js';
import { choicesOf, demandOf, eventsOf, type Pass } from './reference-passes.js';
import {
  admit,
  hasCopy,
  inDram,
  isLossy,
  isMember,
  keepCopy,
  type Member,
  NEVER,
  notePeak,
  type Planned,
  reads,
  type World,
  waste,
  worldOf,
} from './reference-world.js';
import type { Scenario } from './scenario.js';

/** Runs a scenario. */
export function simulateByTheBook(scenario: Scenario): Outcome {
  const w = worldOf(scenario);
  notePeak(w);
  const passes = w.passes.map((pass) => runPass(w, pass));
  const byContent = scenario.contents === undefined ? {} : { byContent: w.byContent };
  const ssd = scenario.dram === null ? null : w.dram.link.count;
  return { passes, h2d: w.gpu.link.count, ssd, ...w.total, ...byContent };
}

function runPass(w: World, pass: Pass): PassOutcome {
  const { cost, gpu, model, scenario } = w;
  const denseNs = (segment: number): number => cost.denseNs(segment, pass.tokens.length, [0], [pass.tokens.length], 1);
  Object.assign(w, { pass, plan: [], nextLayer: 0, layers: model.layers.map(zeroLayer) });
  // Where what drafts choose is heard, each step of drafting says more, and all is planned anew.
  const asked = scenario.script?.drafts === true ? Math.max(1, pass.steps) : 1;
  for (let step = 1; step <= asked; step++) {
    w.nowNs += pass.draftNs / asked;
    if (step > 1) advance(w, w.nowNs);
    predict(w, -1, step > 1, step === asked ? pass.steps : step);
  }
  for (const [layer, counts] of w.layers.entries()) {
    counts.startNs = w.nowNs += denseNs(layer);
    runLayer(w, layer);
    counts.endNs = w.nowNs;
  }
  // What no event has awaited is awaited when the layers have ended.
  const restNs = Math.max(0, Math.max(...w.deferredNs) - w.nowNs);
  w.layers.at(-1)!.stallNs += restNs;
  w.layers.at(-1)!.endNs = w.nowNs += restNs;
  w.nowNs += denseNs(model.layers.length) + cost.passNs;
  const copies = w.poolBytes === 0 ? null : [...w.layerOf.keys()].filter((id) => hasCopy(w, id));
  const dram = scenario.dram === null ? null : w.dram.residents();
  return { endNs: w.nowNs, layers: w.layers, gpu: gpu.residents(), copies, dram };
}

/** The routing of a layer becomes known: plans for it end (L12), faults strike, and its events run. */
function runLayer(w: World, layer: number): void {
  const { cost, dram, gpu, nowNs, scenario, sizes, writeBack } = w;
  const events = eventsOf(scenario, w.pass.tokens, layer);
  advance(w, nowNs);
  known(w, layer, events.flat());
  const faults = (scenario.faults ?? []).filter(({ at, until = NEVER }) => at <= nowNs && nowNs < until);
  for (const link of [gpu.link, writeBack, dram.link]) link.strike(faults, nowNs, (id) => sizes[id]!);
  cost.throttleCpu(faults.reduce((share, { cpu = 1 }) => share * cpu, 1));
  if (events.length === 0) predict(w, layer);
  for (const [i, choices] of events.entries()) {
    if (i > 0) advance(w, w.nowNs);
    runEvent(w, layer, choices, i === events.length - 1);
  }
}

function runEvent(w: World, layer: number, choices: number[], last: boolean): void {
  const { dram, gpu } = w;
  w.events.shift();
  judge(w, layer, choices);
  for (const member of w.members) decide(w, layer, member);
  for (const { id } of w.members.filter(reads)) if (dram.holds(id)) dram.promote(id);
  w.cpuFreeNs = w.deferredNs.map((ns) => Math.max(ns, w.nowNs + w.cost.handoverNs));
  w.gpuNs = w.nowNs;
  for (const hit of w.members.filter(({ fate }) => fate === 'hits')) onGpu(w, layer, hit);
  for (const late of w.members.filter(({ fate }) => fate === 'late').sort(byReadiness)) onGpu(w, layer, late);
  for (const member of w.members) serve(w, layer, member);
  load(w, layer);
  if (w.rules[0]!.do === 'balance') takeOver(w, layer);
  if (last) predict(w, layer);
  const endNs = execute(w, layer);
  advance(w, endNs);
  for (const { id } of w.members) if (gpu.staged.has(id)) gpu.leave(id, endNs);
  Object.assign(w, { members: [], nowNs: endNs });
  for (const one of w.promotions) one.sinceNs = Math.min(one.sinceNs, endNs);
  for (const one of w.plan.filter(({ fate }) => fate === 'refused')) {
    Object.assign(one, { fate: 'planned', issuedNs: Math.max(one.issuedNs, endNs) });
  }
}

/** L2: each distinct expert is a hit, late or a miss. */
function judge(w: World, layer: number, choices: number[]): void {
  const { gpu, nowNs } = w;
  w.members = demandOf(w.scenario, w.pass, layer, choices).map((one) => {
    const arrivalNs = gpu.arrivalNs(one.id);
    const fate = !gpu.holds(one.id) ? 'misses' : arrivalNs <= nowNs ? 'hits' : 'late';
    const known = { ...one, fate, copy: hasCopy(w, one.id), readyNs: Math.max(nowNs, arrivalNs) } as const;
    return { ...known, rule: w.rules[0]!, buddy: -1, state: 'served', cpuShare: 0 };
  });
  const counts = w.layers[layer]!;
  counts.events++;
  for (const { contents, fate, id } of w.members) {
    counts.demanded++;
    counts[fate]++;
    for (const share of contents) w.byContent[share]!.activations++;
    const prefetched = fate !== 'misses' && w.unused.delete(id);
    if (prefetched && fate === 'hits') w.total.useful++;
    if (fate !== 'late') continue;
    w.total.late++;
    gpu.promote(id);
  }
}

/** L13: the first rule that holds for a member, before any change; one by which nobody can stand in does not. */
function decide(w: World, layer: number, member: Member): void {
  const { contents, count, fate, id, share } = member;
  const misses = w.members.filter((one) => one.fate === 'misses').length;
  const within = (range: Range | null | undefined, value: number): boolean =>
    range == null || (range.min <= value && value <= range.max && range.above < value && value < range.below);
  member.rule = w.rules.find(({ do: action, when }) => {
    const { copy = 1, gate, misses: missed, pass, phase, tokens } = when ?? {};
    if (phase === 'prefill' || contents.some((content) => content > copy)) return false;
    if (!within(tokens, count) || !within(pass, w.pass.tokens.length) || !within(missed, misses)) return false;
    if (!within(gate?.share, share)) return false;
    return action !== 'substitute' || fate !== 'misses' || (member.buddy = buddyOf(w, layer, id)) >= 0;
  })!;
}

/** Who may stand in: here, no member, not taken, and chosen by the most tokens so far together with it; -1: nobody. */
function buddyOf(w: World, layer: number, id: number): number {
  const tokens = w.passes.slice(0, w.pass.number).flatMap((pass) => pass.tokens);
  const rows = tokens.map((token) => choicesOf(w.scenario, token, layer)).filter((row) => row.includes(id));
  const together = (other: number): number => rows.filter((row) => row.includes(other)).length;
  const here = [...w.gpu.caches[layer]!.resident].filter((other) => w.gpu.arrivalNs(other) <= w.nowNs);
  const may = here.filter((other) => !isMember(w, other) && together(other) > 0);
  return may.sort((a, b) => together(b) - together(a) || a - b)[0] ?? -1;
}

/** In the order in which members are ready. */
const byReadiness = (a: Member, b: Member): number => a.readyNs - b.readyNs;
/** Of an expert whose slice is on the GPU, the rest. */
const lackingBytes = ({ copySizes, sizes, slices }: World, { copy, id }: Member): number =>
  sizes[id]! - (slices && copy ? copySizes[id]! : 0);

/** L3: a member in its turn. */
function serve(w: World, layer: number, member: Member): void {
  const missed = member.fate === 'misses';
  const share = missed && !isLossy(member) ? cpuShareOf(w, layer, member) : 0;
  if (!missed && !w.gpu.staged.has(member.id)) w.gpu.caches[layer]!.touch(member.id);
  else if (missed && isLossy(member)) degrade(w, layer, member);
  else if (share > 0) compute(w, layer, member, share);
  else bring(w, layer, member);
}

/** A miss gets a slot or is streamed; what is in a buffer moves into the cache, and the victim's slot is the buffer. */
function bring(w: World, layer: number, member: Member): void {
  const { copy, id, rule } = member;
  const stays = isLossy(member) || rule.do === 'static';
  if (stays) w.gpu.caches[layer]!.passBy(id);
  const slotNs = stays ? NEVER : admit(w, w.gpu, id, true, w.nowNs, [0], rule.admit === 'always');
  const admitted = slotNs < NEVER;
  if (w.gpu.staged.has(id)) {
    if (admitted) w.gpu.leave(id, slotNs);
    return;
  }
  w.layers[layer]!.streamed += Number(!admitted);
  // The slice becomes a part of the expert, or is used where it is.
  if (w.slices && copy) w.pool[layer]![admitted ? 'leave' : 'touch'](id);
  // What is streamed waits for no write-back.
  Object.assign(member, { state: 'to be loaded', readyNs: admitted ? slotNs : w.nowNs });
  if (rule.do === 'cheaper' || rule.do === 'balance') load(w, layer);
}

/** L13: the CPU's share of a miss. `cheaper` and `balance` take the soonest end; the last may be cut into pieces. */
function cpuShareOf(w: World, layer: number, member: Member): number {
  const { cost, cpuFreeNs, dram, gpu, nowNs } = w;
  const { count, id, rule } = member;
  if (rule.do !== 'cheaper' && rule.do !== 'balance') return Number(rule.do === 'cpu');
  const inDramNs = dram.holds(id) ? dram.arrivalNs(id) : dram.link.arrivalOfDemand(w.sizes[id]!, nowNs);
  const fromNs = Math.max(nowNs, inDramNs);
  const onCpuNs = (share: number): number => {
    const startNs = Math.max(cpuFreeNs[id % cpuFreeNs.length]!, fromNs);
    return startNs + cost.cpuExpertNs(layer, count, share);
  };
  const onGpuNs = (share: number): number => {
    const arrivalNs = gpu.link.arrivalOfDemand(Math.ceil((1 - share) * lackingBytes(w, member)), fromNs);
    return Math.max(w.gpuNs, arrivalNs) + cost.expertNs(layer, count, 1 - share);
  };
  const endNs = (share: number): number => Math.max(share > 0 ? onCpuNs(share) : 0, share < 1 ? onGpuNs(share) : 0);
  const last = rule.do === 'balance' && member === w.members.findLast(({ fate }) => fate === 'misses');
  const pieces = last ? (w.scenario.pieces ?? 1) : 1;
  const shares = [1, 0, ...Array.from({ length: pieces - 1 }, (_, k) => (k + 1) / pieces)];
  return shares.reduce((best, other) => (endNs(other) < endNs(best) ? other : best));
}

/** The CPU computes a share of a miss where it lies, in its turn or, deferred, behind all others; the GPU the rest. */
function compute(w: World, layer: number, member: Member, share: number): void {
  const { count, id, place, rule } = member;
  passBy(w, layer, member);
  // In the last layer none may wait.
  if (rule.do === 'cpu' && layer < w.model.layers.length - 1 && place <= rule.defer) member.state = 'deferred';
  if (member.state === 'deferred') w.total.deferred += count;
  const fromNs = inDram(w, id);
  onCpu(w, layer, member, share, fromNs);
  if (share === 1) return;
  const bytes = Math.ceil((1 - share) * w.sizes[id]!);
  member.readyNs = w.gpu.link.demand(id, bytes, fromNs).arrivalNs;
  onGpu(w, layer, member);
  w.layers[layer]!.onDemandBytes += bytes;
  w.layers[layer]!.streamed++;
  w.total.shared++;
}

/** L13 `balance`: the CPU takes hits, last first, as long as that ends sooner. */
function takeOver(w: World, layer: number): void {
  const { cost, cpuFreeNs, dram } = w;
  for (const hit of w.members.filter(({ fate }) => fate === 'hits').reverse()) {
    const { count, id } = hit;
    const fromNs = Math.max(w.nowNs, dram.arrivalNs(id));
    const endNs = Math.max(cpuFreeNs[id % cpuFreeNs.length]!, fromNs) + cost.cpuExpertNs(layer, count);
    if (w.scenario.exclusive || !dram.holds(id) || endNs >= w.gpuNs) return;
    w.gpuNs -= cost.expertNs(layer, count);
    w.total.takenOver++;
    onCpu(w, layer, hit, 1, fromNs);
  }
}

/** The CPU computes a share of an expert, which DRAM has at `fromNs`; what is deferred is not begun yet. */
function onCpu(w: World, layer: number, member: Member, share: number, fromNs: number): void {
  const [ns, queue] = [w.cost.cpuExpertNs(layer, member.count, share), member.id % w.cpuFreeNs.length];
  member.cpuShare = share;
  if (member.state !== 'deferred') w.cpuFreeNs[queue] = Math.max(w.cpuFreeNs[queue]!, fromNs) + ns;
  w.total.cpuExperts++;
  w.layers[layer]!.cpuNs += ns;
}

/** The GPU executes its share of a member as soon as it is ready, after those that it has. */
function onGpu(w: World, layer: number, { count, cpuShare, readyNs }: Member): void {
  w.gpuNs = Math.max(w.gpuNs, readyNs) + w.cost.expertNs(layer, count, 1 - cpuShare);
}

/** L10, L14: places the transfers so far. */
function load(w: World, layer: number): void {
  const loads = w.members.filter(({ state }) => state === 'to be loaded');
  for (const member of loads) member.readyNs = Math.max(member.readyNs, inDram(w, member.id));
  for (const member of loads.sort(byReadiness)) {
    const transfer = w.gpu.link.demand(member.id, lackingBytes(w, member), member.readyNs);
    w.gpu.came.set(member.id, transfer);
    Object.assign(member, { state: 'served', readyNs: transfer.arrivalNs });
    onGpu(w, layer, member);
    w.layers[layer]!.onDemandBytes += lackingBytes(w, member);
  }
}

/** Lossy: nothing, another expert or a copy is executed. */
function degrade(w: World, layer: number, member: Member): void {
  const { buddy, contents, copy, count, id, rule } = member;
  passBy(w, layer, member);
  member.readyNs = w.nowNs;
  if (rule.do === 'skip') {
    member.state = 'skipped';
    w.total.skipped++;
    return;
  }
  w.total.degraded += count;
  for (const share of contents) w.byContent[share]!.degraded++;
  if (rule.do === 'substitute') {
    w.total.substituted++;
    w.gpu.caches[layer]!.touch(buddy);
  } else if (copy) {
    w.total.copyHits++;
    w.pool[layer]!.touch(id);
  } else bringCopy(w, layer, member);
  onGpu(w, layer, member);
}

function bringCopy(w: World, layer: number, member: Member): void {
  const { id, rule } = member;
  load(w, layer);
  const bytes = Math.ceil(rule.copyBytes * w.sizes[id]!);
  member.readyNs = w.gpu.link.demand(id, bytes, inDram(w, id)).arrivalNs;
  w.layers[layer]!.onDemandBytes += bytes;
  w.layers[layer]!.streamed += Number(!keepCopy(w, id, true));
  w.total.copies += Number(w.poolBytes > 0);
}

/** A miss that stays where it is, and may be promoted in the background. */
function passBy(w: World, layer: number, { id, rule }: Member): void {
  w.gpu.caches[layer]!.passBy(id);
  if (rule.admit !== 'background') return;
  const misses = (w.missed.get(id) ?? 0) + 1;
  w.missed.set(id, misses);
  if (misses >= rule.after && w.promotions.every((other) => other.id !== id)) w.promotions.push({ id, sinceNs: NEVER });
}

/** L9: the GPU executes members as they are ready, beside the CPU. @returns the end */
function execute(w: World, layer: number): number {
  const { cost, cpuFreeNs, deferredNs, members, nowNs } = w;
  let computeNs = 0;
  w.gpuNs = nowNs;
  for (const member of members.filter(({ cpuShare, state }) => cpuShare < 1 && state !== 'skipped').sort(byReadiness)) {
    onGpu(w, layer, member);
    computeNs += cost.expertNs(layer, member.count, 1 - member.cpuShare);
  }
  // What earlier layers have deferred is awaited here, what this one defers is not.
  const deferred = members.filter(({ state }) => state === 'deferred');
  const onCpu = members.filter(({ cpuShare }) => cpuShare > 0);
  const ownNs = Math.max(w.gpuNs, ...(onCpu.length > deferred.length ? cpuFreeNs : []), ...deferredNs);
  for (const { count, id } of deferred) {
    const queue = id % cpuFreeNs.length;
    deferredNs[queue] = cpuFreeNs[queue]! += cost.cpuExpertNs(layer, count);
  }
  // In a split layer the GPU goes on with what it has of the experts that the CPU began.
  const begun = layer === w.scenario.split?.layer ? onCpu : [];
  const partsNs = begun.reduce((ns, { count }) => ns + cost.gpuPartNs(count), 0);
  w.layers[layer]!.computeNs += computeNs + partsNs;
  w.layers[layer]!.stallNs += ownNs - nowNs - computeNs;
  return ownNs + partsNs;
}

/** Buffers of what nobody wants any more are free when it has arrived. */
function discard(w: World, atNs: number): void {
  const gone = [...w.gpu.staged.keys()].filter((id) => w.gpu.staged.get(id) && w.gpu.arrivalNs(id) <= atNs);
  for (const id of gone) w.gpu.leave(id, atNs);
  for (const id of gone) waste(w, id);
}

/** L11: plans the layers that are within the horizon. */
function predict(w: World, after: number, anew = false, drafted = w.pass.steps): void {
  const { layerOf, model, pass, scenario } = w;
  if (scenario.script === null) return;
  const { costNs, expertNs = 0, limits, score } = scenario.script;
  const fromLayer = limits.correction || anew ? after + 1 : Math.max(w.nextLayer, after + 1);
  if (limits.correction || anew) cancel(w, () => true);
  const last = Math.min(model.layers.length - 1, after + limits.horizon);
  for (w.nextLayer = fromLayer; w.nextLayer <= last; w.nextLayer++) {
    // Layers are predicted one after another.
    const scored = [...layerOf].filter((layer) => layer > after && layer <= w.nextLayer).length;
    const issuedNs = w.nowNs + costNs + Math.min(2, pass.tokens.length) * scored * expertNs;
    const chance = (id: number): number => score(pass.number, after, id, drafted);
    const chances = [...layerOf].map((layer, id) => (layer === w.nextLayer ? chance(id) : 0));
    const may = [...chances.keys()].filter((id) => chances[id]! > 0 && chances[id]! >= limits.minProbability);
    for (const id of may.sort((a, b) => chances[b]! - chances[a]! || a - b).slice(0, limits.perLayer)) {
      w.plan.push({ id, issuedNs, fate: 'planned' });
      if (w.gpu.staged.has(id)) w.gpu.staged.set(id, false);
    }
  }
}

/** Planned experts that are neither on the GPU nor on their way there. */
const waiting = (w: World): Planned[] => w.plan.filter(({ fate, id }) => fate === 'planned' && !w.gpu.holds(id));

/** Takes experts out of the plan; those that still wait for a link or a slot, and are not demanded, are cancelled. */
function cancel(w: World, which: (id: number) => boolean, demand: readonly number[] = []): void {
  const waits = [...waiting(w), ...w.plan.filter(({ fate }) => fate === 'refused')];
  w.total.cancelled += waits.filter(({ id }) => which(id) && !demand.includes(id)).length;
  w.plan = w.plan.filter(({ id }) => !which(id));
}

/** L12: the plan for a layer that is known ends; with `cancel: off`, what still waits is placed at once. */
function known(w: World, layer: number, demand: readonly number[]): void {
  const { dram, gpu, nowNs } = w;
  const past = (id: number): boolean => w.layerOf[id]! <= layer;
  const through = w.scenario.script?.limits.cancel === false;
  const next = (): Planned | undefined => waiting(w).find(({ id }) => past(id));
  for (let one = next(); through && one !== undefined; one = next()) {
    const fromNs = Math.max(nowNs, one.issuedNs);
    if (!dram.holds(one.id)) start(w, dram, one, nowNs, fromNs);
    if (one.fate === 'planned') start(w, gpu, one, nowNs, Math.max(fromNs, dram.arrivalNs(one.id)));
  }
  cancel(w, past, demand);
  for (const id of gpu.staged.keys()) if (past(id)) gpu.staged.set(id, !demand.includes(id));
  discard(w, nowNs);
}

/** L10, L11, L13: starts what can start before `untilNs`, in order of time, planned experts before promotions. */
function advance(w: World, untilNs: number): void {
  const { dram, gpu } = w;
  for (;;) {
    const ready = waiting(w).filter(({ id }) => dram.holds(id));
    const lacking = waiting(w).filter(({ id }) => !dram.holds(id));
    const [gpuNs, dramNs] = [gpu.link.nextNs, dram.link.nextNs];
    const { id, sinceNs } = w.promotions[0] ?? { id: 0, sinceNs: NEVER };
    const all = [
      ...ready.map((one) => ({ atNs: Math.max(gpuNs, one.issuedNs, dram.arrivalNs(one.id)), level: gpu, one })),
      ...lacking.slice(0, 1).map((one) => ({ atNs: Math.max(dramNs, one.issuedNs), level: dram, one })),
      { atNs: Math.max(gpuNs, sinceNs, w.promotedNs, dram.arrivalNs(id)), level: gpu, one: null },
    ];
    const { atNs, level, one } = all.sort((a, b) => a.atNs - b.atNs)[0]!;
    discard(w, Math.min(atNs, untilNs));
    if (atNs >= untilNs) return;
    if (one === null) promote(w, atNs);
    else start(w, level, one, atNs);
  }
}

/** Takes a buffer or a slot. @param fromNs placed as a demand is, no earlier than then; absent: it starts now */
function start(w: World, level: Level, one: Planned, atNs: number, fromNs = -1): void {
  const staged = level === w.gpu && (w.scenario.staging ?? 0) > 0;
  // First without touching anything that is planned, then at the expense of what is planned behind it.
  const ranks = [NEVER, w.plan.indexOf(one)];
  const slotNs = staged ? level.stage(one.id, atNs) : admit(w, level, one.id, false, atNs, ranks);
  const waits = fromNs < 0 && level === w.gpu && w.scenario.script!.limits.whenFull === 'wait';
  if (slotNs < NEVER) prefetch(w, level, one.id, Math.max(fromNs, slotNs), fromNs >= 0);
  else one.fate = waits ? 'refused' : 'dropped';
  w.total.dropped += Number(one.fate === 'dropped');
}

/** @param placed as a demand is, which yields to nothing */
function prefetch(w: World, level: Level, id: number, atNs: number, placed: boolean): void {
  level.came.set(id, level.link[placed ? 'placePrefetch' : 'prefetch'](id, w.sizes[id]!, atNs));
  if (level !== w.gpu) return;
  w.unused.add(id);
  w.layers[w.layerOf[id]!]!.prefetchBytes += w.sizes[id]!;
}

/** L13: the first that waits is brought, if it is not here by now and DRAM still has it. */
function promote(w: World, atNs: number): void {
  const { id } = w.promotions.shift()!;
  w.promotedNs = atNs;
  w.missed.delete(id);
  if (w.gpu.holds(id) || !w.dram.holds(id)) return;
  const slotNs = admit(w, w.gpu, id, false, atNs, [NEVER]);
  w.total[slotNs < NEVER ? 'promoted' : 'dropped']++;
  if (slotNs < NEVER) prefetch(w, w.gpu, id, slotNs, false);
  for (const one of w.plan) if (slotNs < NEVER && one.id === id && one.fate === 'refused') one.fate = 'planned';
}
