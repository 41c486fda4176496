// Random runs against the laws, as their results alone show them. MOEPROF_RUNS=1000 npx vitest run --project unit
// test/attack/random-runs.test.ts makes the long run (MOEPROF_RUNS_SEED=n makes another one).
import { readFileSync } from 'node:fs';
import { describe, expect, it } from 'vitest';
import { UserError } from '../../src/base/errors.js';
import { simulate } from '../../src/engine/simulate.js';
import type { RunInput } from '../../src/system/run.js';
import { cases } from '../cases.js';
import { temporaryFolder } from '../trace/builders.js';
import { randomRun } from './random-runs.js';
import { brokenLaws, LAWS, type ResultJson } from './result-laws.js';

const RUNS = Number(process.env.MOEPROF_RUNS ?? cases(40));
const SEED = Number(process.env.MOEPROF_RUNS_SEED ?? 12);
/** Every so many runs are made twice. */
const TWICE = 5;
const folder = temporaryFolder();

/** A run as its file would hold it, but for what may differ between two of them. */
async function resultOf(run: RunInput): Promise<string> {
  const { environment: _environment, ...rest } = await simulate(run);
  return JSON.stringify(rest);
}

/** What is wrong with run `number`; null: it is refused. */
async function findingsOf(run: RunInput, number: number): Promise<string[] | null> {
  try {
    const result = await resultOf(run);
    const again = number % TWICE === 0 ? await resultOf(run) : result;
    return [...brokenLaws(JSON.parse(result) as ResultJson), ...(again === result ? [] : ['L16: the same run gives another result'])];
  } catch (error) {
    return error instanceof UserError ? null : [(error as Error).stack!];
  }
}

describe('random runs', () => {
  it(`${RUNS} of them keep the laws, or are refused`, { timeout: 60_000 + RUNS * 2000 }, async () => {
    const findings: string[] = [];
    let refused = 0;
    for (let number = 0; number < RUNS; number++) {
      const run = randomRun(SEED, number, folder);
      const found = await findingsOf(run, number);
      if (found === null) refused++;
      for (const finding of found ?? []) findings.push(`run ${number}: ${finding}\n${JSON.stringify(run)}`);
    }
    if (process.env.MOEPROF_RUNS !== undefined) console.log(`${RUNS} runs, ${refused} refused, ${findings.length} findings`);
    expect(findings).toEqual([]);
    expect(refused).toBeLessThan(0.7 * RUNS);
  });
});

/** Runs in whose results violations are planted. */
const HONEST: Readonly<Record<string, RunInput>> = {
  plain: { system: { name: 'plain' } },
  ahead: { system: { name: 'ahead', predictor: { kind: 'transition' } } },
  cpu: { system: { name: 'cpu', onMiss: 'cpu' }, memory: { expertCache: '0%' } },
  gpus: { system: { name: 'gpus' }, hardware: '2x-rtx-4090' },
  ssd: { system: { name: 'ssd' }, memory: { expertCache: '50%', dramCache: '75%' } },
  growing: { system: { name: 'growing' }, memory: { kvGrowth: 'grow' } },
  sequential: { system: { name: 'sequential' }, replay: 'sequential' },
  drafting: { system: { name: 'drafting' }, workload: { tokens: 500, speculation: { draft: 3, acceptance: 0.6, drafter: '10us' } } },
  resident: { system: 'all-resident', memory: {} },
  // Three tenths of an expert are no whole bytes.
  copies: {
    system: { name: 'copies', onMiss: [{ do: 'low-precision', copyBytes: 0.3, when: { gate: '>0.4' } }, 'load'] },
  },
};

/** A result that may be written to. */
interface Planted extends ResultJson {
  readonly metrics: Record<string, { value: number; unit: string }>;
  readonly perLayer: Record<string, number[]>;
  readonly bounds: Record<string, number | null>;
}

const honest = new Map<string, Promise<string>>();

/** The result of an honest run, of 500 recorded tokens, a copy of one's own. */
async function honestResult(name: string): Promise<Planted> {
  const run = { model: 'mini-mixtral-8x8l', trace: 'mini-mixtral-8x8l', memory: { expertCache: '50%' }, workload: { tokens: 500 } };
  if (!honest.has(name)) honest.set(name, resultOf({ ...run, ...HONEST[name] }));
  return JSON.parse(await honest.get(name)!) as Planted;
}

/** Adds to metrics. */
const add =
  (amount: number, ...names: string[]) =>
  ({ metrics }: Planted): void => {
    for (const name of names) metrics[name]!.value += amount;
  };

/** Multiplies metrics. */
const times =
  (factor: number, ...names: string[]) =>
  ({ metrics }: Planted): void => {
    for (const name of names) metrics[name]!.value *= factor;
  };

/** Adds to the first layer's figures. */
const addToLayer =
  (amount: number, ...names: string[]) =>
  ({ perLayer }: Planted): void => {
    for (const name of names) perLayer[name]![0]! += amount;
  };

/** A law, the run in whose result it is broken, and how. */
const PLANTS: readonly (readonly [law: string, run: string, plant: (result: Planted) => void])[] = [
  ['figures are what their units allow', 'plain', add(1, 'transfer.h2d.utilization')],
  ['figures are what their units allow', 'plain', times(-1, 'cache.hits')],
  ['figures are what their units allow', 'plain', add(0.5, 'cache.evictions')],
  ['figures are what their units allow', 'plain', addToLayer(0.5, 'onDemandBytes')],
  ['figures are what their units allow', 'plain', ({ perLayer }) => perLayer.hits!.pop()],
  ['figures are what their units allow', 'gpus', times(0.5, 'parallel.imbalance')],
  ['L1 demand is distinct experts of activations', 'plain', times(0.1, 'experts.activations')],
  ['L1 demand is distinct experts of activations', 'plain', add(1, 'experts.distinct')],
  ['L1 demand is distinct experts of activations', 'plain', addToLayer(1e6, 'events')],
  ['L1 demand is distinct experts of activations', 'sequential', add(1, 'experts.activations')],
  ['L2 every member is judged once', 'plain', addToLayer(1, 'hits')],
  ['L2 every member is judged once', 'plain', add(1, 'cache.misses')],
  ['layers and phases add up to the run', 'plain', addToLayer(1, 'evictions')],
  ['layers and phases add up to the run', 'plain', add(1, 'cache.streamed')],
  ['layers and phases add up to the run', 'plain', add(1, 'experts.activations.decode')],
  ['rates are counts over counts', 'plain', times(1.01, 'cache.hit_rate')],
  ['rates are counts over counts', 'plain', times(0.99, 'cache.miss_rate.decode')],
  ['rates are counts over counts', 'plain', times(1.01, 'throughput.total')],
  ['rates are counts over counts', 'plain', times(0.99, 'share.stall')],
  ['rates are counts over counts', 'plain', times(0.99, 'transfer.h2d.bytes_per_token')],
  ['rates are counts over counts', 'ahead', times(0.99, 'prefetch.precision')],
  ['rates are counts over counts', 'ahead', times(0.99, 'prefetch.recall')],
  ['layers and phases add up to the run', 'plain', times(1.01, 'time.stall.decode')],
  ['L21 each phase has one speed', 'plain', times(1.01, 'speed.decode')],
  ['L21 each phase has one speed', 'plain', ({ metrics }) => delete metrics['speed.prefill']],
  ['drafted tokens are accepted or rejected', 'drafting', add(1, 'speculation.rejected')],
  ['drafted tokens are accepted or rejected', 'drafting', times(0.5, 'speculation.wasted_activations')],
  ['drafted tokens are accepted or rejected', 'drafting', times(0.3, 'speculation.tokens_per_pass')],
  ['drafted tokens are accepted or rejected', 'drafting', add(1000, 'speculation.redone')],
  ['drafted tokens are accepted or rejected', 'drafting', times(1000, 'speculation.draft_time')],
  ['L19 floor, best found and run ascend', 'plain', times(5, 'bound.floor.tpot')],
  ['L19 floor, best found and run ascend', 'plain', times(5, 'bound.found.tpot')],
  ['L8 what is loaded crosses the link', 'ahead', add(1, 'transfer.h2d.count')],
  ['L8 what is loaded crosses the link', 'ahead', add(1, 'transfer.prefetch.count')],
  ['L8 what is loaded crosses the link', 'ahead', times(0.5, 'transfer.h2d.bytes')],
  ['L8 what is loaded crosses the link', 'plain', addToLayer(786432, 'onDemandBytes')],
  ['L8 misses are loaded, computed or skipped', 'plain', add(-1, 'transfer.on_demand.count', 'transfer.h2d.count')],
  ['L8 misses are loaded, computed or skipped', 'cpu', add(1, 'transfer.on_demand.count', 'transfer.h2d.count')],
  ['L8 every prefetch has one fate', 'ahead', add(1, 'prefetch.pending')],
  ['L8 every prefetch has one fate', 'ahead', add(1e6, 'prefetch.wasted', 'transfer.prefetch.count')],
  ['L8 every prefetch has one fate', 'plain', add(1, 'cache.late')],
  ['L8 bytes are whole experts, and residents fit', 'plain', addToLayer(1, 'onDemandBytes')],
  ['L8 bytes are whole experts, and residents fit', 'ahead', addToLayer(786432, 'prefetchBytes')],
  ['L8 bytes are whole experts, and residents fit', 'ahead', add(786432, 'prefetch.wasted_bytes')],
  ['L8 bytes are whole experts, and residents fit', 'plain', times(0.5, 'cache.evictions')],
  ['L8 bytes are whole experts, and residents fit', 'plain', times(2, 'cache.evictions')],
  ['L8 memory has a most and a least', 'plain', times(2, 'memory.gpu.expert_cache')],
  ['L8 memory has a most and a least', 'growing', times(2, 'memory.gpu.expert_cache_mean')],
  ['L8 memory has a most and a least', 'plain', add(1e12, 'memory.gpu.kv_peak')],
  ['L14 DRAM is read into before it is read', 'ssd', times(0, 'transfer.ssd.count')],
  ['L14 DRAM is read into before it is read', 'ssd', times(100, 'transfer.ssd.bytes')],
  ['L9 the parts of time add up', 'plain', times(1.001, 'time.dense')],
  ['L9 the parts of time add up', 'plain', times(0.999, 'time.total')],
  ['L9 the parts of time add up', 'plain', addToLayer(1e6, 'stallNs')],
  ['L9 the parts of time add up', 'plain', addToLayer(1e9, 'denseNs')],
  ['L9 the parts of time add up', 'plain', add(1e6, 'time.cpu')],
  ['L9 the parts of time add up', 'resident', add(1e6, 'time.stall')],
  ['L9 passes are whole', 'plain', times(1.0001, 'latency.pass.mean')],
  ['L9 passes are whole', 'plain', addToLayer(2, 'events')],
  ['percentiles ascend', 'plain', times(0.1, 'latency.pass.p95')],
  ['percentiles ascend', 'plain', times(0.1, 'latency.request.mean')],
  ['percentiles ascend', 'plain', add(1e12, 'latency.queueing.p99')],
  ['L15 all resident is fastest', 'plain', times(0.1, 'latency.tpot.mean')],
  ['L15 all resident is fastest', 'plain', ({ bounds }) => void (bounds.noCacheTpotNs = bounds.allResidentTpotNs! / 2)],
  ['L15 Belady hits most', 'plain', ({ bounds, metrics }) => void (bounds.beladyHitRate = metrics['cache.hit_rate']!.value * 0.99)],
  ['L15 Belady hits most', 'plain', ({ bounds }) => void (bounds.beladyHitRate = 1)],
  [
    'L15 the first use of an expert brings it',
    'plain',
    ({ bounds, metrics }) => void (bounds.compulsoryMisses = metrics['cache.misses']!.value + 1),
  ],
  ['L15 bounds are told as metrics', 'plain', times(1.01, 'bound.token_cycle')],
  ['L15 bounds are told as metrics', 'plain', times(0.9, 'headroom.hit_rate')],
  ['GPUs lie around their mean', 'gpus', times(0.5, 'parallel.hit_rate.max')],
  ['GPUs lie around their mean', 'gpus', times(3, 'parallel.event_imbalance')],
];

describe('the checker', () => {
  it('imports nothing', () => {
    expect(readFileSync(new URL('./result-laws.ts', import.meta.url), 'utf8')).not.toMatch(/^import|\bimport\(|\brequire\(/m);
  });

  it.each(Object.keys(HONEST))('finds nothing in an honest result: %s', async (name) => {
    expect(brokenLaws(await honestResult(name))).toEqual([]);
  });

  it('has a violation planted of each law', () => {
    expect([...new Set(PLANTS.map(([law]) => law))].sort()).toEqual(Object.keys(LAWS).sort());
  });

  it.each(PLANTS.map(([law, run, plant], number) => [number, law, run, plant] as const))(
    'catches plant %i: %s, of %s',
    async (_number, law, run, plant) => {
      const result = await honestResult(run);
      plant(result);
      expect(brokenLaws(result).join('\n')).toContain(`${law}: `);
    },
  );
});
