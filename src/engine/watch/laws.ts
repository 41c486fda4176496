import { InternalError } from '../../base/errors.js';
import { env } from '../../base/host/process.js';
import { sum } from '../../base/statistics.js';
import type { SimulatedGpu, Simulation } from '../compose/simulation.js';
import type { RunPlan } from '../plan/run-plan.js';
import { IDLE } from '../transfer/link.js';
import type { Latencies } from './latency.js';
import type { Meters } from './meters.js';

/** Relative tolerance between sums of times: additions round by up to 2^-53 of the clock, up to 10^9 times a run. */
const ROUNDING = 1e-6;

/** Metrics resting on a law's subject, and a name in a sentence. */
const RESTING = {
  judgements: { metrics: /^(cache|experts|quality|rerank|headroom)\.|^bound\.belady\.hit_rate$/, words: 'hits and misses' },
  transfers: { metrics: /^(transfer|prefetch|switch)\.|^memory\.(gpu|dram)\.peak$/, words: 'transfers, prefetches and peaks of memory' },
  times: { metrics: /^(time\.(dense|compute|stall|cpu|all_to_all)|share\.)/, words: 'the parts of the time' },
  links: { metrics: /^transfer\./, words: 'transfers' },
  resident: { metrics: /^(bound\.all_resident|headroom)\./, words: 'the time with all resident, and headroom' },
  belady: { metrics: /^(bound\.belady\.hit_rate|headroom\.hit_rate)$/, words: 'the hits of Belady, and headroom' },
  floor: { metrics: /^bound\.floor\./, words: 'the floor' },
} as const;

/** A broken law, a bug in moeprof: its numbers, and dependent figures. */
export interface BrokenLaw {
  readonly law: string;
  readonly what: string;
  readonly rests: keyof typeof RESTING;
}

/** Metrics resting on a broken law's subject. */
export const restingOn = ({ rests }: BrokenLaw): (typeof RESTING)[keyof typeof RESTING] => RESTING[rests];

/** Laws of docs/semantics.md broken by a run: no known case. @throws InternalError for the first if {@link throwing} */
export function brokenLaws({ run }: Pick<RunPlan, 'run'>, simulation: Simulation, { latencies }: Pick<Meters, 'latencies'>): BrokenLaw[] {
  const broken: BrokenLaw[] = [];
  const must: Must = (holds, law, rests, what) => {
    if (holds) return;
    if (throwing()) throw new InternalError(law, what());
    broken.push({ law, what: what(), rests });
  };
  const passNs = latencies.pass.values().reduce((all, ns) => all + ns, 0);
  checkJudgements(must, simulation);
  checkTransfers(must, simulation);
  checkTime(must, simulation, passNs);
  checkBandwidth(must, simulation);
  checkCosts(must, simulation, latencies.pass.values().length);
  checkFloor(must, simulation, latencies, passNs);
  if (run.bounds) checkBelady(must, simulation);
  return broken;
}

/** True: a broken law ends the run (tests, scripts, --debug); else the result lacks dependent figures (L30). */
const throwing = (): boolean => env.MOEPROF_LAWS === 'throw';

type Must = (holds: boolean, law: string, rests: keyof typeof RESTING, what: () => string) => void;

/** L2: every member is a hit, late or a miss; layers and phases agree. */
function checkJudgements(must: Must, { recorder: { layers, phases } }: Simulation): void {
  for (let layer = 0; layer < layers.demanded.length; layer++) {
    const judged = layers.hits[layer]! + layers.late[layer]! + layers.misses[layer]!;
    must(
      judged === layers.demanded[layer],
      'L2',
      'judgements',
      () => `layer ${layer} demanded ${layers.demanded[layer]} experts and judged ${judged}`,
    );
  }
  for (const name of ['demanded', 'hits', 'late', 'misses', 'evictions', 'streamed'] as const) {
    const byLayer = sum(layers[name]);
    const byPhase = phases[0][name] + phases[1][name];
    must(byLayer === byPhase, 'L2', 'judgements', () => `layers count ${byLayer} ${name}, phases ${byPhase}`);
  }
}

/** L8: every miss was loaded, computed or skipped, every prefetch has a fate, capacities hold. */
function checkTransfers(must: Must, { copies, gpus, recorder }: Simulation): void {
  const { cpuExperts, layers, sharedExperts, takenOver, prefetchLate, prefetchUseful, prefetchWasted, skippedExperts, substitutedExperts } =
    recorder;
  const misses = sum(layers.misses);
  const loads = total(gpus, ({ gpu }) => gpu.link.demands);
  const copyHits = copies.reduce((hits, pool) => hits + pool.hits, 0);
  must(
    loads + cpuExperts - sharedExperts - takenOver + copyHits + skippedExperts + substitutedExperts === misses,
    'L8',
    'transfers',
    () => `${misses} misses, ${loads} loads, ${cpuExperts} on the CPU`,
  );
  const started = total(gpus, ({ gpu }) => gpu.link.prefetches);
  const pending = total(gpus, ({ gpu }) => sum(gpu.unused));
  const known = prefetchUseful + prefetchLate + prefetchWasted + pending;
  must(started === known, 'L8', 'transfers', () => `${started} prefetches started, ${known} useful, late, wasted or pending`);
  const pools = [...copies, ...gpus.flatMap(({ dram, gpu }) => (dram === null ? [gpu] : [gpu, dram]))];
  for (const { capacityBytes, usedBytes } of pools.flatMap(({ caches }) => caches))
    must(usedBytes <= capacityBytes, 'L8', 'transfers', () => `a cache of ${capacityBytes} bytes holds ${usedBytes}`);
}

/** L9, L10: a GPU's work adds up, links keep to their lanes, nothing beats all resident. */
function checkTime(must: Must, { bounds, engine, gpus, parallel, recorder }: Simulation, passNs: number): void {
  const { computeNs, denseNs, stallNs } = recorder.layers;
  const spentNs = sum(denseNs) + recorder.tailNs + (sum(computeNs) + sum(stallNs)) / gpus.length + (parallel?.exchangeNs ?? 0);
  must(Math.abs(spentNs - passNs) <= ROUNDING * passNs, 'L9', 'times', () => `passes took ${passNs} ns, their parts add up to ${spentNs}`);
  for (const { dram, gpu } of gpus) {
    for (const link of dram === null ? [gpu.link] : [gpu.link, dram.link]) {
      const busyNs = link.busyBy(engine.nowNs);
      const mostNs = link.lanes * engine.nowNs * (1 + ROUNDING);
      must(busyNs <= mostNs, 'L10', 'links', () => `${link.name} was busy for ${busyNs} ns of ${engine.nowNs} on ${link.lanes} lanes`);
    }
  }
  if (recorder.cpuExperts + recorder.skippedExperts + recorder.substitutedExperts > 0) return;
  must(
    bounds.allResidentNs <= passNs * (1 + ROUNDING),
    'L15',
    'resident',
    () => `${passNs} ns are less than ${bounds.allResidentNs} with all experts resident`,
  );
}

/** L20: links deliver at most their bandwidth, CPU queues work at most the elapsed time. */
function checkBandwidth(must: Must, { engine: { nowNs }, gpus, recorder }: Simulation): void {
  for (const { dram, gpu, sizes } of gpus) {
    for (const link of dram === null ? [gpu.link] : [gpu.link, dram.link]) {
      const { bandwidth, demandBytes, name, placed, prefetchBytes, prefetchEndNs, prefetching } = link;
      let bytes = demandBytes + prefetchBytes;
      for (const [lane, id] of prefetching.entries()) if (id !== IDLE && prefetchEndNs[lane]! > nowNs) bytes -= sizes[id]!;
      for (const { endNs, id } of placed.all) if (endNs > nowNs) bytes -= sizes[id]!;
      const most = (bandwidth / 1e9) * nowNs * (1 + ROUNDING);
      must(bytes <= most, 'L20', 'links', () => `${name} delivered ${bytes} bytes in ${nowNs} ns, and its bandwidth allows ${most}`);
    }
  }
  const { cpuQueues } = gpus[0]!.cost;
  const workedNs = sum(recorder.layers.cpuNs);
  const mostNs = gpus.length * cpuQueues * nowNs * (1 + ROUNDING);
  must(workedNs <= mostNs, 'L20', 'times', () => `the CPU worked for ${workedNs} ns of ${nowNs} in ${cpuQueues} queues`);
}

/** L22: every pass has the runtime's cost of a pass. */
function checkCosts(must: Must, { gpus, recorder }: Simulation, passes: number): void {
  const chargedNs = passes * gpus[0]!.cost.passNs;
  must(
    chargedNs <= recorder.tailNs * (1 + ROUNDING),
    'L22',
    'times',
    () => `${passes} passes take ${chargedNs} ns, and ${recorder.tailNs} were charged`,
  );
}

/** L19: no pass or request beats its floor, within the clock's resolution at `nowNs`. */
function checkFloor(
  must: Must,
  { bounds: { floor }, engine: { nowNs } }: Simulation,
  { tpot, tpotFloor }: Latencies,
  passNs: number,
): void {
  if (floor === null) return;
  const floorNs = floor.sinceNs(null);
  must(floorNs <= passNs * (1 + ROUNDING), 'L19', 'floor', () => `${passNs} ns are less than the floor of ${floorNs}`);
  const tpots = tpot.values();
  for (const [request, ns] of tpotFloor.values().entries())
    must(
      ns <= tpots[request]! * (1 + ROUNDING) + 4 * Number.EPSILON * nowNs,
      'L19',
      'floor',
      () => `request ${request} takes ${tpots[request]} ns a token, less than the floor of ${ns}`,
    );
}

/** L15: without prefetch, no policy hits more than Belady. */
function checkBelady(must: Must, { gpus, predictor, recorder }: Simulation): void {
  // An expert missed and promoted between two uses frees its slot until then; in MIN its slot stays taken.
  if (predictor !== null || recorder.promoted > 0) return;
  const hits = sum(recorder.layers.hits);
  const most = total(gpus, (gpu) => gpu.boundHits());
  must(hits <= most, 'L15', 'belady', () => `${hits} hits are more than ${most} of Belady`);
}

const total = (gpus: readonly SimulatedGpu[], of: (gpu: SimulatedGpu) => number): number => gpus.reduce((all, gpu) => all + of(gpu), 0);
