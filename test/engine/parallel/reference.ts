// A second simulator of several GPUs, written to be read: LRU lists, loads over one lane, and chunks that are carried out one by one. No
// prefetch, no SSD, no CPU: what these do on one GPU is held by the reference of one GPU. Shares only the prices of work.
import { CostModel } from '../../../src/hardware/cost.js';
import { EVERYWHERE } from '../../../src/system/placement/placement.js';
import { NULL_EXPERT } from '../../../src/trace/trace.js';
import type { ParallelScenario } from './harness.js';

/** What one event was. */
export interface ReferenceEvent {
  readonly layer: number;
  readonly endNs: number;
  readonly degree: number;
  /** True: weights were gathered, and no activation was sent. */
  readonly gathered: boolean;
  /** By GPU: members in the order of L3, activations, hits. */
  readonly demand: readonly (readonly number[])[];
  readonly activations: readonly number[];
  readonly hits: readonly number[];
}

/** An expert of an event on one GPU. */
interface Member {
  readonly id: number;
  readonly count: number;
  readyNs: number;
  hit: boolean;
}

/** The end of an event, chunk by chunk: dispatches in order, executions, combines in order behind all dispatches. */
export function chunkByChunk(
  degree: number,
  exchangeNs: number,
  startNs: number,
  gpus: readonly (readonly { readyNs: number; ns: number }[])[],
): number {
  const free = gpus.map(() => startNs);
  const executed: number[] = [];
  for (let chunk = 1; chunk <= degree; chunk++) {
    const sentNs = startNs + chunk * exchangeNs;
    for (const [g, members] of gpus.entries()) {
      free[g] = Math.max(free[g]!, sentNs);
      for (const { ns, readyNs } of members) free[g] = Math.max(free[g]!, readyNs) + ns;
    }
    executed.push(Math.max(...free));
  }
  let nowNs = startNs + degree * exchangeNs;
  for (const ns of executed) nowNs = Math.max(nowNs, ns) + exchangeNs;
  return nowNs;
}

/** A choice of an expert by a token: from the GPU of its request to where it is computed. */
interface Choice {
  readonly id: number;
  readonly from: number;
  readonly to: number;
}

/** Runs a scenario of `policy: lru`, `scope: global`, `onMiss: load`, without prefetch. */
export function simulateParallelByTheBook(scenario: ParallelScenario): { events: ReferenceEvent[]; passEndsNs: number[] } {
  const world = new World(scenario);
  const events: ReferenceEvent[] = [];
  const passEndsNs: number[] = [];
  for (const [number, pass] of scenario.passes.entries()) {
    for (const { index } of scenario.model.layers) {
      world.dense(pass, number, index);
      const choices = world.choicesOf(pass, index);
      if (choices.length > 0) events.push(world.event(index, choices));
    }
    world.dense(pass, number, scenario.model.layers.length);
    world.nowNs += world.cost.passNs;
    passEndsNs.push(world.nowNs);
  }
  return { events, passEndsNs };
}

/** The GPUs of a scenario, with the time that has passed. */
class World {
  readonly cost: CostModel;
  nowNs = 0;
  readonly #scenario: ParallelScenario;
  /** By GPU: when each lane of its link is free. */
  readonly #lanes: number[][];
  /** By GPU: what it holds, least recently used first. */
  readonly #caches: number[][];

  constructor(scenario: ParallelScenario) {
    this.#scenario = scenario;
    this.cost = new CostModel(scenario.model, scenario.hardware);
    this.#lanes = this.#perGpu(() => new Array<number>(scenario.hardware.links[0]!.lanes).fill(0));
    this.#caches = this.#perGpu(() => []);
  }

  /** Dense work of a segment: token i is of request i, which GPU i mod count serves; the slowest GPU counts. */
  dense(pass: ParallelScenario['passes'][number], number: number, segment: number): void {
    const times = this.#perGpu((gpu) => {
      const tokens = pass.filter((_token, slot) => slot % this.#scenario.gpus === gpu).length;
      return tokens === 0 ? 0 : this.cost.denseNs(segment, tokens, new Array(tokens).fill(number), new Array(tokens).fill(1), tokens);
    });
    this.nowNs += Math.max(...times);
  }

  choicesOf(pass: ParallelScenario['passes'][number], layer: number): Choice[] {
    const { gpus: count, homes, model } = this.#scenario;
    return pass.flatMap((token, slot) =>
      token[layer]!.filter((expert) => expert !== NULL_EXPERT).map((expert) => {
        const id = model.layers[layer]!.offset + expert;
        return { id, from: slot % count, to: homes[id] === EVERYWHERE ? slot % count : homes[id]! };
      }),
    );
  }

  /** Runs the experts that a layer chose, at the degree of overlap that is fastest of those allowed. */
  event(layer: number, choices: readonly Choice[]): ReferenceEvent {
    const startNs = this.nowNs;
    const members = this.#perGpu((gpu): Member[] => {
      const own = choices.filter(({ to }) => to === gpu).map(({ id }) => id);
      const distinct = [...new Set(own)].sort((a, b) => own.lastIndexOf(a) - own.lastIndexOf(b));
      return distinct.map((id) => ({ id, count: own.filter((other) => other === id).length, readyNs: startNs, hit: false }));
    });
    for (const [gpu, demand] of members.entries()) this.#serve(gpu, demand, startNs);
    const { homes, interconnect, model, overlap } = this.#scenario;
    const sent = this.#perGpu((gpu) => choices.filter(({ from, to }) => from === gpu && to !== gpu).length);
    const received = this.#perGpu((gpu) => choices.filter(({ from, to }) => to === gpu && from !== gpu).length);
    const most = Math.max(...sent, ...received);
    const exchanges = homes.some((home) => home !== EVERYWHERE);
    const endAt = (degree: number): number => {
      const exchangeNs = exchanges ? interconnect.latencyNs + ((most / degree) * model.hidden * 2 * 1e9) / interconnect.bandwidth : 0;
      const inOrder = members.map((demand) =>
        [...demand]
          .sort((a, b) => Number(b.hit) - Number(a.hit) || a.readyNs - b.readyNs)
          .map((member) => ({ readyNs: member.readyNs, ns: this.cost.expertNs(layer, member.count / degree) })),
      );
      return chunkByChunk(degree, exchangeNs, startNs, inOrder);
    };
    const degrees = !exchanges ? [1] : overlap === 'adaptive' ? [1, 2, 4, 8] : [overlap];
    const degree = degrees.reduce((best, other) => (endAt(other) < endAt(best) ? other : best));
    const resident = members.every((demand) => demand.every(({ hit }) => hit));
    const gatheredNs = this.#scenario.adaptive && exchanges && resident ? this.#gatheredEnd(layer, choices) : Number.POSITIVE_INFINITY;
    const gathered = gatheredNs < endAt(degree);
    this.nowNs = gathered ? gatheredNs : endAt(degree);
    const own = (gpu: number): number => choices.filter(({ from }) => from === gpu).length;
    return {
      layer,
      endNs: this.nowNs,
      degree: gathered ? 1 : degree,
      gathered,
      demand: members.map((demand) => demand.map(({ id }) => id)),
      activations: members.map((demand, gpu) => (gathered ? own(gpu) : demand.reduce((sum, member) => sum + member.count, 0))),
      hits: members.map((demand) => demand.filter(({ hit }) => hit).length),
    };
  }

  /** The end of an event whose layer every GPU gathers, and then computes its own tokens. */
  #gatheredEnd(layer: number, choices: readonly Choice[]): number {
    const { homes, interconnect, model } = this.#scenario;
    const { expertBytes, experts, offset } = model.layers[layer]!;
    const ids = Array.from({ length: experts }, (_, e) => offset + e);
    const lacked = this.#perGpu((gpu) => ids.filter((id) => homes[id] !== EVERYWHERE && homes[id] !== gpu).length * expertBytes);
    const gatherNs = interconnect.latencyNs + (Math.max(...lacked) * 1e9) / interconnect.bandwidth;
    const work = this.#perGpu((gpu) => {
      const own = choices.filter(({ from }) => from === gpu).map(({ id }) => id);
      return [...new Set(own)].reduce((sum, id) => sum + this.cost.expertNs(layer, own.filter((other) => other === id).length), 0);
    });
    return this.nowNs + gatherNs + Math.max(...work);
  }

  /** Finds or loads what one GPU needs of an event; nothing that the event needs is evicted. */
  #serve(gpu: number, demand: readonly Member[], startNs: number): void {
    const link = this.#scenario.hardware.links[0]!;
    for (const member of demand) member.hit = this.#caches[gpu]!.includes(member.id);
    for (const member of demand) {
      const { id } = member;
      if (member.hit) {
        this.#caches[gpu] = [...this.#caches[gpu]!.filter((other) => other !== id), id];
        continue;
      }
      const free = this.#lanes[gpu]!;
      const lane = earliestLane(free, startNs);
      free[lane] = Math.max(free[lane]!, startNs) + link.latencyNs + (this.#bytesOf(id) * 1e9 * link.lanes) / link.bandwidth;
      member.readyNs = free[lane]!;
      this.#insert(
        gpu,
        id,
        demand.map((other) => other.id),
      );
    }
  }

  /** Keeps an expert where there is room, or can be without evicting one of `pinned`. */
  #insert(gpu: number, id: number, pinned: readonly number[]): void {
    const { capacityBytes } = this.#scenario;
    const fits = (): boolean => this.#caches[gpu]!.reduce((sum, other) => sum + this.#bytesOf(other), this.#bytesOf(id)) <= capacityBytes;
    if (this.#bytesOf(id) > capacityBytes) return;
    while (!fits()) {
      const victim = this.#caches[gpu]!.find((other) => !pinned.includes(other));
      if (victim === undefined) return;
      this.#caches[gpu] = this.#caches[gpu]!.filter((other) => other !== victim);
    }
    this.#caches[gpu]!.push(id);
  }

  #bytesOf(id: number): number {
    return this.#scenario.model.layers.find(({ experts, offset }) => id < offset + experts)!.expertBytes;
  }

  #perGpu<T>(of: (gpu: number) => T): T[] {
    return Array.from({ length: this.#scenario.gpus }, (_, gpu) => of(gpu));
  }
}

/** The lane on which a transfer starts first, the first of several. */
function earliestLane(free: readonly number[], startNs: number): number {
  const starts = free.map((ns) => Math.max(ns, startNs));
  return starts.indexOf(Math.min(...starts));
}
