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

/** Runs a scenario of `policy: lru`, `scope: global`, `onMiss: load`, without prefetch. */
export function simulateParallelByTheBook(scenario: ParallelScenario): { events: ReferenceEvent[]; passEndsNs: number[] } {
  const { gpus: count, hardware, homes, interconnect, model, overlap, passes } = scenario;
  const cost = new CostModel(model, hardware);
  const link = hardware.links[0]!;
  const lanes = Array.from({ length: count }, () => new Array<number>(link.lanes).fill(0));
  /** Least recently used first. */
  const caches = Array.from({ length: count }, (): number[] => []);
  const bytesOf = (id: number): number => model.layers.find(({ experts, offset }) => id < offset + experts)!.expertBytes;
  const used = (gpu: number): number => caches[gpu]!.reduce((sum, id) => sum + bytesOf(id), 0);
  const events: ReferenceEvent[] = [];
  const passEndsNs: number[] = [];
  let nowNs = 0;

  const dense = (pass: ParallelScenario['passes'][number], number: number, segment: number): void => {
    const requests = Array.from({ length: count }, (_, gpu) => pass.filter((_token, slot) => slot % count === gpu).length);
    const times = requests.map((tokens) =>
      tokens === 0 ? 0 : cost.denseNs(segment, tokens, new Array(tokens).fill(number), new Array(tokens).fill(1), tokens),
    );
    nowNs += Math.max(...times);
  };

  for (const [number, pass] of passes.entries()) {
    for (const layer of model.layers) {
      dense(pass, number, layer.index);
      const choices: { id: number; from: number; to: number }[] = [];
      for (const [slot, token] of pass.entries()) {
        for (const expert of token[layer.index]!) {
          if (expert === NULL_EXPERT) continue;
          const id = layer.offset + expert;
          choices.push({ id, from: slot % count, to: homes[id] === EVERYWHERE ? slot % count : homes[id]! });
        }
      }
      if (choices.length === 0) continue;
      const startNs = nowNs;
      const members = Array.from({ length: count }, (_, gpu): Member[] => {
        const own = choices.filter(({ to }) => to === gpu).map(({ id }) => id);
        const distinct = [...new Set(own)].sort((a, b) => own.lastIndexOf(a) - own.lastIndexOf(b));
        return distinct.map((id) => ({ id, count: own.filter((other) => other === id).length, readyNs: startNs, hit: false }));
      });
      for (const [gpu, demand] of members.entries()) {
        const ids = demand.map(({ id }) => id);
        for (const member of demand) member.hit = caches[gpu]!.includes(member.id);
        for (const member of demand) {
          const { id } = member;
          const cache = caches[gpu]!;
          if (member.hit) {
            caches[gpu] = [...cache.filter((other) => other !== id), id];
            continue;
          }
          const free = lanes[gpu]!;
          const lane = earliestLane(free, startNs);
          free[lane] = Math.max(free[lane]!, startNs) + link.latencyNs + (bytesOf(id) * 1e9 * link.lanes) / link.bandwidth;
          member.readyNs = free[lane]!;
          if (bytesOf(id) > scenario.capacityBytes) continue;
          while (used(gpu) + bytesOf(id) > scenario.capacityBytes) {
            const victim = caches[gpu]!.find((other) => !ids.includes(other));
            if (victim === undefined) break;
            caches[gpu] = caches[gpu]!.filter((other) => other !== victim);
          }
          if (used(gpu) + bytesOf(id) <= scenario.capacityBytes) caches[gpu]!.push(id);
        }
      }
      const sent = Array.from({ length: count }, (_, gpu) => choices.filter(({ from, to }) => from === gpu && to !== gpu).length);
      const received = Array.from({ length: count }, (_, gpu) => choices.filter(({ from, to }) => to === gpu && from !== gpu).length);
      const most = Math.max(...sent, ...received);
      const exchanges = homes.some((home) => home !== EVERYWHERE);
      const endAt = (degree: number): number => {
        const exchangeNs = exchanges ? interconnect.latencyNs + ((most / degree) * model.hidden * 2 * 1e9) / interconnect.bandwidth : 0;
        const inOrder = members.map((demand) =>
          [...demand]
            .sort((a, b) => Number(b.hit) - Number(a.hit) || a.readyNs - b.readyNs)
            .map((member) => ({ readyNs: member.readyNs, ns: cost.expertNs(layer.index, member.count / degree) })),
        );
        return chunkByChunk(degree, exchangeNs, startNs, inOrder);
      };
      const degrees = !exchanges ? [1] : overlap === 'adaptive' ? [1, 2, 4, 8] : [overlap];
      const degree = degrees.reduce((best, other) => (endAt(other) < endAt(best) ? other : best));
      nowNs = endAt(degree);
      events.push({
        layer: layer.index,
        endNs: nowNs,
        degree,
        demand: members.map((demand) => demand.map(({ id }) => id)),
        activations: members.map((demand) => demand.reduce((sum, member) => sum + member.count, 0)),
        hits: members.map((demand) => demand.filter(({ hit }) => hit).length),
      });
    }
    dense(pass, number, model.layers.length);
    nowNs += cost.passNs;
    passEndsNs.push(nowNs);
  }
  return { events, passEndsNs };
}

/** The lane on which a transfer starts first, the first of several. */
function earliestLane(free: readonly number[], startNs: number): number {
  const starts = free.map((ns) => Math.max(ns, startNs));
  return starts.indexOf(Math.min(...starts));
}
