// Small whole-number worlds for engine tests: every duration is a whole number of nanoseconds, so that two simulators agree exactly or
// not at all. `scenarios` draws them for fast-check.
import fc from 'fast-check';
import { Random } from '../../src/base/random.js';
import type { Scope } from '../../src/cache/scope.js';
import type { PrefetchLimits } from '../../src/engine/lookahead/setup.js';
import type { HardwareSpec, LinkSpec } from '../../src/hardware/spec.js';
import type { ExpertSplit } from '../../src/model/projections.js';
import type { ModelSpec, MoeLayer } from '../../src/model/spec.js';
import type { SpeculationSpec } from '../../src/schedule/speculation.js';
import type { MissAction } from '../../src/system/actions.js';
import { type Replay, WHEN_FULL } from '../../src/system/choices.js';
import type { Fault } from '../../src/system/faults.js';
import { type MissRule, ruleOf } from '../../src/system/miss-rules.js';
import { NULL_EXPERT } from '../../src/trace/trace.js';

/** What one token chose: `[layer][rank]`, expert within its layer, NULL_EXPERT = none. */
export type TokenChoices = readonly (readonly number[])[];

/** A predictor that says what it is told to, so that the reference can say the same. */
export interface Script {
  readonly limits: PrefetchLimits;
  /** Time of a prediction, and of each expert that it scores for each of the first two tokens of a pass. Absent: 0. */
  readonly costNs: number;
  readonly expertNs?: number;
  /** True: it is asked after each step of drafting. */
  readonly drafts?: true;
  /** Score of dense id `id` in the pass after `pass`; present: prefetches must pay, by what is learned of next uses from nothing. Absent: none. */
  readonly next?: (pass: number, id: number) => number;
  /** Score of dense id `id` in pass `pass` (1-based) when layers up to `after` are known and `drafted` steps taken; exact in 32 bits. */
  readonly score: (pass: number, after: number, id: number, drafted: number) => number;
}

/** Everything that a run of the engine depends on. */
export interface Scenario {
  readonly model: ModelSpec;
  readonly hardware: HardwareSpec;
  /** Passes of tokens, all of one request. */
  readonly passes: readonly (readonly TokenChoices[])[];
  readonly topK: number;
  readonly policy: string;
  readonly capacityBytes: number;
  readonly scope: Scope;
  /** DRAM as an LRU cache of the SSD; null: it holds everything. */
  readonly dram: { readonly policy: string; readonly capacityBytes: number } | null;
  readonly exclusive: boolean;
  /** A word, or rules. */
  readonly onMiss: MissAction | readonly MissRule[];
  /** Pieces that an expert can be cut into; absent: one. */
  readonly pieces?: number;
  readonly replay: Replay;
  readonly script: Script | null;
  /** Low-precision copies that stay, out of `capacityBytes`; absent: none do. */
  readonly copies?: { readonly share: number; readonly policy: string; readonly scope: Scope; readonly additive: boolean };
  /** Share of an expert's bytes that each token of the run is content with, 1: all; tokens of one share are a class. Absent: nobody asks. */
  readonly contents?: readonly number[];
  /** Buffers that prefetches land in; absent or 0: they take slots of the cache. */
  readonly staging?: number;
  /** A layer whose experts lie on the CPU and on the GPU, a part of each; absent: none. */
  readonly split?: ExpertSplit;
  /** Of links and CPU; absent: nothing goes wrong. */
  readonly faults?: readonly Fault[];
  /** Absent: passes are as they stand. Present: their tokens are those of one request that decodes, drafted and verified. */
  readonly speculation?: SpeculationSpec;
}

/** What becomes of a miss, as rules. */
export function rulesOf({ onMiss }: Pick<Scenario, 'onMiss'>): readonly MissRule[] {
  return typeof onMiss === 'string' ? [ruleOf(onMiss)] : onMiss;
}

/** One MoE layer of a whole-number model: sizes in bytes, times in ns. */
export interface LayerTimes {
  readonly experts: number;
  readonly bytes: number;
  /** Arithmetic of one activation on the GPU. */
  readonly activationNs: number;
  /** Dense work before the layer. */
  readonly denseNs: number;
}

/** A model that takes 1 ns per byte of weights on {@link wholeMachine}. The tail after the last layer takes `tailNs`. */
export function wholeModel(layers: readonly LayerTimes[], topK: number, tailNs: number): ModelSpec {
  let offset = 0;
  const moe = layers.map((layer, index): MoeLayer => {
    const one = {
      index,
      experts: layer.experts,
      topK: Math.min(topK, layer.experts),
      expertBytes: layer.bytes,
      flopsPerToken: layer.activationNs,
      offset,
    };
    offset += layer.experts;
    return one;
  });
  const segments = [...layers.map(({ denseNs }) => denseNs), tailNs].map((weightBytes) => ({
    weightBytes,
    flopsPerToken: 0,
    attention: [],
  }));
  const dense = { segments, weightBytes: segments.reduce((sum, { weightBytes }) => sum + weightBytes, 0), kvBytesPerToken: 0 };
  return { name: 'whole', quantization: 'none', hidden: 0, layers: moe, dense, experts: offset, parameters: { total: 0, active: 0 } };
}

/** A link of `nsPerByte` (1, 2, 4: exact in binary) on each lane. */
export function wholeLink(name: LinkSpec['name'], nsPerByte: number, latencyNs = 0, lanes = 1, chunkBytes: number | null = null): LinkSpec {
  return { name, bandwidth: (1e9 * lanes) / nsPerByte, latencyNs, lanes, chunkBytes };
}

/** GPU: 1 ns per byte and per operation; CPU: 2 ns per byte, 4 ns per operation. */
export function wholeMachine(
  links: readonly LinkSpec[],
  { launchNs = 0, passNs = 0, handoverNs = 0, cpu = true }: { launchNs?: number; passNs?: number; handoverNs?: number; cpu?: boolean } = {},
): HardwareSpec {
  const device = { computeFraction: 1, bandwidthFraction: 1, launchNs, perLayerNs: 0, perPassNs: passNs };
  const names = ['gpu', 'dram', 'ssd'] as const;
  return {
    name: 'whole',
    tiers: names.slice(0, links.length + 1).map((name) => ({ name, bytes: 1e12 })),
    links,
    gpu: { ...device, peakFlops: 1e9, memoryBandwidth: 1e9 },
    cpu: cpu ? { ...device, peakFlops: 0.25e9, memoryBandwidth: 0.5e9, handoverNs } : null,
  };
}

/** Routing drawn from a seed: each token repeats much of the token before it, and now and then chooses nothing. */
export function drawPasses(model: ModelSpec, topK: number, tokensPerPass: readonly number[], seed: number): TokenChoices[][] {
  const random = new Random(seed, 'test/routing');
  let last: number[][] = model.layers.map(() => []);
  return tokensPerPass.map((tokens) =>
    Array.from({ length: tokens }, () => {
      last = model.layers.map(({ experts }, layer) => {
        const row: number[] = [];
        for (let rank = 0; rank < topK; rank++) {
          const repeated = last[layer]![rank];
          const wanted = repeated !== undefined && random.next() < 0.4 ? repeated : random.below(experts);
          const none = rank >= experts || random.next() < 0.15 || row.includes(wanted);
          row.push(none ? NULL_EXPERT : wanted);
        }
        return row;
      });
      return last;
    }),
  );
}

/** Scores drawn from a seed, half of them pulled towards the truth; multiples of 1/8, with many ties. */
export function drawScript(passes: readonly (readonly TokenChoices[])[], model: ModelSpec, seed: number): Script['score'] {
  return (pass, after, id) => {
    const layer = model.layers.find(({ offset, experts }) => id >= offset && id < offset + experts)!;
    const random = new Random(seed, `test/score/${pass}/${after}/${id}`);
    const used = passes[pass - 1]!.some((token) => token[layer.index]!.includes(id - layer.offset));
    const eighth = random.below(8);
    return (used && random.next() < 0.6 ? Math.max(eighth, 5) : eighth) / 8;
  };
}

const link = fc.record({
  nsPerByte: fc.constantFrom(1, 2, 4),
  latencyNs: fc.integer({ min: 0, max: 30 }),
  lanes: fc.integer({ min: 1, max: 3 }),
  chunkBytes: fc.option(fc.integer({ min: 1, max: 12 }), { nil: null }),
});

const everything = { min: -Infinity, max: Infinity, above: -Infinity, below: Infinity };
const range = fc
  .record({ side: fc.constantFrom('min', 'max', 'above', 'below'), value: fc.integer({ min: 1, max: 4 }) })
  .map(({ side, value }) => ({ ...everything, [side]: value }));

const rule: fc.Arbitrary<MissRule> = fc
  .record({
    one: fc.constantFrom<Pick<MissRule, 'do' | 'admit'>>(
      { do: 'load', admit: 'policy' },
      { do: 'load', admit: 'always' },
      { do: 'cpu', admit: 'never' },
      { do: 'cpu', admit: 'background' },
      { do: 'cpu', admit: 'background' },
      { do: 'cheaper', admit: 'policy' },
      { do: 'cheaper', admit: 'always' },
      { do: 'cheaper', admit: 'background' },
      { do: 'static', admit: 'never' },
      { do: 'substitute', admit: 'never' },
      { do: 'substitute', admit: 'background' },
      { do: 'skip', admit: 'never' },
      { do: 'skip', admit: 'background' },
      { do: 'low-precision', admit: 'never' },
      { do: 'low-precision', admit: 'background' },
    ),
    after: fc.integer({ min: 1, max: 3 }),
  })
  .map(({ after, one }) => ({ ...ruleOf(one.do), ...one, after, ...(one.do === 'low-precision' ? { copyBytes: 0.5 } : {}) }));

const condition = fc
  .record({
    phase: fc.constantFrom('prefill' as const, 'decode' as const, null, null),
    tokens: fc.option(range),
    pass: fc.option(range),
    misses: fc.option(range),
    gate: fc.option(fc.constantFrom(0, 0.25, 0.4, 0.6).map((above) => ({ by: 'rank' as const, share: { ...everything, above } }))),
  })
  .map(({ misses, ...others }) => (misses === null ? others : { ...others, misses }));

/** One to three rules, of which the last always holds. */
const rules: fc.Arbitrary<readonly MissRule[]> = fc
  .tuple(fc.array(fc.tuple(rule, condition), { maxLength: 2 }), rule)
  .map(([first, last]) => [
    ...first.map(([one, when]) => ({ ...one, when: one.do === 'substitute' && when.phase === null ? null : when })),
    last.do === 'substitute' ? ruleOf('load') : last,
  ]);

/** Draws whole scenarios. */
export const scenarios: fc.Arbitrary<Scenario> = fc
  .record({
    layers: fc.array(
      fc.record({
        experts: fc.integer({ min: 1, max: 6 }),
        bytes: fc.constantFrom(10, 10, 10, 16, 25),
        activationNs: fc.integer({ min: 0, max: 12 }),
        denseNs: fc.integer({ min: 0, max: 60 }),
      }),
      { minLength: 1, maxLength: 5 },
    ),
    topK: fc.integer({ min: 1, max: 3 }),
    tokensPerPass: fc.array(fc.integer({ min: 1, max: 4 }), { minLength: 1, maxLength: 8 }),
    seed: fc.integer(),
    share: fc.integer({ min: 0, max: 8 }),
    policy: fc.constantFrom('lru', 'lru', 'fifo', 'lfu', 'belady', 'belady-admit', 'static:by=layer'),
    scope: fc.constantFrom<Scope>('global', 'layer'),
    h2d: link,
    ssd: link,
    dram: fc.option(fc.record({ policy: fc.constantFrom('lru', 'fifo', 'lfu'), share: fc.integer({ min: 0, max: 8 }) }), { nil: null }),
    exclusive: fc.boolean(),
    onMiss: fc.oneof(
      { weight: 2, arbitrary: fc.constantFrom<MissAction>('load', 'load', 'load', 'cpu', 'cheaper', 'balance', 'static') },
      { weight: 1, arbitrary: rules },
    ),
    replay: fc.constantFrom<Replay>('atomic', 'atomic', 'atomic', 'sequential'),
    launchNs: fc.integer({ min: 0, max: 5 }),
    handoverNs: fc.integer({ min: 0, max: 25 }),
    script: fc.option(
      fc.record({
        horizon: fc.integer({ min: 1, max: 5 }),
        correction: fc.boolean(),
        minProbability: fc.constantFrom(0, 0.25, 0.5, 0.75),
        perLayer: fc.integer({ min: 1, max: 6 }),
        costNs: fc.constantFrom(0, 0, 7, 45),
        expertNs: fc.constantFrom(0, 0, 1, 2),
        whenFull: fc.constantFrom(...WHEN_FULL),
        cancel: fc.constantFrom(true, true, false),
        staging: fc.constantFrom(0, 0, 1, 2, 4),
      }),
      { nil: null, freq: 4 },
    ),
  })
  .map((draw) => {
    const model = wholeModel(draw.layers, draw.topK, 20);
    const total = model.layers.reduce((sum, { experts, expertBytes }) => sum + experts * expertBytes, 0);
    const { nsPerByte, latencyNs, lanes, chunkBytes } = draw.h2d;
    const links = [wholeLink('h2d', nsPerByte, latencyNs, lanes, chunkBytes)];
    if (draw.dram !== null) {
      links.push(wholeLink('ssd', draw.ssd.nsPerByte, draw.ssd.latencyNs, draw.ssd.lanes, draw.ssd.chunkBytes));
    }
    const passes = drawPasses(model, draw.topK, draw.tokensPerPass, draw.seed);
    return {
      model,
      hardware: wholeMachine(links, { launchNs: draw.launchNs, handoverNs: draw.handoverNs, passNs: 9 }),
      passes,
      topK: draw.topK,
      policy: draw.policy,
      capacityBytes: Math.floor((total * draw.share) / 8),
      scope: draw.scope,
      dram: draw.dram === null ? null : { policy: draw.dram.policy, capacityBytes: Math.floor((total * draw.dram.share) / 8) },
      exclusive: draw.exclusive,
      onMiss: draw.onMiss,
      replay: draw.replay,
      staging: draw.onMiss === 'balance' ? 0 : (draw.script?.staging ?? 0),
      script:
        draw.script === null
          ? null
          : {
              limits: {
                horizon: draw.script.horizon,
                correction: draw.script.correction,
                minProbability: draw.script.minProbability,
                perLayer: draw.script.perLayer,
                whenFull: draw.script.whenFull,
                cancel: draw.script.cancel,
              },
              costNs: draw.script.costNs,
              expertNs: draw.script.expertNs,
              score: drawScript(passes, model, draw.seed),
            },
    };
  });
