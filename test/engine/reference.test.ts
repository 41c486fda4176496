// The engine against a second simulator of the same laws, on random small worlds: every count, every transfer, every start and end.
import { isDeepStrictEqual } from 'node:util';
import fc from 'fast-check';
import { describe, expect, it, vi } from 'vitest';
import { Random } from '../../src/base/random.js';
import type { Anatomy } from '../../src/model/anatomy.js';
import { ROLLBACKS } from '../../src/schedule/speculation.js';
import { type MissRule, ruleOf, withCopies } from '../../src/system/miss-rules.js';
import { cases } from '../cases.js';
import { simulateByEngine } from './harness.js';
import type { Outcome } from './outcome.js';
import { simulateByTheBook } from './reference.js';
import { type Scenario, type Script, scenarios } from './scenario.js';
import { sum } from './world.js';

// Long enough for a machine that is busy with something else.
vi.setConfig({ testTimeout: 60_000 });

/** What a family of scenarios must have shown at least once, so that agreement means something. */
type Seen = Readonly<Record<string, (outcome: Outcome, scenario: Scenario) => boolean>>;

async function agree(family: fc.Arbitrary<Scenario>, seen: Seen, seed: number, numRuns = cases(150)): Promise<void> {
  const missing = new Set(Object.keys(seen));
  const property = fc.asyncProperty(family, async (scenario) => {
    const expected = simulateByTheBook(scenario);
    const outcome = await simulateByEngine(scenario);
    // What is strictly equal is found so ten times faster; `expect` shows what differs.
    if (!isDeepStrictEqual(outcome, expected)) expect(outcome).toEqual(expected);
    for (const name of missing) if (seen[name]!(expected, scenario)) missing.delete(name);
  });
  await fc.assert(property, { seed, numRuns });
  expect([...missing]).toEqual([]);
}

const prefetching = scenarios.filter(({ script }) => script !== null);
const basics = {
  hits: (outcome: Outcome) => sum(outcome, 'hits') > 0,
  evictions: (outcome: Outcome) => sum(outcome, 'evictions') > 0,
  streamed: (outcome: Outcome) => sum(outcome, 'streamed') > 0,
};
/** Prefetches into buffers, and plans that are carried through. */
const ways = {
  staged: ({ useful }: Outcome, { staging = 0 }: Scenario) => staging > 0 && useful > 0,
  'staged for nothing': ({ wasted }: Outcome, { staging = 0 }: Scenario) => staging > 0 && wasted > 0,
  'carried through': ({ late }: Outcome, { script }: Scenario) => script?.limits.cancel === false && late > 0,
};
const prefetches = {
  useful: ({ useful }: Outcome) => useful > 0,
  late: ({ late }: Outcome) => late > 0,
  wasted: ({ wasted }: Outcome) => wasted > 0,
  cancelled: ({ cancelled }: Outcome) => cancelled > 0,
  dropped: ({ dropped }: Outcome) => dropped > 0,
};

/** Worlds whose copies stay: misses that matter little are served from them, the others go another way. */
const copying = (additive: boolean) => {
  const share = (above: number) => ({ min: -Infinity, max: Infinity, above, below: Infinity });
  const when = (above: number) => ({ phase: null, tokens: null, pass: null, gate: { by: 'rank' as const, share: share(above) } });
  const ways = additive ? (['load', 'load', 'static', 'cheaper', 'cpu'] as const) : (['load', 'load', 'cheaper', 'cpu', 'skip'] as const);
  const drawn = fc.record({
    above: fc.constantFrom(-1, 0.2, 0.4),
    copyBytes: fc.constantFrom(0.3, 0.5),
    way: fc.constantFrom(...ways),
    admit: fc.constantFrom('never' as const, additive ? 'never' : 'background'),
    copies: fc.record({
      share: fc.constantFrom(0.2, 0.4, 0.7),
      policy: fc.constantFrom('lru', 'fifo', 'lfu'),
      scope: fc.constantFrom('global' as const, 'layer' as const),
    }),
  });
  return fc.tuple(scenarios, drawn).map(([scenario, { above, admit, copies, copyBytes, way }]): Scenario => {
    const onMiss = [{ ...ruleOf('low-precision'), copyBytes, admit, when: when(above) }, ruleOf(way)];
    const plain = additive ? { script: null, exclusive: false } : {};
    return { ...scenario, ...plain, onMiss, copies: { ...copies, additive } };
  });
};

const copied = {
  hits: basics.hits,
  'from copies': ({ copyHits }: Outcome) => copyHits > 0,
  'copies that leave': ({ copyEvictions }: Outcome) => copyEvictions > 0,
  'copies that find no room': (outcome: Outcome) => outcome.copies > 0 && sum(outcome, 'streamed') > 0,
  'beside whole experts': ({ passes }: Outcome) => passes.some(({ copies, gpu }) => (copies ?? []).length > 0 && gpu.length > 0),
  'from DRAM': ({ copyHits, ssd }: Outcome) => copyHits > 0 && (ssd?.demands ?? 0) > 0,
  'where all fits whole': ({ passes }: Outcome) => passes[0]!.copies === null,
};

describe('engine and reference simulator agree to the nanosecond', () => {
  it('without prefetch', () => {
    const family = scenarios.map((scenario): Scenario => ({ ...scenario, script: null }));
    const seen = {
      ...basics,
      'CPU experts': ({ cpuExperts }: Outcome) => cpuExperts > 0,
      SSD: ({ ssd }: Outcome) => (ssd?.demands ?? 0) > 0,
    };
    return agree(family, seen, 1);
  });

  it('with prefetch over one link', () => {
    const family = prefetching.map((scenario): Scenario => ({ ...scenario, dram: null, onMiss: 'load' }));
    return agree(family, { ...basics, ...prefetches, ...ways }, 8, cases(300));
  });

  it('with prefetch over two links', () => {
    const family = prefetching.filter(({ dram }) => dram !== null);
    return agree(family, { ...prefetches, ...ways, 'from the SSD': ({ ssd }) => ssd!.prefetches > 0 }, 3);
  });

  it('with promotions in the background', () => {
    const after = fc.integer({ min: 1, max: 3 });
    const family = fc.tuple(scenarios, after).map(([scenario, misses]): Scenario => {
      const { policy } = scenario;
      const onMiss = [{ ...ruleOf('cpu'), admit: 'background' as const, after: misses }];
      return { ...scenario, policy: policy.startsWith('static') ? 'lfu' : policy, onMiss };
    });
    return agree(
      family,
      {
        hits: basics.hits,
        evictions: basics.evictions,
        useful: prefetches.useful,
        late: prefetches.late,
        wasted: prefetches.wasted,
        dropped: prefetches.dropped,
        promoted: ({ promoted }) => promoted > 0,
        'after some misses': ({ promoted }, { onMiss }) => promoted > 0 && typeof onMiss !== 'string' && onMiss[0]!.after > 1,
        'beside what is planned': ({ h2d, promoted }) => promoted > 0 && h2d.prefetches > promoted,
        'from DRAM': ({ promoted, ssd }) => promoted > 0 && (ssd?.demands ?? 0) > 0,
      },
      11,
      cases(400),
    );
  });

  it('with rules by phase and tokens', () => {
    const family = scenarios.filter(({ onMiss }) => typeof onMiss !== 'string');
    const several = (outcome: Outcome, { onMiss }: Scenario): boolean =>
      onMiss.length > 1 && outcome.cpuExperts > 0 && outcome.h2d.demands > 0;
    return agree(family, { ...basics, 'some here, some there': several, promoted: ({ promoted }) => promoted > 0 }, 12, cases(300));
  });

  it('with misses that others stand in for, that are served from copies or not at all', () => {
    const lossy = ({ do: action }: MissRule): boolean => action === 'substitute' || action === 'skip' || action === 'low-precision';
    const family = scenarios.filter(({ onMiss }) => typeof onMiss !== 'string' && onMiss.some(lossy));
    const seen = {
      hits: basics.hits,
      evictions: basics.evictions,
      skipped: ({ skipped }: Outcome) => skipped > 0,
      substituted: ({ substituted }: Outcome) => substituted > 0,
      'by copies': ({ degraded, substituted }: Outcome) => degraded > 0 && substituted === 0,
      promoted: ({ promoted }: Outcome) => promoted > 0,
      'beside prefetches': ({ h2d, substituted }: Outcome) => substituted > 0 && h2d.prefetches > 0,
    };
    return agree(family, seen, 9, cases(400, 80));
  });
});

describe('engine and reference simulator agree to the nanosecond on who is content with copies', () => {
  it('with copies that stay on the GPU', () => {
    const seen = {
      ...copied,
      'beside prefetches': ({ copyHits, h2d }: Outcome) => copyHits > 0 && h2d.prefetches > 0,
      'promoted all the same': ({ copyHits, promoted }: Outcome) => copyHits > 0 && promoted > 0,
      'written back': ({ copyHits, writeBacks }: Outcome) => copyHits > 0 && writeBacks > 0,
    };
    return agree(copying(false), seen, 15, cases(400));
  });

  it('with copies that are slices of their experts', () => {
    const whole = ({ h2d }: Outcome, { model }: Scenario): boolean => h2d.demandBytes % model.layers[0]!.expertBytes !== 0;
    return agree(copying(true), { ...copied, 'the rest of an expert': whole }, 16, cases(400));
  });

  it('with tokens whose classes are content with copies', () => {
    const drawn = fc.record({
      seed: fc.integer({ min: 0, max: 1_000_000 }),
      shares: fc.constantFrom([0.3], [0.5], [0.3, 0.5]),
      way: fc.constantFrom('load' as const, 'load' as const, 'static' as const, 'skip' as const, 'substitute' as const),
      copies: fc.option(fc.record({ share: fc.constantFrom(0.2, 0.4), policy: fc.constantFrom('lru', 'fifo'), additive: fc.boolean() })),
    });
    const family = fc.tuple(scenarios, drawn).map(([scenario, { copies, seed, shares, way }]): Scenario => {
      // Copies that stay have one size.
      const kept = copies === null ? shares : shares.slice(0, 1);
      const random = new Random(seed, 'contents');
      const contents = scenario.passes.flat().map(() => [1, ...kept][random.below(kept.length + 1)]!);
      const written = way === 'substitute' ? [ruleOf(way), ruleOf('load')] : [ruleOf(way)];
      const { rules } = withCopies({ written: null, rules: written }, kept);
      const plain = copies?.additive ? { script: null, exclusive: false } : {};
      const stay = copies === null ? {} : { copies: { ...copies, scope: 'global' as const } };
      return { ...scenario, ...plain, ...stay, contents, onMiss: rules, replay: 'atomic' };
    });
    const degraded = ({ byContent = {} }: Outcome, share: number): boolean => (byContent[share]?.degraded ?? 0) > 0;
    const seen = {
      ...basics,
      'a copy of one size': (outcome: Outcome) => degraded(outcome, 0.3),
      'and of another': (outcome: Outcome) => degraded(outcome, 0.3) && degraded(outcome, 0.5),
      'nobody else': (outcome: Outcome) => degraded(outcome, 0.5) && !degraded(outcome, 1),
      'from copies that stay': ({ copyHits }: Outcome) => copyHits > 0,
      'whole where others chose it too': ({ degraded: all, byContent = {} }: Outcome) =>
        all > 0 && Object.entries(byContent).every(([share, { activations, degraded: own }]) => share === '1' || own < activations),
      'others by other experts': (outcome: Outcome) => outcome.substituted > 0 && degraded(outcome, 1),
      'beside prefetches': (outcome: Outcome) => outcome.h2d.prefetches > 0 && degraded(outcome, 0.5),
      'from the SSD': (outcome: Outcome) => (outcome.ssd?.demands ?? 0) > 0 && degraded(outcome, 0.5),
    };
    return agree(family, seen, 17, cases(400, 200));
  });
});

describe('engine and reference simulator agree to the nanosecond on late experts, tiers, replay and paths', () => {
  it('with experts that are computed one layer late', () => {
    const given = fc.record({ defer: fc.integer({ min: 1, max: 3 }), background: fc.boolean(), count: fc.constantFrom(1, 1, 2) });
    const family = fc.tuple(scenarios, given).map(([scenario, { background, count, defer }]): Scenario => {
      const { hardware, policy } = scenario;
      const admit = background ? ('background' as const) : ('never' as const);
      const sockets = { count, interconnect: { bandwidth: 1e9, latencyNs: 0 }, numa: 'expert' as const };
      return {
        ...scenario,
        policy: background && policy.startsWith('static') ? 'lfu' : policy,
        onMiss: [{ ...ruleOf('cpu'), admit, defer }],
        replay: 'atomic',
        dram: null,
        hardware: { ...hardware, links: hardware.links.slice(0, 1), cpu: { ...hardware.cpu!, ...(count > 1 ? { sockets } : {}) } },
      };
    });
    const seen = {
      deferred: ({ deferred }: Outcome) => deferred > 0,
      'beside others': ({ cpuExperts, deferred }: Outcome) => deferred > 0 && cpuExperts > deferred,
      promoted: ({ promoted }: Outcome) => promoted > 0,
      prefetched: ({ useful }: Outcome) => useful > 0,
      'of several tokens': ({ deferred }: Outcome, { passes }: Scenario) => deferred > 0 && passes.every(({ length }) => length > 1),
    };
    return agree(family, seen, 16, cases(400));
  });

  it('in sequential replay', () => {
    const family = scenarios.map((scenario): Scenario => ({ ...scenario, replay: 'sequential' }));
    return agree(family, { ...basics, useful: prefetches.useful, late: prefetches.late }, 5);
  });

  it('with exclusive tiers', () => {
    const family = scenarios.map((scenario): Scenario => ({ ...scenario, exclusive: true }));
    return agree(family, { ...basics, staged: ways.staged, 'write-backs': ({ writeBacks }) => writeBacks > 0 }, 4);
  });

  it('over paths that differ in speed', () => {
    const speeds = fc.record({ ns: fc.constantFrom(1, 2, 4, 8), latencyNs: fc.integer({ min: 0, max: 40 }) });
    const slowerFirst = fc.array(speeds, { minLength: 2, maxLength: 3 });
    const family = fc.tuple(scenarios, slowerFirst).map(([scenario, given]): Scenario => {
      const [h2d, ...below] = scenario.hardware.links;
      const paths = given.map(({ ns, latencyNs }) => ({ bandwidth: 1e9 / ns, latencyNs }));
      const link = { ...h2d!, lanes: paths.length, chunkBytes: null, paths, flows: 'single' as const };
      return { ...scenario, exclusive: false, hardware: { ...scenario.hardware, links: [link, ...below] } };
    });
    return agree(family, { ...basics, useful: prefetches.useful, late: prefetches.late }, 6);
  });
});

describe('engine and reference simulator agree to the nanosecond on faults', () => {
  it('with faults of links and CPU', () => {
    const at = fc.integer({ min: 0, max: 1200 });
    const lasts = fc.option(fc.integer({ min: 1, max: 600 }), { nil: undefined });
    const share = fc.constantFrom(0.5, 0.25);
    const what = (links: readonly ('h2d' | 'ssd')[]) =>
      fc.oneof(
        fc.record({ link: fc.constantFrom(...links), bandwidth: share }),
        fc.record({ link: fc.constantFrom(...links), lanes: fc.constant(-1) }),
        fc.record({ link: fc.constantFrom(...links), lanes: fc.constant(-1) }),
        fc.record({ cpu: share }),
      );
    const family = scenarios.chain((scenario) => {
      // Four lanes each, of which at most three are lost; speeds stay whole.
      const links = scenario.hardware.links.map((link) => ({ ...link, bandwidth: (link.bandwidth / link.lanes) * 4, lanes: 4 }));
      const names = links.map(({ name }) => name);
      return fc.array(fc.tuple(at, lasts, what(names)), { minLength: 1, maxLength: 3 }).map((all): Scenario => {
        const faults = all.map(([from, ns, one]) => ({ at: from, ...(ns === undefined ? {} : { until: from + ns }), ...one }));
        return { ...scenario, hardware: { ...scenario.hardware, links }, faults };
      });
    });
    return agree(
      family,
      {
        ...basics,
        useful: prefetches.useful,
        late: prefetches.late,
        'moved prefetches': ({ h2d }: Outcome) => h2d.restarts > 0,
        'moved from the SSD': ({ ssd }: Outcome) => (ssd?.restarts ?? 0) > 0,
      },
      8,
      400,
    );
  });
});

describe('engine and reference simulator agree to the nanosecond on what the CPU computes', () => {
  it('with a CPU of several sockets', () => {
    const family = fc.tuple(scenarios, fc.integer({ min: 2, max: 3 })).map(([scenario, count]): Scenario => {
      const interconnect = { bandwidth: 1e9, latencyNs: 3 };
      const cpu = { ...scenario.hardware.cpu!, sockets: { count, numa: 'expert' as const, interconnect } };
      const onMiss = scenario.onMiss === 'cheaper' ? 'cheaper' : 'cpu';
      return { ...scenario, onMiss, hardware: { ...scenario.hardware, cpu } };
    });
    return agree(family, { hits: basics.hits, 'CPU experts': ({ cpuExperts }) => cpuExperts > 0 }, 7);
  });

  it('with a CPU and a link that share what is missed', () => {
    const drawn = fc.record({ pieces: fc.constantFrom(1, 2, 8), admit: fc.constantFrom('policy' as const, 'always', 'background') });
    const family = fc.tuple(scenarios, drawn).map(([scenario, { admit, pieces }]): Scenario => {
      const layers = scenario.model.layers.map((layer) => {
        const formats = [{ format: 'f16', weights: layer.expertBytes / 2, bytes: layer.expertBytes }];
        return { ...layer, formats };
      });
      const anatomy = { expertWidth: pieces } as Anatomy;
      const onMiss = [{ ...ruleOf('balance'), admit }];
      return { ...scenario, model: { ...scenario.model, layers, anatomy }, onMiss, pieces, staging: 0 };
    });
    const seen = {
      hits: basics.hits,
      shared: ({ shared }: Outcome) => shared > 0,
      'taken over': ({ takenOver }: Outcome) => takenOver > 0,
      promoted: ({ promoted }: Outcome) => promoted > 0,
      loads: ({ h2d, shared }: Outcome) => h2d.demands > shared,
      late: ({ late }: Outcome) => late > 0,
    };
    return agree(family, seen, 11, cases(400));
  });

  it('with a layer whose experts lie on both', () => {
    const family = fc.tuple(scenarios, fc.nat({ max: 4 }), fc.constantFrom(0.25, 0.5)).map(([scenario, at, share]): Scenario => {
      const layer = at % scenario.model.layers.length;
      const { expertBytes, flopsPerToken } = scenario.model.layers[layer]!;
      const bytes = Math.round(expertBytes * share);
      const cpu = { expertBytes: bytes, flopsPerToken: flopsPerToken * share };
      const split = { layer, cpu, gpu: { expertBytes: expertBytes - bytes, flopsPerToken: flopsPerToken * (1 - share) } };
      const placed = { policy: `static:by=layer,cpuLayers=${layer + 1}`, scope: 'global', onMiss: 'cpu', exclusive: false } as const;
      return { ...scenario, ...placed, dram: null, script: null, split };
    });
    const split = (outcome: Outcome, { split: one }: Scenario): boolean =>
      outcome.passes.some(({ layers }) => layers[one!.layer]!.cpuNs > 0);
    return agree(family, { hits: basics.hits, split }, 10);
  });
});

describe('engine and reference simulator agree to the nanosecond on drafts', () => {
  it('with tokens that are drafted and verified', () => {
    const some = fc.array(fc.constantFrom(0, 0.125, 0.3, 0.5, 0.7, 1), { minLength: 4, maxLength: 4 });
    const falling = fc.oneof({ weight: 8, arbitrary: some }, { weight: 2, arbitrary: fc.constant([0, 0, 0, 0]) });
    const speculation = fc.record({
      draft: fc.integer({ min: 1, max: 4 }),
      acceptances: falling.map((shares) => shares.toSorted((a, b) => b - a)),
      drafterNs: fc.constantFrom(0, 0, 3, 40),
      rollback: fc.constantFrom(...ROLLBACKS),
    });
    const family = fc.tuple(scenarios, speculation).map(([scenario, drafts]): Scenario => {
      const { passes: drawn, script } = scenario;
      // There are more passes than were drawn; from then on scores repeat.
      const score: Script['score'] = (pass, after, id, step) => script!.score(((pass - 1) % drawn.length) + 1, after, id, step);
      const one = drawn.flat().map((token) => [token]);
      return { ...scenario, passes: one, script: script === null ? null : { ...script, score }, speculation: drafts };
    });
    const passes = ({ passes: all }: Outcome): number => all.length;
    const tokens = (scenario: Scenario): number => scenario.passes.length;
    const seen = {
      ...basics,
      useful: prefetches.useful,
      late: prefetches.late,
      accepted: (outcome: Outcome, scenario: Scenario) => passes(outcome) < tokens(scenario),
      'run again': (outcome: Outcome, scenario: Scenario) => passes(outcome) > tokens(scenario),
      'all rejected': (outcome: Outcome, scenario: Scenario) => passes(outcome) === tokens(scenario) && tokens(scenario) > 2,
      Belady: (outcome: Outcome, { policy }: Scenario) => policy === 'belady' && sum(outcome, 'hits') > 0,
    };
    return agree(family, seen, 13, cases(300));
  });

  it('with predictions that hear of tokens as they are drafted', () => {
    const some = fc.array(fc.constantFrom(0.125, 0.5, 0.7, 1), { minLength: 4, maxLength: 4 });
    const speculation = fc.option(
      fc.record({
        draft: fc.integer({ min: 1, max: 4 }),
        acceptances: some.map((shares) => shares.toSorted((a, b) => b - a)),
        drafterNs: fc.constantFrom(0, 12, 40),
        rollback: fc.constantFrom(...ROLLBACKS),
      }),
      { nil: undefined, freq: 4 },
    );
    const family = fc.tuple(prefetching, speculation).map(([scenario, drafts]): Scenario => {
      const { passes: drawn, script } = scenario;
      // Each step of drafting says more of what the last one says.
      const score: Script['score'] = (pass, after, id, step) =>
        (id + step) % 3 === 0 ? script!.score(((pass - 1) % drawn.length) + 1, after, id, step) : step / 8;
      const heard: Script = { ...script!, drafts: true, score };
      if (drafts === undefined) return { ...scenario, script: heard };
      return { ...scenario, passes: drawn.flat().map((token) => [token]), script: heard, speculation: drafts };
    });
    return agree(family, { ...basics, ...prefetches, ...ways }, 15, cases(300));
  });
});
