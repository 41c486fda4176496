// A second simulator of the same laws, written to be read: sets, lists, and transfers that start in order of time. It shares with the
// engine the prices of work (cost.ts, tested on its own) and nothing else; `reference.test.ts` holds the two against each other.
import { Random } from '../../src/base/random.js';
import { layerOfExperts } from '../../src/cache/scope.js';
import { CostModel } from '../../src/hardware/cost.js';
import type { LinkSpec } from '../../src/hardware/spec.js';
import { expertSizes } from '../../src/model/spec.js';
import type { SpeculationSpec } from '../../src/schedule/speculation.js';
import type { MissRule } from '../../src/system/miss-rules.js';
import { NULL_EXPERT } from '../../src/trace/trace.js';
import type { LayerOutcome, Outcome, PassOutcome } from './outcome.js';
import { ReferenceLink, type ReferenceTransfer } from './reference-link.js';
import { layerCapacities, ReferenceCache } from './reference-policies.js';
import { rulesOf, type Scenario, type TokenChoices } from './scenario.js';

/** A level of memory: who is there, and by which transfer it came (none: before the run). */
class Level {
  readonly caches: readonly ReferenceCache[];
  readonly byLayer: readonly ReferenceCache[];
  readonly link: ReferenceLink;
  readonly came = new Map<number, ReferenceTransfer>();
  /** Experts in buffers outside the caches, or on their way there, and whether each leaves when it has arrived. */
  readonly staged = new Map<number, { leaves: boolean }>();
  /** When each free buffer is free, ns. */
  readonly freeBuffers: number[];

  constructor(byLayer: readonly ReferenceCache[], link: ReferenceLink, buffers = 0) {
    this.byLayer = byLayer;
    this.freeBuffers = Array(buffers).fill(0);
    this.caches = [...new Set(byLayer)];
    this.link = link;
  }

  holds(id: number): boolean {
    return this.staged.has(id) || this.caches.some((cache) => cache.resident.has(id));
  }

  arrivalNs(id: number): number {
    return this.came.get(id)?.arrivalNs ?? 0;
  }

  residents(): number[] {
    return this.caches.flatMap((cache) => [...cache.resident]).sort((a, b) => a - b);
  }
}

/** An expert that a prediction asked for, in the order of the plan. */
interface Planned {
  readonly id: number;
  /** Its transfer starts no earlier: when it was planned, or when it was evicted since. */
  issuedNs: number;
  /** There was no slot for it: it is dropped, or waits until an event has ended. */
  dropped: boolean;
  refused: boolean;
}

interface Member {
  readonly id: number;
  readonly count: number;
  readyNs: number;
  fate: 'hit' | 'late' | 'miss';
  onCpu: boolean;
  /** It is not served. */
  left: boolean;
  /** A slice of it is on the GPU. */
  sliced: boolean;
}

/** Demand of an event: distinct experts in order of last appearance (L1, L3), from the choices in the order of the pass. */
function membersOf(choices: readonly number[]): Member[] {
  const distinct = [...new Set(choices)].sort((a, b) => choices.lastIndexOf(a) - choices.lastIndexOf(b));
  return distinct.map((id) => ({
    id,
    count: choices.filter((other) => other === id).length,
    readyNs: 0,
    fate: 'miss',
    onCpu: false,
    left: false,
    sliced: false,
  }));
}

/** A pass, and what drafting its tokens takes before it, in so many steps. */
interface Verified {
  readonly tokens: readonly TokenChoices[];
  readonly draftNs: number;
  readonly steps: number;
}

/** Where the n-th pass (from 0) of a request stands between all accepted (0) and all rejected (1): its number in binary, mirrored, shifted. */
function drawOf(n: number, shift: number): number {
  const digits = n.toString(2).split('').toReversed();
  const mirrored = digits.reduce((sum, digit, i) => sum + Number(digit) / 2 ** (i + 1), 0);
  return (shift + mirrored) % 1;
}

/** The passes of a request of `rows` generated tokens that drafts and verifies. */
function verifyByTheBook(
  rows: readonly TokenChoices[],
  { acceptances, draft, drafterNs, rollback }: SpeculationSpec,
  seed: number,
): Verified[] {
  const shift = new Random(seed, 'speculation/0').next();
  const passes: Verified[] = [];
  let done = 0;
  let verified = 0;
  while (done < rows.length) {
    // The token that is known comes from the trace, and so does the last of the request: neither needs a draft.
    const drafted = Math.min(draft, rows.length - done - 1);
    const draw = drafted === 0 ? 1 : drawOf(verified++, shift);
    const accepted = acceptances.slice(0, drafted).filter((share) => draw < share).length;
    const kept = rows.slice(done, done + accepted + 1);
    const rejected = Array.from({ length: drafted - accepted }, (_, i) => {
      const position = done + accepted + 1 + i;
      return rows[(position + Math.floor(rows.length / 2)) % rows.length]!;
    });
    passes.push({ tokens: [...kept, ...rejected], draftNs: drafted * drafterNs, steps: drafted });
    // A state that has run wrong tokens is as it was before the pass, and runs the right ones again.
    if (rollback === 'redo' && rejected.length > 0) passes.push({ tokens: kept, draftNs: 0, steps: 0 });
    done += kept.length;
  }
  return passes;
}

/** Runs a scenario. */
export function simulateByTheBook(scenario: Scenario): Outcome {
  const { model, hardware, script, speculation } = scenario;
  const rules = rulesOf(scenario);
  const verified =
    speculation === undefined
      ? scenario.passes.map((tokens): Verified => ({ tokens, draftNs: 0, steps: tokens.length - 1 }))
      : verifyByTheBook(scenario.passes.flat(), speculation, 1);
  const passes = verified.map(({ tokens }) => tokens);
  const cost = new CostModel(model, hardware, null, scenario.split);
  const sizes = expertSizes(model);
  const layerOf = layerOfExperts(model);
  const allIds = [...layerOf.keys()];
  const sequential = scenario.replay === 'sequential';

  const choicesAt = (pass: readonly TokenChoices[], layer: number): number[] =>
    pass.flatMap((token) => token[layer]!.filter((expert) => expert !== NULL_EXPERT).map((expert) => model.layers[layer]!.offset + expert));
  // Every event of the run, for Belady.
  const events = passes.flatMap((pass) =>
    model.layers.flatMap(({ index }) => {
      const choices = choicesAt(pass, index);
      if (sequential) return choices.map((id) => [id]);
      return choices.length === 0 ? [] : [choices];
    }),
  );
  let event = 0;
  const nextUse = (id: number): number => {
    const next = events.findIndex((demand, number) => number + 1 > event && demand.includes(id));
    return next < 0 ? Number.POSITIVE_INFINITY : next + 1;
  };

  const cacheOf = (policy: string, ids: readonly number[], bytes: number, of = sizes) =>
    new ReferenceCache(policy, ids, of, layerOf, bytes, nextUse);
  const idsOf = (layer: number) => allIds.filter((id) => layerOf[id] === layer);
  // L6: copies have their share of the bytes, but where every expert fits whole.
  const copyBytes = rules.find((rule) => rule.do === 'low-precision')?.copyBytes ?? 1;
  const copySizes = sizes.map((bytes) => Math.ceil(copyBytes * bytes));
  const fits = scenario.capacityBytes >= sizes.reduce((sum, bytes) => sum + bytes, 0);
  const poolBytes = scenario.copies === undefined || fits ? 0 : Math.floor(scenario.copies.share * scenario.capacityBytes);
  const pool = poolBytes === 0 ? null : poolOf(scenario.copies!, poolBytes);
  const slices = pool !== null && scenario.copies!.additive;
  function poolOf({ policy, scope }: NonNullable<Scenario['copies']>, bytes: number): readonly ReferenceCache[] {
    const small = { ...model, layers: model.layers.map((layer) => ({ ...layer, expertBytes: Math.ceil(copyBytes * layer.expertBytes) })) };
    const split = layerCapacities(small, bytes);
    const one = cacheOf(policy, allIds, bytes, copySizes);
    return model.layers.map(({ index }) => (scope === 'global' ? one : cacheOf(policy, idsOf(index), split[index]!, copySizes)));
  }
  const copyOf = (id: number): ReferenceCache => pool![layerOf[id]!]!;
  const hasCopy = (id: number): boolean => pool !== null && copyOf(id).resident.has(id);
  const wholeBytes = scenario.capacityBytes - poolBytes;
  const whole = cacheOf(scenario.policy, allIds, wholeBytes);
  const capacities = layerCapacities(model, wholeBytes);
  const gpu = new Level(
    model.layers.map(({ index }) => (scenario.scope === 'global' ? whole : cacheOf(scenario.policy, idsOf(index), capacities[index]!))),
    new ReferenceLink(hardware.links[0]!),
    scenario.staging,
  );
  const staging = (scenario.staging ?? 0) > 0;
  let dram: Level | null = null;
  if (scenario.dram !== null) {
    const cache = cacheOf(scenario.dram.policy, allIds, scenario.dram.capacityBytes);
    dram = new Level(
      model.layers.map(() => cache),
      new ReferenceLink(hardware.links[1]!),
    );
  }
  const writeBack = new ReferenceLink(hardware.links[0]!);

  const total = {
    useful: 0,
    late: 0,
    wasted: 0,
    wastedBytes: 0,
    dropped: 0,
    cancelled: 0,
    cpuExperts: 0,
    promoted: 0,
    skipped: 0,
    substituted: 0,
    degraded: 0,
    copyHits: 0,
    copies: 0,
    copyEvictions: 0,
    deferred: 0,
    writeBacks: 0,
    writeBackBytes: 0,
  };
  let nowNs = 0;
  const heldBytes = (): number => [...gpu.caches, ...new Set(pool)].reduce((sum, cache) => sum + cache.usedBytes, 0);
  let peakBytes = heldBytes();
  const unused = new Set<number>();
  const seen = new Set<number>();
  let demandedNow = new Set<number>();
  let missedNow = new Set<number>();
  /** Copies that the running event uses or brings. */
  let copiesNow = new Set<number>();
  let plan: Planned[] = [];
  /** L13: misses of each expert since its last promotion was begun or refused; who waits for one, and since when. */
  const missed = new Map<number, number>();
  let promotions: { readonly id: number; readonly sinceNs: number }[] = [];
  let promotedNs = 0;
  /** L13: when each socket has computed what was deferred, and when all of it is there. */
  const deferredNs = Array(hardware.cpu?.sockets?.numa === 'expert' ? hardware.cpu.sockets.count : 1).fill(0) as number[];
  let awaitedNs = 0;
  let nextLayer = 0;
  /** Steps of drafting that the running pass has taken. */
  let drafted = 0;
  let passTokens = 0;
  let running: readonly TokenChoices[] = [];
  /** Of each of its tokens, the share of an expert's bytes that it is content with. */
  let contents: readonly number[] = [];
  let ran = 0;
  const byContent = Object.fromEntries((scenario.contents ?? []).map((share) => [share, { activations: 0, degraded: 0 }]));
  /** Who stands in during the event. */
  let standIns = new Set<number>();
  /** What tokens have chosen at each layer so far, the running pass's included once its routing is known. */
  const chosen = model.layers.map((): number[][] => []);
  /** What the plan still waits for: experts that are neither on the GPU nor on their way there. */
  const waits = ({ id, dropped, refused }: Planned): boolean => !dropped && !refused && !gpu.holds(id);
  const isCancelled = (planned: Planned): boolean => waits(planned) || planned.refused;
  type Counts = { -readonly [Key in keyof LayerOutcome]: LayerOutcome[Key] };
  let layers: Counts[] = [];

  /** L5; counts the victims on the GPU. @returns whether there was room, and when the slot is free */
  function admit(
    level: Level,
    id: number,
    used: boolean,
    atNs: number,
    planRank: number,
    always = false,
  ): { admitted: boolean; slotNs: number } {
    const pinned = (other: number): boolean => {
      if (level.arrivalNs(other) > atNs) return true; // in flight
      if ((level === gpu ? demandedNow : missedNow).has(other) || (level === gpu && standIns.has(other))) return true;
      const rank = plan.findIndex((planned) => planned.id === other);
      return rank >= 0 && rank < planRank;
    };
    const { admitted, victims } = level.byLayer[layerOf[id]!]!.admit(id, used, pinned, always);
    let slotNs = atNs;
    for (const planned of plan) {
      if (!victims.includes(planned.id)) continue;
      planned.issuedNs = Math.max(planned.issuedNs, atNs);
      // One that had found no slot, and was promoted, waits again as well.
      if (level === gpu) planned.dropped = planned.refused = false;
    }
    if (level === gpu) {
      for (const victim of victims) {
        layers[layerOf[victim]!]!.evictions++;
        if (unused.delete(victim)) {
          total.wasted++;
          total.wastedBytes += sizes[victim]!;
        }
        if (!scenario.exclusive) continue;
        slotNs = Math.max(slotNs, writeBack.demand(victim, sizes[victim]!, atNs).arrivalNs);
        total.writeBacks++;
        total.writeBackBytes += sizes[victim]!;
      }
      peakBytes = Math.max(peakBytes, heldBytes());
      if (slices) for (const victim of victims) if (!hasCopy(victim)) keepCopy(victim, false);
    }
    return { admitted, slotNs };
  }

  /** A slot for a copy (L5), where there are any. @returns whether there was room */
  function keepCopy(id: number, used: boolean): boolean {
    if (pool === null) return false;
    const { admitted, victims } = copyOf(id).admit(id, used, (other) => copiesNow.has(other));
    total.copyEvictions += victims.length;
    peakBytes = Math.max(peakBytes, heldBytes());
    return admitted;
  }

  /** The next prefetch that can start on the GPU's link: the first of the plan that is ready when a lane is free, else the one ready first. */
  function nextOnGpuLink(): { planned: Planned; startNs: number } | null {
    const freeNs = gpu.link.freeNs(gpu.link.nextLane());
    const starts = plan
      .filter((planned) => waits(planned) && (dram === null || dram.holds(planned.id)))
      .map((planned) => ({ planned, startNs: Math.max(freeNs, planned.issuedNs, dram?.arrivalNs(planned.id) ?? 0) }));
    return starts.reduce<(typeof starts)[0] | null>((best, other) => (best === null || other.startNs < best.startNs ? other : best), null);
  }

  /** The next prefetch from the SSD: the first of the plan that DRAM lacks. */
  function nextOnSsdLink(level: Level): { planned: Planned; startNs: number } | null {
    const planned = plan.find((one) => waits(one) && !level.holds(one.id));
    if (planned === undefined) return null;
    return { planned, startNs: Math.max(level.link.freeNs(level.link.nextLane()), planned.issuedNs) };
  }

  /** L13: when the first expert that waits for its promotion can start. */
  function promotionNs(): number {
    const [next] = promotions;
    if (next === undefined) return Number.POSITIVE_INFINITY;
    return Math.max(gpu.link.freeNs(gpu.link.nextLane()), next.sinceNs, promotedNs, dram?.arrivalNs(next.id) ?? 0);
  }

  function promote(startNs: number): void {
    const { id } = promotions.shift()!;
    promotedNs = startNs;
    missed.delete(id);
    discard(startNs);
    if (gpu.holds(id) || dram?.holds(id) === false) return;
    const { admitted, slotNs } = admit(gpu, id, false, startNs, Number.POSITIVE_INFINITY);
    if (!admitted) {
      total.dropped++;
      return;
    }
    gpu.came.set(id, gpu.link.prefetch(id, sizes[id]!, slotNs));
    unused.add(id);
    layers[layerOf[id]!]!.prefetchBytes += sizes[id]!;
    total.promoted++;
    for (const planned of plan) if (planned.id === id) planned.refused = false;
  }

  /** Buffers of what nobody wants any more are free when it has arrived. */
  function discard(atNs: number): void {
    for (const [id, { leaves }] of gpu.staged) {
      if (!leaves || gpu.arrivalNs(id) > atNs) continue;
      leave(id, atNs);
      unused.delete(id);
      total.wasted++;
      total.wastedBytes += sizes[id]!;
    }
  }

  function leave(id: number, freeNs: number): void {
    gpu.staged.delete(id);
    gpu.freeBuffers.push(freeNs);
  }

  /** A slot of the cache, or a buffer. */
  function room(level: Level, planned: Planned, atNs: number): { admitted: boolean; slotNs: number } {
    const { id } = planned;
    if (level === gpu && staging) {
      discard(atNs);
      if (gpu.freeBuffers.length === 0) return { admitted: false, slotNs: atNs };
      const freeNs = Math.min(...gpu.freeBuffers);
      gpu.freeBuffers.splice(gpu.freeBuffers.indexOf(freeNs), 1);
      gpu.staged.set(id, { leaves: false });
      return { admitted: true, slotNs: Math.max(atNs, freeNs) };
    }
    // First without touching anything that is planned, then at the expense of what is planned behind it.
    const first = admit(level, id, false, atNs, Number.POSITIVE_INFINITY);
    if (first.admitted) return first;
    const { admitted, slotNs } = admit(level, id, false, atNs, plan.indexOf(planned));
    return { admitted, slotNs: Math.max(first.slotNs, slotNs) };
  }

  /** @param fromNs placed as a demand is, no earlier than then; absent: it starts now */
  function start(level: Level, { planned, startNs }: { planned: Planned; startNs: number }, fromNs?: number): void {
    const { id } = planned;
    const { admitted, slotNs } = room(level, planned, startNs);
    if (!admitted) {
      planned.refused = fromNs === undefined && level === gpu && script!.limits.whenFull === 'wait';
      planned.dropped = !planned.refused;
      total.dropped += Number(planned.dropped);
      return;
    }
    const bytes = sizes[id]!;
    level.came.set(
      id,
      fromNs === undefined ? level.link.prefetch(id, bytes, slotNs) : level.link.placePrefetch(id, bytes, Math.max(fromNs, slotNs)),
    );
    if (level !== gpu) return;
    unused.add(id);
    layers[layerOf[id]!]!.prefetchBytes += bytes;
  }

  /** With `cancel: off`, what still waits for a layer that is known is placed at once. */
  function carryThrough(layer: number): void {
    for (;;) {
      const planned = plan.find((one) => waits(one) && layerOf[one.id]! <= layer);
      if (planned === undefined) return;
      const { id, issuedNs } = planned;
      const fromNs = Math.max(nowNs, issuedNs);
      if (dram !== null && !dram.holds(id)) start(dram, { planned, startNs: nowNs }, fromNs);
      if (planned.dropped) continue;
      start(gpu, { planned, startNs: nowNs }, dram === null ? fromNs : Math.max(fromNs, dram.arrivalNs(id)));
    }
  }

  /** L10, L11: starts what can start before `untilNs`, on both links, in order of time. */
  function advance(untilNs: number): void {
    for (;;) {
      const toGpu = nextOnGpuLink();
      const toDram = dram === null ? null : nextOnSsdLink(dram);
      const gpuNs = toGpu?.startNs ?? Number.POSITIVE_INFINITY;
      const ssdNs = toDram?.startNs ?? Number.POSITIVE_INFINITY;
      const ownNs = promotionNs();
      if (Math.min(gpuNs, ssdNs, ownNs) >= untilNs) break;
      if (ownNs < Math.min(gpuNs, ssdNs)) {
        promote(ownNs);
        continue;
      }
      if (gpuNs <= ssdNs) start(gpu, toGpu!);
      else start(dram!, toDram!);
    }
    discard(untilNs);
  }

  function predict(pass: number, after: number, anew = false): void {
    if (script === null) return;
    const { correction, horizon, minProbability, perLayer } = script.limits;
    if (correction || anew) {
      total.cancelled += plan.filter(isCancelled).length;
      plan = [];
      nextLayer = after + 1;
    }
    const last = Math.min(model.layers.length - 1, after + horizon);
    const scored = model.layers.slice(after + 1, last + 1).reduce((sum, { experts }) => sum + experts, 0);
    const issuedNs = nowNs + script.costNs + Math.min(2, passes[pass - 1]!.length) * scored * (script.expertNs ?? 0);
    for (nextLayer = Math.max(nextLayer, after + 1); nextLayer <= last; nextLayer++) {
      const ranked = idsOf(nextLayer)
        .map((id) => ({ id, score: script.score(pass, after, id, drafted) }))
        .filter(({ score }) => score > 0 && score >= minProbability)
        .sort((a, b) => b.score - a.score || a.id - b.id);
      for (const { id } of ranked.slice(0, perLayer)) {
        plan.push({ id, issuedNs, dropped: false, refused: false });
        const staged = gpu.staged.get(id);
        if (staged !== undefined) staged.leaves = false;
      }
    }
  }

  /** Links and CPU as the faults in effect leave them. */
  function strike(): void {
    const faults = (scenario.faults ?? []).filter(({ at, until }) => at <= nowNs && nowNs < (until ?? Number.POSITIVE_INFINITY));
    const levels: [string, ReferenceLink, LinkSpec][] = [
      ['h2d', gpu.link, hardware.links[0]!],
      ['h2d', writeBack, hardware.links[0]!],
    ];
    if (dram !== null) levels.push(['ssd', dram.link, hardware.links[1]!]);
    for (const [name, link, { lanes }] of levels) {
      const own = faults.filter((fault) => fault.link === name);
      link.share = own.reduce((share, { bandwidth }) => share * (bandwidth ?? 1), 1);
      link.keepLanes(
        own.reduce((left, fault) => left + (fault.lanes ?? 0), lanes),
        nowNs,
        (id) => sizes[id]!,
      );
    }
    cost.throttleCpu(faults.reduce((share, { cpu }) => share * (cpu ?? 1), 1));
  }

  /** L12: the routing of `layer` is known. */
  function known(layer: number, demand: readonly number[]): void {
    if (script?.limits.cancel === false) carryThrough(layer);
    total.cancelled += plan.filter(
      (planned) => isCancelled(planned) && layerOf[planned.id]! <= layer && !demand.includes(planned.id),
    ).length;
    plan = plan.filter(({ id }) => layerOf[id]! > layer);
    for (const [id, staged] of gpu.staged) if (layerOf[id]! <= layer) staged.leaves = !demand.includes(id);
    discard(nowNs);
  }

  /** When the weights of an expert are in DRAM (L14). */
  function inDram(level: Level, id: number): number {
    if (level.holds(id)) {
      level.caches[0]!.touch(id);
      return Math.max(nowNs, level.arrivalNs(id));
    }
    admit(level, id, true, nowNs, 0);
    const transfer = level.link.demand(id, sizes[id]!, nowNs);
    level.came.set(id, transfer);
    return transfer.arrivalNs;
  }

  /** Of an expert whose slice is on the GPU, the rest. */
  const lackingBytes = ({ id, sliced }: Member): number => sizes[id]! - (sliced ? copySizes[id]! : 0);

  function load(layer: number, loads: Member[]): void {
    if (dram !== null) for (const member of loads) member.readyNs = Math.max(member.readyNs, inDram(dram, member.id));
    for (const member of [...loads].sort((a, b) => a.readyNs - b.readyNs)) {
      const transfer = gpu.link.demand(member.id, lackingBytes(member), member.readyNs);
      gpu.came.set(member.id, transfer);
      member.readyNs = transfer.arrivalNs;
      layers[layer]!.onDemandBytes += lackingBytes(member);
    }
  }

  /** Tokens of the pass that chose an expert, and what each of them is content with. */
  const contentsOf = (layer: number, id: number): readonly number[] =>
    contents.filter((_, token) => running[token]![layer]!.includes(id - model.layers[layer]!.offset));

  /** Share of its token's choices that are better ranked, the smallest over tokens. */
  function shareOf(layer: number, id: number): number {
    const shares = running.flatMap((token) => {
      const row = token[layer]!.filter((expert) => expert !== NULL_EXPERT);
      const rank = row.indexOf(id - model.layers[layer]!.offset);
      return rank < 0 ? [] : [Math.fround(rank / row.length)];
    });
    return Math.min(...shares);
  }

  /** Place of an expert among its token's choices, counted from the last; the largest over tokens. In the last layer none may wait. */
  function placeFromEnd(layer: number, id: number): number {
    if (layer === model.layers.length - 1) return Number.POSITIVE_INFINITY;
    const places = running.map((token) => {
      const row = token[layer]!.filter((expert) => expert !== NULL_EXPERT).toReversed();
      return row.indexOf(id - model.layers[layer]!.offset) + 1;
    });
    return Math.max(...places);
  }

  /** Misses of the running event. */
  let missesNow = 0;

  /** The first rule from number `from` on that holds for a member. */
  function firstRule(layer: number, { count, id }: Member, from: number): MissRule {
    return rules.slice(from).find(({ when }) => {
      if (when === null) return true;
      const { copy, gate, misses, pass, phase, tokens } = when;
      if (copy !== undefined && contentsOf(layer, id).some((share) => share > copy)) return false;
      const within = (range: typeof pass | undefined, value: number) =>
        range == null || (range.min <= value && value <= range.max && range.above < value && value < range.below);
      const matters = gate === null || within(gate.share, shareOf(layer, id));
      return phase !== 'prefill' && within(tokens, count) && within(pass, passTokens) && within(misses, missesNow) && matters;
    })!;
  }

  /** How a miss is served, and by whom where another stands in. */
  function resolve(layer: number, member: Member): { rule: MissRule; buddy: number } {
    for (let rule = firstRule(layer, member, 0); ; rule = firstRule(layer, member, rules.indexOf(rule) + 1)) {
      if (rule.do !== 'substitute') return { rule, buddy: -1 };
      const { offset } = model.layers[layer]!;
      const own = member.id - offset;
      const together = (id: number): number => chosen[layer]!.filter((row) => row.includes(own) && row.includes(id - offset)).length;
      const may = idsOf(layer).filter((id) => {
        const here = gpu.byLayer[layer]!.resident.has(id) && gpu.arrivalNs(id) <= nowNs;
        return here && !demandedNow.has(id) && !standIns.has(id) && together(id) > 0;
      });
      const [buddy] = may.sort((a, b) => together(b) - together(a) || a - b);
      if (buddy === undefined) continue;
      standIns.add(buddy);
      return { rule, buddy };
    }
  }

  function runEvent(layer: number, choices: readonly number[], afterDemands: () => void): void {
    const counts = layers[layer]!;
    const members = membersOf(choices);
    event++;
    counts.events++;
    counts.demanded += members.length;
    demandedNow = new Set(members.map(({ id }) => id));
    for (const { id } of members) for (const share of contentsOf(layer, id)) byContent[share]!.activations++;
    for (const member of members) {
      const { id } = member;
      seen.add(id);
      if (!gpu.holds(id)) {
        counts.misses++;
        continue;
      }
      member.readyNs = Math.max(nowNs, gpu.arrivalNs(id));
      if (gpu.arrivalNs(id) <= nowNs) {
        member.fate = 'hit';
        counts.hits++;
        if (unused.has(id)) total.useful++;
      } else {
        member.fate = 'late';
        counts.late++;
        total.late++;
        gpu.came.get(id)!.yields = false;
      }
      unused.delete(id);
    }
    const misses = members.filter(({ fate }) => fate === 'miss');
    missesNow = misses.length;
    const resolved = new Map(misses.map((member) => [member.id, resolve(layer, member)]));
    const low = new Set(misses.filter(({ id }) => resolved.get(id)!.rule.do === 'low-precision').map(({ id }) => id));
    const fromCopy = new Set([...low].filter(hasCopy));
    for (const member of misses) member.sliced = slices && hasCopy(member.id);
    copiesNow = slices ? new Set(misses.map(({ id }) => id)) : low;
    const read = misses.filter(({ id }) => !['skip', 'substitute'].includes(resolved.get(id)!.rule.do) && !fromCopy.has(id));
    missedNow = new Set(read.map(({ id }) => id));
    for (const { id } of read) {
      const coming = dram?.came.get(id);
      if (dram?.holds(id) && coming !== undefined) coming.yields = false;
    }

    const sockets = hardware.cpu?.sockets;
    const cpuFreeNs = (Array(sockets?.numa === 'expert' ? sockets.count : 1).fill(nowNs + cost.handoverNs) as number[]).map((ns, s) =>
      Math.max(ns, deferredNs[s]!),
    );
    // What earlier layers have deferred is awaited here, what this one defers is not.
    const earlierNs = awaitedNs;
    const later: Member[] = [];
    const loads: Member[] = [];
    for (const member of members) {
      const { count, id } = member;
      const { buddy, rule } = member.fate === 'miss' ? resolved.get(id)! : { buddy: -1, rule: firstRule(layer, member, 0) };
      if (gpu.staged.has(id)) {
        // It moves into the cache, and what leaves for it becomes its buffer.
        if (['static', 'low-precision', 'skip', 'substitute'].includes(rule.do)) gpu.byLayer[layer]!.passBy(id);
        else {
          const { admitted, slotNs } = admit(gpu, id, true, nowNs, 0, rule.admit === 'always');
          if (admitted) leave(id, slotNs);
        }
        continue;
      }
      if (member.fate !== 'miss') {
        gpu.byLayer[layer]!.touch(id);
        continue;
      }
      const cpuNs = cost.cpuExpertNs(layer, count);
      const socket = id % cpuFreeNs.length;
      const counted = (): void => {
        if (rule.admit !== 'background') return;
        missed.set(id, (missed.get(id) ?? 0) + 1);
        const waits = promotions.some((other) => other.id === id);
        if (missed.get(id)! >= rule.after && !waits) promotions.push({ id, sinceNs: Number.POSITIVE_INFINITY });
      };
      if (rule.do === 'substitute' || rule.do === 'skip' || rule.do === 'low-precision') {
        gpu.byLayer[layer]!.passBy(id);
        counted();
        if (rule.do === 'skip') {
          total.skipped++;
          member.left = true;
          continue;
        }
        total.degraded += count;
        for (const share of contentsOf(layer, id)) byContent[share]!.degraded++;
        if (rule.do === 'substitute') {
          total.substituted++;
          gpu.byLayer[layer]!.touch(buddy);
          member.readyNs = nowNs;
          continue;
        }
        if (fromCopy.has(id)) {
          total.copyHits++;
          copyOf(id).touch(id);
          member.readyNs = nowNs;
          continue;
        }
        load(layer, loads.splice(0));
        const bytes = Math.ceil(rule.copyBytes * sizes[id]!);
        member.readyNs = gpu.link.demand(id, bytes, dram === null ? nowNs : inDram(dram, id)).arrivalNs;
        counts.onDemandBytes += bytes;
        if (pool !== null) total.copies++;
        if (!keepCopy(id, true)) counts.streamed++;
        continue;
      }
      let byCpu = rule.do === 'cpu';
      if (rule.do === 'cheaper') {
        const bytes = lackingBytes(member);
        let fromNs = nowNs;
        if (dram !== null) fromNs = dram.holds(id) ? Math.max(nowNs, dram.arrivalNs(id)) : dram.link.arrivalOfDemand(sizes[id]!, nowNs);
        byCpu = Math.max(cpuFreeNs[socket]!, fromNs) + cpuNs <= gpu.link.arrivalOfDemand(bytes, fromNs) + cost.expertNs(layer, count);
      }
      if (byCpu && rule.do === 'cpu' && placeFromEnd(layer, id) <= rule.defer) {
        member.onCpu = true;
        gpu.byLayer[layer]!.passBy(id);
        total.cpuExperts++;
        total.deferred += count;
        counts.cpuNs += cpuNs;
        later.push(member);
        counted();
        continue;
      }
      if (byCpu) {
        member.onCpu = true;
        gpu.byLayer[layer]!.passBy(id);
        member.readyNs = dram === null ? nowNs : inDram(dram, id);
        cpuFreeNs[socket] = Math.max(cpuFreeNs[socket]!, member.readyNs) + cpuNs;
        total.cpuExperts++;
        counts.cpuNs += cpuNs;
        counted();
        continue;
      }
      let slotNs = nowNs;
      let admitted = false;
      if (rule.do === 'static') gpu.byLayer[layer]!.passBy(id);
      else ({ admitted, slotNs } = admit(gpu, id, true, nowNs, 0, rule.admit === 'always'));
      if (!admitted) counts.streamed++;
      // The slice becomes a part of the expert, or is used where it is.
      if (member.sliced && admitted) copyOf(id).leave(id);
      else if (member.sliced) copyOf(id).touch(id);
      member.readyNs = admitted ? slotNs : nowNs; // what is streamed waits for no write-back
      loads.push(member);
      if (rule.do === 'cheaper') load(layer, loads.splice(0));
    }
    load(layer, loads);
    const ownCpu = members.filter(({ onCpu }) => onCpu).length > later.length;
    const ownCpuNs = ownCpu ? Math.max(...cpuFreeNs) : 0;
    for (const { count, id } of later) {
      const socket = id % cpuFreeNs.length;
      cpuFreeNs[socket]! += cost.cpuExpertNs(layer, count);
      deferredNs[socket] = cpuFreeNs[socket]!;
      awaitedNs = Math.max(awaitedNs, cpuFreeNs[socket]!);
    }
    afterDemands();

    let gpuNs = nowNs;
    let computeNs = 0;
    for (const member of members.filter(({ left, onCpu }) => !onCpu && !left).sort((a, b) => a.readyNs - b.readyNs)) {
      const ns = cost.expertNs(layer, member.count);
      gpuNs = Math.max(gpuNs, member.readyNs) + ns;
      computeNs += ns;
    }
    const ownNs = Math.max(gpuNs, ownCpuNs, earlierNs);
    // In a split layer the GPU goes on with what it has of the experts that the CPU began.
    const begun = layer === scenario.split?.layer ? members.filter(({ onCpu }) => onCpu) : [];
    const partsNs = begun.reduce((ns, { count }) => ns + cost.gpuPartNs(count), 0);
    const endNs = ownNs + partsNs;
    counts.computeNs += computeNs + partsNs;
    counts.stallNs += ownNs - nowNs - computeNs;
    advance(endNs);
    for (const { id } of members) if (gpu.staged.has(id)) leave(id, endNs);
    demandedNow = missedNow = standIns = copiesNow = new Set();
    nowNs = endNs;
    promotions = promotions.map(({ id, sinceNs }) => ({ id, sinceNs: Math.min(sinceNs, nowNs) }));
    for (const planned of plan.filter(({ refused }) => refused)) {
      planned.refused = false;
      planned.issuedNs = Math.max(planned.issuedNs, nowNs);
    }
  }

  function runPass(pass: readonly TokenChoices[], number: number): PassOutcome {
    const zero = { events: 0, demanded: 0, hits: 0, late: 0, misses: 0, evictions: 0, streamed: 0, onDemandBytes: 0, prefetchBytes: 0 };
    layers = model.layers.map(() => ({ startNs: 0, endNs: 0, ...zero, computeNs: 0, stallNs: 0, cpuNs: 0 }));
    const sequences = [[0], [pass.length], 1] as const;
    passTokens = pass.length;
    running = pass;
    contents = (scenario.contents ?? []).slice(ran, ran + pass.length);
    ran += pass.length;
    plan = [];
    nextLayer = 0;
    const { draftNs, steps } = verified[number - 1]!;
    // Where what drafts choose is heard, each step of drafting says more, and all is planned anew.
    const asked = script?.drafts === true ? Math.max(1, steps) : 1;
    for (let step = 1; step <= asked; step++) {
      nowNs += draftNs / asked;
      if (step > 1) advance(nowNs);
      drafted = step === asked ? steps : step;
      predict(number, -1, step > 1);
    }
    for (const { index: layer } of model.layers) {
      nowNs += cost.denseNs(layer, pass.length, ...sequences);
      const counts = layers[layer]!;
      counts.startNs = nowNs;
      const choices = choicesAt(pass, layer);
      advance(nowNs);
      known(layer, choices);
      if (scenario.faults !== undefined) strike();
      chosen[layer]!.push(...pass.map((token) => token[layer]!.filter((expert) => expert !== NULL_EXPERT)));
      const replan = (): void => predict(number, layer);
      if (choices.length === 0) replan();
      else if (!sequential) runEvent(layer, choices, replan);
      else {
        choices.forEach((id, i) => {
          if (i > 0) advance(nowNs);
          runEvent(layer, [id], i === choices.length - 1 ? replan : () => {});
        });
      }
      counts.endNs = nowNs;
    }
    // What no event has awaited is awaited when the layers have ended.
    const lastLayer = layers.at(-1)!;
    const restNs = Math.max(0, awaitedNs - nowNs);
    lastLayer.stallNs += restNs;
    lastLayer.endNs += restNs;
    nowNs += restNs;
    nowNs += cost.denseNs(model.layers.length, pass.length, ...sequences) + cost.passNs;
    const copies = pool === null ? null : allIds.filter(hasCopy);
    return { endNs: nowNs, layers, gpu: gpu.residents(), copies, dram: dram?.residents() ?? null };
  }

  const outcomes = passes.map((pass, i) => runPass(pass, i + 1));
  return {
    passes: outcomes,
    h2d: gpu.link.count,
    ssd: dram?.link.count ?? null,
    ...total,
    ...(scenario.contents === undefined ? {} : { byContent }),
    peakBytes,
    distinct: seen.size,
  };
}
