// A regression of more than 12 % behind masks: what a pull request may change beside it, so that figures look as before. Real runs. No mask passes with exit 0 and without a warning; what changes no figure, or is better by choice, passes without one.

import { readFileSync } from 'node:fs';
import { describe, expect, it } from 'vitest';
import { EXIT, UserError } from '../../src/base/errors.js';
import { compareAll, type Gate } from '../../src/compare/gate.js';
import { simulate } from '../../src/engine/simulate.js';
import { type Budget, budgetFileSchema, budgetsOf } from '../../src/result/budget.js';
import { metric } from '../../src/result/catalogue.js';
import { sealed } from '../../src/result/digest.js';
import type { MetricName } from '../../src/result/metrics.js';
import { parseResult } from '../../src/result/read.js';
import type { Result } from '../../src/result/result.js';
import type { RunInput } from '../../src/system/door.js';
import { parseYaml } from '../support/yaml.js';

const MINI = 'mini-finegrained-64x12l';
/** The least that a gate may have: nothing but TPOT, so that a mask has to better that alone. */
const TEXT = `budgets:\n  - { metric: 'latency.tpot.*', max_regression: 1% }\n`;

/** A run as a JSON object; objects are joined, everything else replaces. */
type Input = Readonly<Record<string, unknown>>;

const BASE: Input = {
  trace: MINI,
  hardware: 't4',
  runtime: 'llama.cpp',
  found: 'none',
  memory: { expertCache: '25%' },
  workload: { tokens: 400 },
  system: { name: 'mine', cache: { policy: 'lfu' } },
};
/** What a pull request broke: +13.6 % of TPOT. */
const BROKEN: Input = { system: { cache: { policy: 'fifo' } } };

/** What `moeprof init` writes. */
const USUAL = readFileSync('profiles/init/budgets.yaml', 'utf8');
const TTFT = TEXT.replace('tpot', 'ttft');

const isPlain = (value: unknown): value is Input => typeof value === 'object' && value !== null && !Array.isArray(value);
const joined = (a: Input, b: Input): Input =>
  Object.fromEntries(
    [...new Set([...Object.keys(a), ...Object.keys(b)])].map((key) => {
      const [one, other] = [a[key], b[key]];
      return [key, !(key in b) ? one : isPlain(one) && isPlain(other) ? joined(one, other) : other];
    }),
  );

const runs = new Map<string, Promise<Result>>();
/** A finished run; equal inputs run once. */
function run(...parts: readonly Input[]): Promise<Result> {
  const input = parts.reduce(joined, BASE);
  const key = JSON.stringify(input);
  const known = runs.get(key) ?? simulate(input as RunInput);
  runs.set(key, known);
  return known;
}

function budgetsFrom(text: string, file = 'budgets.yaml'): Budget[] {
  const { budgets } = parseYaml(text, file, budgetFileSchema);
  return budgetsOf(budgets, (index) => `${file}:${index + 2}:5`);
}

/** What the gate says: its exit code, warnings, and message. */
function judged(work: () => Gate) {
  try {
    const gate = work();
    const findings = [...gate.faults, ...gate.comparisons.flatMap((comparison) => comparison.findings)];
    const of = (level: string): string[] => findings.filter((one) => one.level === level).map((one) => `${one.metric} ${one.message}`);
    return { code: gate.passed ? EXIT.ok : EXIT.gateFailed, warnings: of('warn'), says: [...of('error'), ...of('warn')].join('; ') };
  } catch (error) {
    if (!(error instanceof UserError)) throw error;
    return { code: error.exitCode, warnings: [], says: error.message };
  }
}

const gateOf = (base: Result, candidate: Result, budgets = USUAL): Gate =>
  compareAll({ label: 'main.json', result: base }, [{ label: 'pr.json', result: candidate }], budgetsFrom(budgets));

/** What hides the regression. */
interface Mask {
  /** What the candidate breaks, if it is not {@link BROKEN}. */
  readonly broken?: Input;
  /** Beside what is broken, in the candidate. */
  readonly with?: Input;
  /** In base and candidate. */
  readonly both?: Input;
  /** In the base alone. */
  readonly base?: Input;
  /** The candidate's file is edited. */
  readonly edited?: (text: string) => string;
  readonly budgets?: string;
  readonly code: number;
  readonly says: string;
}

const cache = (more: Input): Input => ({ system: { cache: more } });
const predictor = (kind: string, more: Input = {}): Input => ({ system: { predictor: { kind, ...more } } });
const memory = (more: Input): Input => ({ memory: more });
/** The same figures as the base, however it came to them. */
const edit = (change: (result: Result) => Result) => (text: string) => JSON.stringify(change(JSON.parse(text) as Result));
const without = (pattern: RegExp) =>
  edit((result) =>
    sealed({ ...result, metrics: Object.fromEntries(Object.entries(result.metrics).filter(([name]) => !pattern.test(name))) }),
  );

const MASKS: Readonly<Record<string, Mask>> = {
  'nothing at all': { code: 1, says: 'latency.tpot' },
  // What it knows.
  'a predictor that sees the future': { with: predictor('oracle'), code: 3, says: 'knowledge the past alone -> sees the future' },
  'a predictor that is spoiled a little': {
    with: predictor('oracle', { recall: 0.9, precision: 0.9 }),
    code: 3,
    says: 'knowledge the past alone -> sees the future',
  },
  'a stand-in for a published predictor': {
    with: predictor('gate:recall=0.95,source=arXiv'),
    code: 3,
    says: 'knowledge the past alone -> stand-in: published recall .95',
  },
  'a model that chooses ahead of time': { with: predictor('pre-gated'), code: 3, says: 'knowledge the past alone -> sees the future' },
  'a policy that sees the future': {
    with: cache({ policy: 'belady', scope: 'layer' }),
    code: 3,
    says: 'knowledge the past alone -> sees the future',
  },
  'a policy that sees some of the future': {
    with: cache({ policy: 'belady-window' }),
    code: 3,
    says: 'knowledge the past alone -> sees the future',
  },
  'an oracle that sees further': {
    both: predictor('oracle', { horizon: 1 }),
    with: predictor('oracle', { horizon: 'all' }),
    code: 3,
    says: 'knowledge.predictor.horizon 1 -> all',
  },
  'a policy beside an oracle': {
    both: predictor('oracle'),
    with: cache({ policy: 'belady' }),
    code: 3,
    says: '-> sees the future (predictor oracle); sees the future (cache.policy belady)',
  },
  'popularity of the replayed tokens': {
    with: cache({ policy: 'static:by=popularity', popularity: `${MINI}#2000:4000` }),
    code: 3,
    says: 'knowledge the past alone -> sees the future',
  },
  'a cache that was warmed by the replayed tokens': {
    with: cache({ warm: `${MINI}#2000:4000` }),
    code: 3,
    says: 'knowledge the past alone -> sees the future',
  },
  'a predictor that was taught the replayed tokens': {
    with: predictor('transition', { train: [MINI] }),
    code: 3,
    says: 'knowledge the past alone -> sees the future',
  },
  'a scheduler that knows the next paths': {
    both: { workload: { batch: 4 } },
    with: { system: { scheduler: { kind: 'expertflow', paths: 'next' } } },
    code: 3,
    says: 'knowledge the past alone -> sees the future',
  },
  'knowledge that is cut out of the file': {
    with: predictor('oracle'),
    edited: edit(({ knowledge: _, ...result }) => result),
    code: 2,
    says: 'its figures are not those that its digest was taken of',
  },
  'knowledge that is cut out with the digest': {
    with: predictor('oracle'),
    edited: edit(({ digest: _, knowledge: __, ...result }) => result),
    code: 3,
    says: 'knowledge the past alone -> not stated',
  },
  'budgets that let knowledge vary': {
    with: predictor('oracle'),
    budgets: `${TEXT}  - varies: [knowledge]\n`,
    code: 0,
    says: 'the past alone -> sees the future: figures are not of the same inputs',
  },
  // What it has.
  'a smaller cache, and nothing else': { broken: {}, with: memory({ expertCache: '20%' }), code: 1, says: 'latency.tpot' },
  'a larger cache': { with: memory({ expertCache: '35%' }), code: 3, says: 'memory.expertCache 20.3 MiB -> 28.4 MiB' },
  'a cache of all that fits': { with: memory({ expertCache: undefined }), code: 3, says: 'memory.expertCache 20.3 MiB -> 81.0 MiB' },
  'a larger cache in other words': {
    both: memory({ expertCache: '16/layer' }),
    with: memory({ expertCache: '22/layer' }),
    code: 3,
    says: 'memory.expertCache 20.3 MiB -> 27.8 MiB',
  },
  'a cache of its own': {
    base: memory({ expertCache: '25%' }),
    with: { memory: { expertCache: undefined }, system: { cache: { capacity: '40%' } } },
    code: 3,
    says: 'memory.expertCache 20.3 MiB -> 32.4 MiB',
  },
  'longer quotas': {
    both: cache({ scope: 'layer', quotas: Array(12).fill(16) }),
    with: { ...memory({ expertCache: '40%' }), system: { cache: { policy: 'fifo', quotas: Array(12).fill(24) } } },
    code: 3,
    says: 'system.cache.quotas 192 experts -> 288 experts',
  },
  'buffers beside the cache': {
    both: predictor('transition', { horizon: 2 }),
    broken: {},
    with: { system: { prefetch: { staging: '2 layers' } } },
    code: 0,
    says: 'memory.gpu.allocated 32.6 MiB -> 46.1 MiB (+41.4 %) is worse by 10 % or more',
  },
  'earlier text': {
    both: { workload: { holdOut: '40%', tokens: 120 }, ...cache({ policy: 'lru' }) },
    broken: {},
    with: cache({ warm: 1000 }),
    budgets: TTFT,
    code: 0,
    says: 'system.cache.warm - -> 1000: text before the run may hide a regression',
  },
  'earlier text for a predictor': {
    both: { workload: { holdOut: '40%', tokens: 120 }, ...predictor('transition') },
    broken: {},
    with: predictor('transition', { train: [`${MINI}#0:2000`] }),
    budgets: TTFT,
    code: 0,
    says: 'system.predictor.train [] -> ',
  },
  'KV caches in DRAM, for a larger cache': {
    both: {
      ...memory({ expertCache: undefined }),
      model: 'qwen3-30b-a3b',
      quantization: 'q8_0',
      trace: 'synthetic',
      hardware: 'rtx-4090',
      workload: { tokens: 64, context: 30000 },
    },
    with: memory({ kvIn: 'dram' }),
    code: 3,
    says: 'memory.kvIn gpu -> dram',
  },
  'KV caches of another format': { with: memory({ kvFormat: 'q4_0' }), code: 3, says: 'memory.kvFormat - -> q4_0' },
  'more DRAM for a cache of the SSD': {
    both: memory({ dramCache: '40%' }),
    with: memory({ dramCache: '80%' }),
    code: 3,
    says: 'memory.dramCache 0.4 -> 0.8',
  },
  // What it runs on.
  'another card': { with: { hardware: 'rtx-4090' }, code: 3, says: 'hardware t4 -> rtx-4090' },
  'another processor': {
    both: { hardware: 'rtx-3090+ryzen-5-5600x+2xddr4-3200+64GB' },
    with: { hardware: 'rtx-3090+ryzen-9-7950x+2xddr5-6000+64GB' },
    code: 3,
    says: 'hardware rtx-3090+ryzen-5-5600x',
  },
  'another slot': {
    both: { hardware: 'rtx-3090+ryzen-5-5600x+2xddr4-3200+64GB+pcie3x8' },
    with: { hardware: 'rtx-3090+ryzen-5-5600x+2xddr4-3200+64GB+pcie4x16' },
    code: 3,
    says: 'pcie3x8 -> rtx-3090',
  },
  'a fault that is gone': {
    base: { faults: [{ at: '0s', link: 'h2d', bandwidth: '50%' }] },
    code: 3,
    says: 'faults [{"at":0,"link":"h2d","bandwidth":0.5}] -> -',
  },
  'another runtime': { base: { runtime: 'hf-eager' }, code: 3, says: 'runtime hf-eager -> llama.cpp' },
  'no runtime': { with: { runtime: 'ideal' }, code: 3, says: 'runtime llama.cpp -> ideal' },
  // What it runs.
  'another part of the text': { with: { trace: `${MINI}#3000:` }, code: 3, says: 'trace.0.sha256' },
  'fewer tokens': { with: { workload: { tokens: 200 } }, code: 3, says: 'workload.tokens 400 -> 200' },
  'other text': { with: { model: MINI, trace: 'synthetic' }, code: 3, says: 'trace.0.sha256' },
  'another seed': { both: { model: MINI, trace: 'synthetic' }, with: { seed: 7 }, code: 3, says: 'seed 1 -> 7' },
  'a larger batch': { with: { workload: { batch: 8 } }, code: 3, says: 'workload.batch 1 -> 8' },
  'an easier context': { base: { workload: { context: 8000 } }, code: 3, says: 'workload.context 8000 -> -' },
  'shorter passes': { with: { workload: { maxTokensPerPass: 64 } }, code: 3, says: 'workload.maxTokensPerPass 512 -> 64' },
  'fewer choices': { with: { variants: 'top-k=4' }, code: 3, says: 'variants - -> ["top-k=4"]' },
  'tokens that skip layers': { with: { variants: ['skip=0.25'] }, code: 3, says: 'variants - -> ["skip=0.25"]' },
  'smaller weights': { with: { quantization: 'q4_0' }, code: 3, says: 'quantization bf16 -> q4_0' },
  'another replay': { with: { replay: 'sequential' }, code: 3, says: 'replay atomic -> sequential' },
  objectives: {
    both: { workload: { slo: 'tpot=2ms' } },
    with: { workload: { slo: 'tpot=20ms' } },
    code: 3,
    says: 'workload.slo tpot=2ms -> tpot=20ms',
  },
  'drafts that are always right': {
    both: memory({ expertCache: '100%' }),
    with: { workload: { speculation: { draft: 3, acceptance: 0.95 } } },
    code: 0,
    says: 'no drafts -> 0.95: acceptance is taken as said, not simulated',
  },
  // What it leaves out.
  'misses that are skipped': {
    with: { system: { onMiss: [{ do: 'skip', when: { phase: 'decode', gate: { by: 'rank', share: '>0.5' } } }, 'load'] } },
    code: 0,
    says: 'quality.skipped_rate 7.2 % is worse by 10 % or more',
  },
  'misses that others stand in for': {
    with: { system: { onMiss: [{ do: 'substitute', when: { phase: 'decode', gate: { by: 'rank', share: '>0.5' } } }, 'load'] } },
    code: 0,
    says: 'quality.degraded_rate 6.9 % is worse by 10 % or more',
  },
  'copies of a quarter of the bytes': {
    broken: {},
    with: { system: { onMiss: [{ do: 'low-precision', when: { phase: 'decode', gate: { by: 'rank', share: '>0.5' } } }, 'load'] } },
    code: 0,
    says: 'quality.degraded_rate 6.2 % is worse by 10 % or more',
  },
  'figures that are gone': { edited: without(/^latency\.tpot/), code: 1, says: 'latency.tpot.mean is missing in the candidate' },
  'figures that are edited': {
    edited: (text) => text.replaceAll(/"latency.tpot.mean":\{"value":\d+/g, '"latency.tpot.mean":{"value":1'),
    code: 2,
    says: 'its figures are not those that its digest was taken of',
  },
  // What judges it.
  'budgets of other figures': {
    budgets: `budgets:\n  - { metric: time.dense, max_regression: 1% }\n`,
    code: 0,
    says: 'latency.tpot.mean 2.32 ms -> 2.64 ms (+13.6 %) is worse by 10 % or more',
  },
  'loose budgets': {
    budgets: `budgets:\n  - { metric: 'latency.tpot.*', max_regression: 5% and 10s }\n`,
    code: 0,
    says: 'hardly any regression can break this: what is 10 times worse passes',
  },
  'budgets that are off': {
    budgets: `${TEXT}  - { metric: '*', level: off, reason: trust me }\n`,
    code: 0,
    says: 'is not looked at: trust me',
  },
  'budgets that only warn': {
    budgets: TEXT.replace('1% }', '1%, level: warn }'),
    code: 0,
    says: 'is worse by more than 1%',
  },
};

describe('a regression of 12 % is not hidden by', () => {
  it.each(Object.entries(MASKS))(
    '%s',
    async (_, { base = {}, both = {}, broken = BROKEN, budgets = TEXT, code, edited, says, with: mask = {} }) => {
      const [before, after] = [await run(both, base), await run(both, broken, mask)];
      const verdict = judged(() => {
        const candidate = edited === undefined ? after : parseResult(edited(JSON.stringify(after)), 'pr.json');
        return gateOf(before, candidate, budgets);
      });
      expect(verdict.says).toContain(says);
      expect(verdict.code).toBe(code);
      expect(code !== 0 || verdict.warnings.length > 0).toBe(true);
    },
  );
});

/** A harmless change: of the run, or of its file. */
interface Harmless {
  readonly both?: Input;
  readonly with?: Input;
  readonly edited?: (text: string) => string;
}

const shuffled = (value: unknown): unknown =>
  isPlain(value)
    ? Object.fromEntries(
        Object.entries(value)
          .reverse()
          .map(([key, inner]) => [key, shuffled(inner)]),
      )
    : value;

const HARMLESS: Readonly<Record<string, Harmless>> = {
  'a rerun': {},
  'a size with a decimal': { with: memory({ expertCache: '25.0%' }) },
  'a size in bytes': { with: memory({ expertCache: '21233664B' }) },
  'a trace by its path': { with: { trace: `profiles/traces/${MINI}.safetensors` } },
  'prose of the system': { with: { system: { cites: 'a paper', simplifies: 'a lot' } } },
  'a name of the system': { with: { system: { name: 'ours' } } },
  'no bounds': { with: { bounds: false } },
  'more bounds': { with: { found: 'all' } },
  'no audit': { with: { audit: 'off' } },
  'a batch of one, in writing': { with: { workload: { batch: 1 } } },
  'a scheduler, in writing': { with: { system: { scheduler: { kind: 'fcfs' } } } },
  'no predictor, in writing': { with: predictor('none', { horizon: 4, train: [] }) },
  'room for KV caches, in writing': { with: memory({ kvGrowth: 'static', kvIn: 'gpu' }) },
  'drafts of nothing': { with: { workload: { speculation: { draft: 0, acceptance: 0.9 } } } },
  'the model, in writing': { with: { model: MINI } },
  'the format of its weights, in writing': { with: { quantization: 'bf16' } },
  'objectives where there were none': { with: { workload: { slo: 'tpot=20ms' } } },
  'parts in another order': {
    both: { hardware: 'rtx-3090+ryzen-5-5600x+2xddr4-3200+64GB+pcie4x16' },
    with: { hardware: 'ryzen-5-5600x+rtx-3090+64GB+2xddr4-3200+pcie4x16' },
  },
  'budgets in the profile': { with: { budgets: [{ metric: 'latency.tpot.mean', limit: '<= 1s' }] } },
  'a better split of the cache': { with: cache({ scope: 'layer' }) },
  'a cache that is smaller by one expert': { with: memory({ expertCache: '24.87%' }) },
  'another machine that ran it': { edited: edit((result) => ({ ...result, environment: { node: 'v24.0.0', cpu: 'another' } })) },
  'another version of moeprof': { edited: edit((result) => ({ ...result, tool: { name: 'moeprof', version: '0.0.9' } })) },
  'fields in another order': { edited: (text) => JSON.stringify(shuffled(JSON.parse(text))) },
  'figures that rounding moved': {
    edited: edit((result) => {
      const moved = Object.entries(result.metrics).map(([name, { value }]) => [name, metric(name as MetricName, value * (1 + 1e-15))]);
      return sealed({ ...result, metrics: Object.fromEntries(moved) as Result['metrics'] });
    }),
  },
};

describe('a gate raises no false alarm for', () => {
  it.each(Object.entries(HARMLESS))('%s', async (_, { both = {}, edited, with: change = {} }) => {
    const [base, after] = [await run(both), await run(both, change)];
    const candidate = edited === undefined ? after : parseResult(edited(JSON.stringify(after)), 'pr.json');
    expect(judged(() => gateOf(base, candidate))).toEqual({ code: 0, warnings: [], says: '' });
  });
});

describe('what a run chooses is judged', () => {
  it('a smaller cache fails with its reasons: the size, the misses, the time', async () => {
    const [comparison] = gateOf(await run(), await run(memory({ expertCache: '20%' }))).comparisons;
    expect(comparison).toMatchObject({ inputs: [], passed: false });
    expect(comparison!.config).toEqual([{ path: 'memory.expertCache', base: '25%', candidate: '20%' }]);
    expect(comparison!.findings.map(({ metric }) => metric)).toEqual(
      expect.arrayContaining(['cache.hit_rate', 'latency.tpot.mean', 'transfer.on_demand.bytes_per_token']),
    );
    const { kinds, parts } = comparison!.explanation!;
    expect(kinds.find(({ name }) => name === 'misses')!.change).toBeGreaterThan(100);
    expect(parts[0]).toMatchObject({ name: 'stall' });
  });

  it.each<[what: string, both: Input, less: Input]>([
    ['less DRAM', memory({ dramCache: '80%' }), memory({ dramCache: '40%' })],
    ['layers on the CPU', { system: { cache: { policy: 'static:by=layer' }, onMiss: 'cpu' } }, memory({ gpuLayers: 6 })],
    ['KV caches in DRAM, beside a cache of the same size', {}, memory({ kvIn: 'dram' })],
  ])('%s', async (_, both, less) => {
    const budgets = TEXT.replace("'latency.tpot.*'", 'latency.tpot.mean');
    const [base, candidate] = [await run(both), await run(both, less)];
    expect(judged(() => gateOf(base, candidate, budgets))).toMatchObject({ code: 1, says: expect.stringContaining('latency.tpot.mean') });
    expect(judged(() => gateOf(candidate, base, budgets))).toMatchObject({
      code: 3,
      says: expect.stringContaining('run both with the same room'),
    });
  });
});
