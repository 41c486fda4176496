// A second simulator of the same laws, to be read from top to bottom: the state, then small functions in the order of a pass. It shares
// with the engine the prices of work (cost.ts, tested on its own) and nothing else; `reference.test.ts` holds the two against each other.
import { layerOfExperts } from '../../src/cache/scope.js';
import { CostModel } from '../../src/hardware/cost.js';
import { expertSizes } from '../../src/model/spec.js';
import type { MissRule, Range } from '../../src/system/miss-rules.js';
import { type LayerCounts, type Outcome, type PassOutcome, zeroLayer, zeroTotals } from './outcome.js';
import { Level, ReferenceLink } from './reference-link.js';
import { choicesOf, eventsOf, passesOf } from './reference-passes.js';
import { cachesOf } from './reference-policies.js';
import { rulesOf, type Scenario } from './scenario.js';

/** Runs a scenario. */
export function simulateByTheBook(scenario: Scenario): Outcome {
  const w = worldOf(scenario);
  notePeak(w);
  const passes = w.passes.map((pass) => runPass(w, pass));
  const byContent = scenario.contents === undefined ? {} : { byContent: w.byContent };
  return { passes, h2d: w.gpu.link.count, ssd: scenario.dram === null ? null : w.dram.link.count, ...w.total, ...byContent };
}

/** A distinct expert of the running event, the choices of the tokens that chose it, and what share of its bytes these are content with. */
interface Member {
  readonly id: number;
  readonly count: number;
  readonly fate: 'hits' | 'late' | 'misses';
  readonly rows: readonly (readonly number[])[];
  readonly contents: readonly number[];
  readonly copy: boolean;
  rule: MissRule;
  buddy: number;
  by: 'gpu' | 'gpu, to be loaded' | 'cpu' | 'cpu, deferred' | 'both' | 'nobody';
  /** The CPU's share of an expert that both compute. */
  cpuShare: number;
  readyNs: number;
}

type World = ReturnType<typeof worldOf>;
/** An expert that a prediction asked for: its transfer starts no earlier than `issuedNs`; a refused one waits for the end of an event. */
type Planned = { readonly id: number; issuedNs: number; fate: 'planned' | 'dropped' | 'refused' };
const NEVER = Number.POSITIVE_INFINITY;

/** The state of a run: what is given, memory, counts, the running event, and what comes ahead. */
function worldOf(scenario: Scenario) {
  const { capacityBytes, contents = [], copies, dram, hardware, model } = scenario;
  const [h2d, ssd] = hardware.links;
  const layerOf = layerOfExperts(model);
  const rules = rulesOf(scenario);
  const sizes = expertSizes(model);
  const passes = passesOf(scenario);
  // All events that are still to come, for Belady.
  const events = passes.flatMap(({ tokens }) => model.layers.flatMap(({ index }) => eventsOf(scenario, tokens, index)));
  const nextUse = (id: number): number => [...events, [id]].findIndex((demand) => demand.includes(id));
  // L6: copies have their share of the bytes, but where every expert fits whole.
  const copySizes = sizes.map((bytes) => Math.ceil(bytes * (rules.find((rule) => rule.do === 'low-precision')?.copyBytes ?? 1)));
  const fits = capacityBytes >= sizes.reduce((sum, bytes) => sum + bytes, 0);
  const poolBytes = copies === undefined || fits ? 0 : Math.floor(copies.share * capacityBytes);
  const slices = poolBytes > 0 && copies!.additive;
  const pool = cachesOf(model, copySizes, copies?.policy ?? 'lru', copies?.scope ?? 'global', poolBytes, nextUse);
  const whole = cachesOf(model, sizes, scenario.policy, scenario.scope, capacityBytes - poolBytes, nextUse);
  // A DRAM that is no cache has everything from the start.
  const below = cachesOf(model, sizes, dram?.policy ?? 'static', 'global', dram?.capacityBytes ?? NEVER, nextUse);
  const { count, numa } = hardware.cpu?.sockets ?? {};
  const deferredNs = Array<number>(numa === 'expert' ? count! : 1).fill(0);
  const byContent = Object.fromEntries(contents.map((share) => [share, { activations: 0, degraded: 0 }]));
  const results = { total: { ...zeroTotals(), distinct: new Set(events.flat()).size }, byContent, layers: [] as LayerCounts[] };
  const cost = new CostModel(model, hardware, null, scenario.split);
  const [gpu, writeBack] = [new Level(whole, new ReferenceLink(h2d!), scenario.staging), new ReferenceLink(h2d!)];
  const memory = { gpu, dram: new Level(below, new ReferenceLink(ssd ?? h2d!)), writeBack, pool, poolBytes, slices };
  const running = { nowNs: 0, gpuNs: 0, pass: passes[0]!, members: [] as Member[], cpuFreeNs: [] as number[], deferredNs };
  const promoting = { promotions: [] as { id: number; sinceNs: number }[], promotedNs: 0, missed: new Map<number, number>() };
  const ahead = { plan: [] as Planned[], nextLayer: 0, unused: new Set<number>(), ...promoting };
  return { scenario, model, cost, rules, sizes, copySizes, layerOf, passes, events, ...memory, ...results, ...running, ...ahead };
}

function runPass(w: World, pass: World['passes'][number]): PassOutcome {
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
  return { endNs: w.nowNs, layers: w.layers, gpu: gpu.residents(), copies, dram: scenario.dram === null ? null : w.dram.residents() };
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

function runEvent(w: World, layer: number, choices: readonly number[], last: boolean): void {
  const { dram, gpu } = w;
  w.events.shift();
  judge(w, layer, choices);
  for (const member of w.members) decide(w, layer, member);
  for (const { id } of w.members.filter(reads)) if (dram.holds(id) && dram.came.has(id)) dram.came.get(id)!.yields = false;
  w.cpuFreeNs = w.deferredNs.map((ns) => Math.max(ns, w.nowNs + w.cost.handoverNs));
  w.gpuNs = w.nowNs;
  for (const hit of w.members.filter(({ fate }) => fate === 'hits')) onGpu(w, layer, hit);
  for (const late of w.members.filter(({ fate }) => fate === 'late').sort((a, b) => a.readyNs - b.readyNs)) onGpu(w, layer, late);
  const balanced = w.rules[0]!.do === 'balance';
  if (balanced) balance(w, layer);
  else for (const member of w.members) serve(w, layer, member);
  load(w, layer);
  if (last) predict(w, layer);
  const endNs = execute(w, layer);
  advance(w, endNs);
  for (const { id } of w.members) if (gpu.staged.has(id)) gpu.leave(id, endNs);
  Object.assign(w, { members: [], nowNs: endNs });
  for (const one of w.promotions) one.sinceNs = Math.min(one.sinceNs, endNs);
  for (const one of w.plan) if (one.fate === 'refused') Object.assign(one, { fate: 'planned', issuedNs: Math.max(one.issuedNs, endNs) });
}

/** L1-L3: the distinct experts in order of last appearance, each a hit, late or a miss. */
function judge(w: World, layer: number, choices: readonly number[]): void {
  const { gpu, nowNs, pass } = w;
  const all = pass.tokens.map((token) => choicesOf(w.scenario, token, layer));
  const distinct = [...new Set(choices)].sort((a, b) => choices.lastIndexOf(a) - choices.lastIndexOf(b));
  w.members = distinct.map((id) => {
    const [rows, contents] = [all.filter((row) => row.includes(id)), pass.contents.filter((_, token) => all[token]!.includes(id))];
    const fate = !gpu.holds(id) ? 'misses' : gpu.arrivalNs(id) <= nowNs ? 'hits' : 'late';
    const served = {
      copy: hasCopy(w, id),
      rule: w.rules[0]!,
      buddy: -1,
      by: 'gpu',
      cpuShare: 0,
      readyNs: Math.max(nowNs, gpu.arrivalNs(id)),
    } as const;
    return { id, count: choices.filter((other) => other === id).length, fate, rows, contents, ...served };
  });
  const counts = w.layers[layer]!;
  counts.events++;
  counts.demanded += distinct.length;
  for (const { contents, fate, id } of w.members) {
    counts[fate]++;
    for (const share of contents) w.byContent[share]!.activations++;
    if (fate === 'late') w.total.late++;
    if (fate === 'late') gpu.came.get(id)!.yields = false;
    if (fate !== 'misses' && w.unused.delete(id) && fate === 'hits') w.total.useful++;
  }
}

/** L13: the first rule that holds for a member, before the event changes anything; one by which nobody can stand in does not. */
function decide(w: World, layer: number, member: Member): void {
  const { count, contents, fate, id, rows } = member;
  const misses = w.members.filter((one) => one.fate === 'misses').length;
  // Share of its token's choices that are better ranked, the smallest over tokens.
  const share = Math.min(...rows.map((row) => Math.fround(row.indexOf(id) / row.length)));
  const within = (range: Range | null | undefined, value: number): boolean =>
    range == null || (range.min <= value && value <= range.max && range.above < value && value < range.below);
  member.rule = w.rules.find(({ do: action, when }) => {
    const { copy = 1, gate, misses: missed, pass, phase, tokens } = when ?? {};
    const fits = within(tokens, count) && within(pass, w.pass.tokens.length) && within(missed, misses) && within(gate?.share, share);
    if (!fits || phase === 'prefill' || contents.some((content) => content > copy)) return false;
    return action !== 'substitute' || fate !== 'misses' || (member.buddy = buddyOf(w, layer, id)) >= 0;
  })!;
}

/** Who may stand in: here, no member, not taken, and chosen by the most tokens so far together with it; -1: nobody. */
function buddyOf(w: World, layer: number, id: number): number {
  const rows = w.passes.slice(0, w.pass.number).flatMap(({ tokens }) => tokens.map((token) => choicesOf(w.scenario, token, layer)));
  const together = (other: number): number => rows.filter((row) => row.includes(id) && row.includes(other)).length;
  const here = [...w.gpu.caches[layer]!.resident].filter((other) => w.gpu.arrivalNs(other) <= w.nowNs && !isMember(w, other));
  return here.filter((other) => together(other) > 0).sort((a, b) => together(b) - together(a) || a - b)[0] ?? -1;
}

const hasCopy = ({ layerOf, pool }: World, id: number): boolean => pool[layerOf[id]!]!.resident.has(id);
const isMember = ({ members }: World, id: number): boolean => members.some((member) => member.id === id || member.buddy === id);
const isLossy = ({ rule }: Member): boolean => ['low-precision', 'skip', 'substitute'].includes(rule.do);
/** The weights of a missed expert are needed. */
const reads = (one: Member): boolean => one.fate === 'misses' && !(isLossy(one) && (one.copy || one.rule.do !== 'low-precision'));
/** Of an expert whose slice is on the GPU, the rest. */
const lackingBytes = (w: World, { copy, id }: Member): number => w.sizes[id]! - (w.slices && copy ? w.copySizes[id]! : 0);

/** L3: a member in its turn. A miss gets a slot or is streamed; what is in a buffer moves into the cache, and the victim's slot is the buffer. */
function serve(w: World, layer: number, member: Member): void {
  const { copy, fate, id, rule } = member;
  const [cache, missed, staged] = [w.gpu.caches[layer]!, fate === 'misses', w.gpu.staged.has(id)];
  if (!missed && !staged) cache.touch(id);
  else if (missed && isLossy(member)) degrade(w, layer, member);
  else if (missed && (rule.do === 'cpu' || (rule.do === 'cheaper' && cpuIsSooner(w, layer, member)))) compute(w, layer, member);
  else {
    const stays = isLossy(member) || rule.do === 'static';
    if (stays) cache.passBy(id);
    const slotNs = stays ? NEVER : admit(w, w.gpu, id, true, w.nowNs, [0], rule.admit === 'always');
    const admitted = slotNs < NEVER;
    if (staged && admitted) w.gpu.leave(id, slotNs);
    if (staged) return;
    w.layers[layer]!.streamed += Number(!admitted);
    // The slice becomes a part of the expert, or is used where it is.
    if (w.slices && copy) w.pool[layer]![admitted ? 'leave' : 'touch'](id);
    Object.assign(member, { by: 'gpu, to be loaded', readyNs: admitted ? slotNs : w.nowNs }); // what is streamed waits for no write-back
    if (rule.do === 'cheaper') load(w, layer);
  }
}

/** L13 `balance`: each miss where the event then ends soonest, the last one in pieces, and hits on the CPU as long as that helps. */
function balance(w: World, layer: number): void {
  const { cost, cpuFreeNs, dram, gpu, members, nowNs, sizes } = w;
  const [missed, hits, late] = (['misses', 'hits', 'late'] as const).map((fate) => members.filter((one) => one.fate === fate));
  const endOnGpu = (endNs: number, { count, readyNs, cpuShare }: Member): number =>
    Math.max(endNs, readyNs) + cost.expertNs(layer, count, 1 - cpuShare);
  let gpuNs = [...hits!, ...late!.sort((a, b) => a.readyNs - b.readyNs)].reduce(endOnGpu, nowNs);
  for (const member of members) {
    const { count, id } = member;
    if (member.fate !== 'misses') {
      gpu.caches[layer]!.touch(id);
      continue;
    }
    const fromNs = dram.holds(id) ? Math.max(nowNs, dram.arrivalNs(id)) : dram.link.arrivalOfDemand(sizes[id]!, nowNs);
    const cpuNs = (share: number): number => Math.max(cpuFreeNs[id % cpuFreeNs.length]!, fromNs) + cost.cpuExpertNs(layer, count, share);
    const bytes = (share: number): number => Math.ceil((1 - share) * sizes[id]!);
    const linkNs = (share: number): number => gpu.link.arrivalOfDemand(bytes(share), fromNs);
    const end = (share: number): number =>
      Math.max(share > 0 ? cpuNs(share) : 0, share < 1 ? Math.max(gpuNs, linkNs(share)) + cost.expertNs(layer, count, 1 - share) : 0);
    const pieces = member === missed!.at(-1) ? (w.scenario.pieces ?? 1) : 1;
    const shares = [1, 0, ...Array.from({ length: pieces - 1 }, (_, k) => (k + 1) / pieces)];
    const share = shares.reduce((best, other) => (end(other) < end(best) ? other : best));
    if (share === 0) {
      const slotNs = admit(w, gpu, id, true, nowNs, [0], member.rule.admit === 'always');
      w.layers[layer]!.streamed += Number(slotNs === NEVER);
      Object.assign(member, { by: 'gpu, to be loaded', readyNs: slotNs < NEVER ? slotNs : nowNs });
      load(w, layer);
    } else {
      passBy(w, layer, member);
      onCpu(w, layer, member, share, inDram(w, id));
      if (share === 1) continue;
      const { arrivalNs } = gpu.link.demand(id, bytes(share), fromNs);
      Object.assign(member, { by: 'both', cpuShare: share, readyNs: arrivalNs });
      w.layers[layer]!.onDemandBytes += bytes(share);
      w.layers[layer]!.streamed++;
      w.total.shared++;
    }
    gpuNs = endOnGpu(gpuNs, member);
  }
  for (const member of hits!.reverse()) {
    const { count, id } = member;
    const fromNs = Math.max(nowNs, dram.arrivalNs(id));
    const endNs = Math.max(cpuFreeNs[id % cpuFreeNs.length]!, fromNs) + cost.cpuExpertNs(layer, count);
    if (w.scenario.exclusive || !dram.holds(id) || endNs >= gpuNs) return;
    gpuNs -= cost.expertNs(layer, count);
    w.total.takenOver++;
    onCpu(w, layer, member, 1, fromNs);
  }
}

/** The CPU computes a share of an expert, which DRAM has at `fromNs`, in its turn. */
function onCpu(w: World, layer: number, member: Member, share: number, fromNs: number): void {
  const [ns, socket] = [w.cost.cpuExpertNs(layer, member.count, share), member.id % w.cpuFreeNs.length];
  member.by = 'cpu';
  w.cpuFreeNs[socket] = Math.max(w.cpuFreeNs[socket]!, fromNs) + ns;
  w.total.cpuExperts++;
  w.layers[layer]!.cpuNs += ns;
}

/** The GPU executes a member as soon as it is ready, after those that it has. */
function onGpu(w: World, layer: number, { count, readyNs }: Member): void {
  w.gpuNs = Math.max(w.gpuNs, readyNs) + w.cost.expertNs(layer, count);
}

/** L10, L14: places the transfers so far. */
function load(w: World, layer: number): void {
  const loads = w.members.filter(({ by }) => by === 'gpu, to be loaded');
  for (const member of loads) member.readyNs = Math.max(member.readyNs, inDram(w, member.id));
  for (const member of loads.sort((a, b) => a.readyNs - b.readyNs)) {
    const transfer = w.gpu.link.demand(member.id, lackingBytes(w, member), member.readyNs);
    w.gpu.came.set(member.id, transfer);
    Object.assign(member, { by: 'gpu', readyNs: transfer.arrivalNs });
    onGpu(w, layer, member);
    w.layers[layer]!.onDemandBytes += lackingBytes(w, member);
  }
}

/** When the weights of an expert are in DRAM (L14). */
function inDram(w: World, id: number): number {
  const { dram, nowNs, sizes } = w;
  const here = dram.holds(id);
  if (here) dram.caches[0]!.touch(id);
  else admit(w, dram, id, true, nowNs, [0]);
  if (!here) dram.came.set(id, dram.link.demand(id, sizes[id]!, nowNs));
  return Math.max(nowNs, dram.arrivalNs(id));
}

/** `cheaper`: the CPU has computed it by the time at which the GPU could have, which executes others before it. */
function cpuIsSooner(w: World, layer: number, member: Member): boolean {
  const { cost, cpuFreeNs, dram, gpu, nowNs } = w;
  const { count, id } = member;
  const fromNs = dram.holds(id) ? Math.max(nowNs, dram.arrivalNs(id)) : dram.link.arrivalOfDemand(w.sizes[id]!, nowNs);
  const cpuNs = Math.max(cpuFreeNs[id % cpuFreeNs.length]!, fromNs) + cost.cpuExpertNs(layer, count);
  return cpuNs <= Math.max(w.gpuNs, gpu.link.arrivalOfDemand(lackingBytes(w, member), fromNs)) + cost.expertNs(layer, count);
}

/** The CPU computes a miss where it lies: in its turn or, deferred, behind all others. */
function compute(w: World, layer: number, member: Member): void {
  const { count, id, rows, rule } = member;
  const [ns, socket] = [w.cost.cpuExpertNs(layer, count), id % w.cpuFreeNs.length];
  // Its place among its token's choices, counted from the last, is the largest over tokens. In the last layer none may wait.
  const place = Math.max(...rows.map((row) => row.length - row.indexOf(id)));
  const waits = rule.do === 'cpu' && layer < w.model.layers.length - 1 && place <= rule.defer;
  member.by = waits ? 'cpu, deferred' : 'cpu';
  if (waits) w.total.deferred += count;
  else w.cpuFreeNs[socket] = Math.max(w.cpuFreeNs[socket]!, inDram(w, id)) + ns;
  w.total.cpuExperts++;
  w.layers[layer]!.cpuNs += ns;
  passBy(w, layer, member);
}

/** Lossy: nothing, another expert or a copy is executed. */
function degrade(w: World, layer: number, member: Member): void {
  const { buddy, contents, copy, count, id, rule } = member;
  const way = rule.do === 'skip' ? 'skipped' : rule.do === 'substitute' ? 'substituted' : copy ? 'copyHits' : 'copies';
  passBy(w, layer, member);
  member.readyNs = w.nowNs;
  w.total[way] += Number(way !== 'copies' || w.poolBytes > 0);
  if (way === 'skipped') member.by = 'nobody';
  else w.total.degraded += count;
  for (const share of way === 'skipped' ? [] : contents) w.byContent[share]!.degraded++;
  if (way === 'substituted') w.gpu.caches[layer]!.touch(buddy);
  if (way === 'copyHits') w.pool[layer]!.touch(id);
  if (way === 'substituted' || way === 'copyHits') onGpu(w, layer, member);
  if (way !== 'copies') return;
  load(w, layer);
  const bytes = Math.ceil(rule.copyBytes * w.sizes[id]!);
  member.readyNs = w.gpu.link.demand(id, bytes, inDram(w, id)).arrivalNs;
  onGpu(w, layer, member);
  w.layers[layer]!.onDemandBytes += bytes;
  w.layers[layer]!.streamed += Number(!keepCopy(w, id, true));
}

/** A miss that stays where it is, and may be promoted in the background. */
function passBy(w: World, layer: number, { id, rule }: Member): void {
  w.gpu.caches[layer]!.passBy(id);
  if (rule.admit !== 'background') return;
  w.missed.set(id, (w.missed.get(id) ?? 0) + 1);
  if (w.missed.get(id)! >= rule.after && w.promotions.every((other) => other.id !== id)) w.promotions.push({ id, sinceNs: NEVER });
}

/** L9: the GPU executes members as they are ready, beside the CPU. @returns the end */
function execute(w: World, layer: number): number {
  const { cost, cpuFreeNs, deferredNs, members, nowNs } = w;
  let [gpuNs, computeNs] = [nowNs, 0];
  const here = members.filter(({ by }) => by === 'gpu' || by === 'both').sort((a, b) => a.readyNs - b.readyNs);
  for (const { count, cpuShare, readyNs } of here) {
    gpuNs = Math.max(gpuNs, readyNs) + cost.expertNs(layer, count, 1 - cpuShare);
    computeNs += cost.expertNs(layer, count, 1 - cpuShare);
  }
  // What earlier layers have deferred is awaited here, what this one defers is not.
  const ownNs = Math.max(gpuNs, ...(members.some(({ by }) => by === 'cpu' || by === 'both') ? cpuFreeNs : []), ...deferredNs);
  for (const { count, id } of members.filter(({ by }) => by === 'cpu, deferred')) {
    deferredNs[id % cpuFreeNs.length] = cpuFreeNs[id % cpuFreeNs.length]! += cost.cpuExpertNs(layer, count);
  }
  // In a split layer the GPU goes on with what it has of the experts that the CPU began.
  const begun = layer === w.scenario.split?.layer ? members.filter(({ by }) => by.startsWith('cpu')) : [];
  const partsNs = begun.reduce((ns, { count }) => ns + cost.gpuPartNs(count), 0);
  w.layers[layer]!.computeNs += computeNs + partsNs;
  w.layers[layer]!.stallNs += ownNs - nowNs - computeNs;
  return ownNs + partsNs;
}

/** L4, L5, L11: a slot, at the expense of nothing planned before the first of `ranks`, or else the next. @returns when it is free; never: none */
function admit(w: World, level: Level, id: number, used: boolean, atNs: number, ranks: readonly number[], always = false): number {
  const onGpu = level === w.gpu;
  const inUse = (other: number): boolean => (onGpu ? isMember(w, other) : w.members.some((one) => one.id === other && reads(one)));
  const planned = (other: number, rank: number): boolean => w.plan.slice(0, rank).some((one) => one.id === other);
  const pins = ranks.map((rank) => (other: number) => level.arrivalNs(other) > atNs || inUse(other) || planned(other, rank));
  const { admitted, victims } = level.caches[w.layerOf[id]!]!.admit(id, used, pins, always);
  // Planned experts that leave wait again, also those that had found no slot and were promoted.
  const again = w.plan.filter((one) => victims.includes(one.id));
  for (const one of again) Object.assign(one, { issuedNs: Math.max(one.issuedNs, atNs), fate: onGpu ? 'planned' : one.fate });
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

function waste(w: World, id: number): void {
  w.unused.delete(id);
  w.total.wasted++;
  w.total.wastedBytes += w.sizes[id]!;
}

/** A slot for a copy, where there are any (L5). @returns whether there was room */
function keepCopy(w: World, id: number, used: boolean): boolean {
  const uses = ({ fate, rule }: Member): boolean => fate === 'misses' && (w.slices || rule.do === 'low-precision');
  const pinned = (other: number): boolean => w.members.some((member) => member.id === other && uses(member));
  const { admitted, victims } = w.pool[w.layerOf[id]!]!.admit(id, used, [pinned]);
  w.total.copyEvictions += victims.length;
  notePeak(w);
  return admitted;
}

function notePeak({ gpu, pool, total }: World): void {
  const bytes = [...new Set([...gpu.caches, ...pool])].reduce((sum, cache) => sum + cache.usedBytes, 0);
  total.peakBytes = Math.max(total.peakBytes, bytes);
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
    const chances = [...layerOf].map((layer, id) => (layer === w.nextLayer ? score(pass.number, after, id, drafted) : 0));
    const may = [...chances.keys()].filter((id) => chances[id]! > 0 && chances[id]! >= limits.minProbability);
    for (const id of may.sort((a, b) => chances[b]! - chances[a]! || a - b).slice(0, limits.perLayer)) {
      w.plan.push({ id, issuedNs, fate: 'planned' });
      if (w.gpu.staged.has(id)) w.gpu.staged.set(id, false);
    }
  }
}

/** Planned experts that are neither on the GPU nor on their way there. */
const waiting = ({ gpu, plan }: World): Planned[] => plan.filter(({ fate, id }) => fate === 'planned' && !gpu.holds(id));

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
  const next = (): Planned | undefined => (w.scenario.script?.limits.cancel === false ? waiting(w).find(({ id }) => past(id)) : undefined);
  for (let one = next(); one !== undefined; one = next()) {
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
    const { id, sinceNs } = w.promotions[0] ?? { id: 0, sinceNs: NEVER };
    const all = [
      ...ready.map((one) => ({ atNs: Math.max(gpu.link.nextNs, one.issuedNs, dram.arrivalNs(one.id)), level: gpu, one })),
      ...lacking.slice(0, 1).map((one) => ({ atNs: Math.max(dram.link.nextNs, one.issuedNs), level: dram, one })),
      { atNs: Math.max(gpu.link.nextNs, sinceNs, w.promotedNs, dram.arrivalNs(id)), level: gpu, one: null },
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
  const slotNs = staged ? level.stage(one.id, atNs) : admit(w, level, one.id, false, atNs, [NEVER, w.plan.indexOf(one)]);
  if (slotNs < NEVER) prefetch(w, level, one.id, Math.max(fromNs, slotNs), fromNs >= 0);
  else one.fate = fromNs < 0 && level === w.gpu && w.scenario.script!.limits.whenFull === 'wait' ? 'refused' : 'dropped';
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
