// Speculative decoding: a table by hand over draft, acceptance and residency, and what holds for whole runs.
import fc from 'fast-check';
import { describe, expect, it, vi } from 'vitest';
import { findProfile } from '../../src/base/profiles.js';
import type { Override } from '../../src/base/yaml.js';
import { simulateRun } from '../../src/engine/simulate.js';
import type { Result } from '../../src/result/result.js';
import { SCHEDULERS } from '../../src/schedule/index.js';
import { Request } from '../../src/schedule/request.js';
import { ROLLBACKS, Speculation } from '../../src/schedule/speculation.js';
import { checkRun } from '../../src/system/load-run.js';
import type { RunInput } from '../../src/system/run.js';
import { openTrace } from '../../src/trace/open/open.js';
import { allocateChunk, type RoutingTrace } from '../../src/trace/trace.js';
import { cases } from '../cases.js';
import { simulateByEngine } from './harness.js';
import { simulateByTheBook } from './reference.js';
import { type Scenario, wholeLink, wholeMachine } from './scenario.js';
import { world } from './world.js';

// Long enough for a machine that is busy with something else.
vi.setConfig({ testTimeout: 120_000 });

/**
 * Eight tokens, one layer of eight experts of 10 bytes: token t chooses experts t and t + 1, so that n tokens in a row demand n + 1. Dense
 * work takes 30 ns a pass. An expert takes 10 ns on the GPU (1 ns a byte), 40 ns over the link, 20 ns on the CPU.
 */
const tokens = Array.from({ length: 8 }, (_, t) => [[t, (t + 1) % 8]]);
const RESIDENCE = {
  /** m experts: 30 + 10 m. */
  resident: { policy: 'static:by=layer', capacityBytes: 80 },
  /** m experts come one after another, the last runs when it is there: 30 + 40 m + 10. */
  loaded: { policy: 'lru', capacityBytes: 0 },
  /** m experts on the CPU: 30 + 20 m. */
  cpu: { policy: 'lru', capacityBytes: 0, onMiss: 'cpu' },
} as const;

const scene = (
  where: keyof typeof RESIDENCE,
  draft: number,
  acceptances: readonly number[],
  drafterNs = 0,
  rollback: 'free' | 'redo' = 'free',
): Scenario => ({
  ...world({ layers: [{ experts: 8, denseNs: 30 }], passes: tokens.map((token) => [token]), ...RESIDENCE[where] }),
  hardware: wholeMachine([wholeLink('h2d', 4)]),
  ...(draft === 0 ? {} : { speculation: { draft, acceptances, drafterNs, rollback } }),
});

/** End of the last pass, ns, of both simulators. */
async function endNs(scenario: Scenario): Promise<number> {
  const [engine, book] = [await simulateByEngine(scenario), simulateByTheBook(scenario)];
  expect(engine).toEqual(book);
  return engine.passes.at(-1)!.endNs;
}

const times = async (draft: number, acceptances: readonly number[], drafterNs = 0): Promise<number[]> => [
  await endNs(scene('resident', draft, acceptances, drafterNs)),
  await endNs(scene('loaded', draft, acceptances, drafterNs)),
  await endNs(scene('cpu', draft, acceptances, drafterNs)),
];

describe('by hand: time of eight tokens, everything resident, loaded, on the CPU', () => {
  it('without a draft: eight passes of two experts', async () => {
    expect(await times(0, [])).toEqual([8 * 50, 8 * 120, 8 * 70]);
  });

  it('all accepted: four passes of two tokens, or two of four', async () => {
    expect(await times(1, [1])).toEqual([4 * 60, 4 * 160, 4 * 90]);
    expect(await times(3, [1, 1, 1])).toEqual([2 * 80, 2 * 240, 2 * 130]);
  });

  it('none accepted: eight passes all the same, each of which runs the draft for nothing', async () => {
    // A token and the stand-in for its draft, four tokens away: four experts. The last token drafts nothing.
    expect(await times(1, [0])).toEqual([7 * 70 + 50, 7 * 200 + 120, 7 * 110 + 70]);
    // Stand-ins of positions p + 1 to p + 3 choose experts p + 5 to p + 8, and p + 8 is p: five experts. So it is with a draft of two,
    // p + 5 to p + 7; the last tokens draft two, one and nothing.
    expect(await times(3, [0, 0, 0])).toEqual([6 * 80 + 70 + 50, 6 * 240 + 200 + 120, 6 * 130 + 110 + 70]);
  });

  it('half accepted: of any two passes one has two tokens, and one has one and a rejected one', async () => {
    // Rejected, accepted, rejected, accepted, rejected, and the last token alone: the draws of this seed begin above a half.
    expect(await times(1, [0.5])).toEqual([3 * 70 + 2 * 60 + 50, 3 * 200 + 2 * 160 + 120, 3 * 110 + 2 * 90 + 70]);
    // Resident, it gains (380 of 400); loaded and on the CPU it loses (1,040 of 960, 580 of 560). Five drafts of 20 ns, and it loses everywhere.
    expect(await times(1, [0.5], 20)).toEqual([380 + 100, 1040 + 100, 580 + 100]);
  });

  it('a state that cannot go back runs what was right again', async () => {
    const redo = (where: keyof typeof RESIDENCE, acceptances: readonly number[]) => endNs(scene(where, 1, acceptances, 0, 'redo'));
    // After each of the seven rejected drafts the one token that was right, two experts.
    expect(await redo('resident', [0])).toBe(7 * (70 + 50) + 50);
    expect(await redo('loaded', [0])).toBe(7 * (200 + 120) + 120);
    expect(await redo('cpu', [0])).toBe(7 * (110 + 70) + 70);
    // Three of five drafts are rejected, as above.
    expect(await redo('cpu', [0.5])).toBe(580 + 3 * 70);
    expect(await redo('cpu', [1])).toBe(4 * 90);
  });

  it('a cache of two experts keeps those of the token that is known', async () => {
    const cached = { policy: 'lru', capacityBytes: 20 } as const;
    // Token t finds expert t and loads t + 1: 30 + 40 + 10. The first loads two.
    expect(await endNs({ ...scene('loaded', 0, []), ...cached })).toBe(120 + 7 * 80);
    // Stand-ins find no slot beside the two that are pinned, and are streamed: four loads, then three a pass, and one in the last.
    expect(await endNs({ ...scene('loaded', 1, [0]), ...cached })).toBe(200 + 6 * 160 + 80);
  });
});

describe('draws', () => {
  it('give the shares by position exactly over 2^k drafts, whatever the seed', () => {
    const acceptances = [0.75, 0.5, 0.125];
    for (const seed of [1, 2, 3]) {
      const speculation = new Speculation({ draft: 3, acceptances, drafterNs: 7, rollback: 'free' }, seed);
      const request = new Request({ index: 5, start: 0, prefill: 0, decode: 1000, arrivalNs: 0 });
      const counts = [0, 0, 0];
      for (let pass = 0; pass < 64; pass++) {
        const share = { request, tokens: 4, rejected: 0 };
        expect(speculation.verify([share])).toBe(share.rejected);
        for (let position = 0; position < 3 - share.rejected; position++) counts[position]! += 1;
      }
      expect(counts).toEqual(acceptances.map((share) => 64 * share));
      expect([speculation.verified, speculation.drafted, speculation.accepted]).toEqual([64, 192, 64 * 1.375]);
      // All requests of a pass draft together.
      expect([speculation.draftNs, speculation.totalDraftNs]).toEqual([21, 64 * 21]);
    }
  });

  it('are for the share of positions at which the drafter finds one, exactly over 2^k of them', () => {
    const speculation = new Speculation({ draft: 3, acceptances: [1, 1, 1], found: 0.375, drafterNs: 0, rollback: 'free' }, 2);
    const request = new Request({ index: 5, start: 0, prefill: 0, decode: 1000, arrivalNs: 0 });
    const drafts = Array.from({ length: 64 }, (_, done) => speculation.draftOf(Object.assign(request, { done })));
    expect(drafts.filter((draft) => draft === 3)).toHaveLength(24);
    expect(drafts.filter((draft) => draft === 0)).toHaveLength(40);
    // However often it is asked, and in whatever order.
    expect(drafts.map((_, k) => speculation.draftOf(Object.assign(request, { done: 63 - k }))).toReversed()).toEqual(drafts);
  });

  it('are no more than what is left of a request, and none while it reads its prompt', () => {
    const speculation = new Speculation({ draft: 3, acceptances: [1, 1, 1], drafterNs: 0, rollback: 'free' }, 1);
    const request = new Request({ index: 0, start: 0, prefill: 4, decode: 6, arrivalNs: 0 });
    const drafts = [2, 4, 6, 7, 8, 9].map((done) => speculation.draftOf(Object.assign(request, { done })));
    expect(drafts).toEqual([0, 3, 3, 2, 1, 0]);
  });

  it('stand-ins are half of the generated rows away, over segments and round the end', () => {
    const segments = [
      { row: 100, tokens: 4 },
      { row: 50, tokens: 3 },
      { row: 70, tokens: 3 },
    ];
    // Rows 100 to 103 are the prompt; positions 4 to 9 are rows 50 to 52 and 70 to 72.
    const request = new Request({ index: 0, start: 100, prefill: 4, decode: 6, arrivalNs: 0, segments });
    expect([4, 5, 6, 7, 8, 9].map((position) => request.standIn(position))).toEqual([
      { row: 70, tokens: 3 },
      { row: 71, tokens: 2 },
      { row: 72, tokens: 1 },
      { row: 50, tokens: 3 },
      { row: 51, tokens: 2 },
      { row: 52, tokens: 1 },
    ]);
  });
});

const spec = (input: RunInput, more: Readonly<Record<string, unknown>> = {}) => {
  const overrides = Object.entries(more).map(([path, value]): Override => ({ path: path.split('.'), value, label: path }));
  return checkRun({ model: 'mini-finegrained-64x12l', hardware: 't4', memory: { expertCache: '25%' }, ...input }, 'test', overrides);
};
const run = (input: RunInput, more: Readonly<Record<string, unknown>> = {}): Promise<Result> => simulateRun(spec(input, more));
const of = ({ metrics }: Result, name: string): number => metrics[name]!.value;

const workload = { tokens: 600, prompt: 20, output: 100, batch: 2 };

describe('a run that drafts', () => {
  it('of nothing is a run without speculation, to the nanosecond', async () => {
    const plain = await run({ workload });
    const none = await run({ workload: { ...workload, speculation: { draft: 0 } } });
    expect(none.metrics).toEqual(plain.metrics);
    expect(none.perLayer).toEqual(plain.perLayer);
    expect(none.bounds).toEqual(plain.bounds);
    expect(none.fingerprint).toBe(plain.fingerprint);
  });

  it('generates the same tokens in fewer passes', async () => {
    const plain = await run({ workload });
    const drafts = await run({ workload: { ...workload, speculation: { draft: 4, acceptance: 0.7, drafter: '50us' } } });
    for (const name of ['workload.tokens', 'workload.requests', 'experts.distinct']) expect(of(drafts, name)).toBe(of(plain, name));
    // 1 + 0.7 + 0.7^2 + 0.7^3 + 0.7^4, but for the last tokens of requests, which have less to draft.
    expect(of(drafts, 'speculation.tokens_per_pass')).toBeCloseTo(2.77, 1);
    expect(of(drafts, 'speculation.accepted') + of(drafts, 'speculation.rejected')).toBe(of(drafts, 'speculation.drafted'));
    // Every layer of the model has its top-k for every token that ran.
    const activations = (result: Result): number => of(result, 'experts.activations');
    expect(activations(drafts) - activations(plain)).toBe(of(drafts, 'speculation.wasted_activations'));
    expect(of(drafts, 'speculation.wasted_rate')).toBeCloseTo(of(drafts, 'speculation.wasted_activations') / activations(drafts), 12);
    // One sample of ITL a token, however many come at once.
    expect(of(drafts, 'latency.itl.mean')).toBeCloseTo(of(drafts, 'latency.tpot.mean'), 3);
    expect(of(drafts, 'latency.itl.p50')).toBe(0);
    expect(of(drafts, 'cache.hit_rate')).toBeLessThanOrEqual(of(drafts, 'bound.belady.hit_rate'));
  });

  it('runs again what was right where a state cannot go back', async () => {
    const speculation = { draft: 3, acceptance: 0.6 };
    const free = await run({ workload: { ...workload, speculation } });
    const redo = await run({ workload: { ...workload, speculation: { ...speculation, rollback: 'redo' } } });
    for (const name of ['workload.tokens', 'speculation.drafted', 'speculation.accepted', 'speculation.wasted_activations'])
      expect(of(redo, name)).toBe(of(free, name));
    expect(of(free, 'speculation.redone')).toBe(0);
    expect(of(redo, 'speculation.redone')).toBeGreaterThan(0);
    const perToken = of(free, 'experts.activations') / (of(free, 'workload.tokens') + of(free, 'speculation.rejected'));
    expect(of(redo, 'experts.activations') - of(free, 'experts.activations')).toBe(perToken * of(redo, 'speculation.redone'));
    expect(of(redo, 'speed.decode')).toBeLessThan(of(free, 'speed.decode'));
  });

  it('takes what an engine prints', async () => {
    const speculation = { draft: 4, acceptance: '42% of 4' };
    const result = await run({ workload: { tokens: 4000, prompt: 0, output: 4000, speculation } });
    expect(of(result, 'speculation.acceptance')).toBeCloseTo(0.42, 2);
    expect(of(result, 'speculation.tokens_per_pass')).toBeCloseTo(2.68, 1);
    const acceptances = [0.696, 0.445, 0.326, '21.2%'];
    const byPosition = await run({ workload: { tokens: 4000, prompt: 0, output: 4000, speculation: { draft: 4, acceptances } } });
    expect(of(byPosition, 'speculation.acceptance')).toBeCloseTo((0.696 + 0.445 + 0.326 + 0.212) / 4, 2);
  });

  it('says what is wrong with what it is told', () => {
    const speculation = (given: object) => () => spec({ workload: { speculation: given as { draft: number } } });
    expect(speculation({ draft: 4 })).toThrow('needs to know how many drafted tokens are right; give acceptance: 0.7');
    expect(speculation({ draft: 4, acceptance: 1.2 })).toThrow('1.2 is no acceptance; write 0.7');
    expect(speculation({ draft: 4, acceptance: '42% of 0' })).toThrow('or 42% of 4');
    expect(speculation({ draft: 3, acceptances: [0.7, 0.4] })).toThrow('has 2 positions, and the draft has 3');
    expect(speculation({ draft: 2, acceptances: [0.4, 0.7] })).toThrow('rises');
    expect(speculation({ draft: 2, acceptances: [0.7, 0.4], acceptance: 0.7 })).toThrow('give one of them');
    expect(speculation({ draft: 65, acceptance: 0.7 })).toThrow('64');
  });
});

describe('drafts from the text', () => {
  /** Passes that verify, drafted tokens and right ones, of texts that nothing but a search from the newest place on looks through. */
  function counted(trace: RoutingTrace, draft: number): { verified: number; drafted: number; accepted: number } {
    const counts = { verified: 0, drafted: 0, accepted: 0 };
    const chunk = allocateChunk(trace, 1);
    for (const { start, prefill, decode } of trace.requests) {
      const ids = Array.from({ length: prefill + decode }, (_, position) => {
        trace.read(start + position, 1, chunk);
        return chunk.tokenId![0]!;
      });
      for (let done = prefill; done < ids.length; ) {
        const known = ids.slice(0, done + 1);
        const ends = [4, 3, 2].flatMap((length) =>
          Array.from({ length: Math.max(0, known.length - length) }, (_, i) => done - 1 - i).filter(
            (end) =>
              ids[end] === ids[done] &&
              end - length + 1 >= 0 &&
              known.slice(end - length + 1, end + 1).join() === known.slice(-length).join(),
          ),
        );
        const most = Math.min(draft, ids.length - done - 1);
        if (ends.length === 0 || most === 0) {
          done++;
          continue;
        }
        const text = [...known];
        for (let k = 0; k < most; k++) text.push(text[ends[0]! + 1 + k]!);
        let accepted = 0;
        while (accepted < most && text[done + 1 + accepted] === ids[done + 1 + accepted]) accepted++;
        counts.verified++;
        counts.drafted += most;
        counts.accepted += accepted;
        done += accepted + 1;
      }
    }
    return counts;
  }

  it.each([1, 2, 4])('of %d tokens: as many are found and right in a recording as a plain search finds', async (draft) => {
    const drafts = await run({ trace: 'mini-finegrained-64x12l', workload: { speculation: { draft, drafter: 'ngram' } } });
    const trace = await openTrace(findProfile('traces', 'mini-finegrained-64x12l'));
    const { verified, drafted, accepted } = counted(trace, draft);
    trace.close();
    expect(verified).toBeGreaterThan(100);
    expect([of(drafts, 'speculation.drafted'), of(drafts, 'speculation.accepted')]).toEqual([drafted, accepted]);
    expect(of(drafts, 'speculation.tokens_per_pass')).toBe((verified + accepted) / verified);
    // Wrong drafts change no count of what is generated.
    const plain = await run({ trace: 'mini-finegrained-64x12l' });
    for (const name of ['workload.tokens', 'workload.requests', 'experts.distinct']) expect(of(drafts, name)).toBe(of(plain, name));
    const activations = (result: Result): number => of(result, 'experts.activations');
    expect(activations(drafts) - activations(plain)).toBe(of(drafts, 'speculation.wasted_activations'));
  });
});

describe('a drafter', () => {
  it('that is always right, for nothing, is no slower than none (1 %)', async () => {
    for (const onMiss of ['load', 'cheaper'])
      for (const runtime of ['ideal', 'llama.cpp']) {
        const system = { name: 'x', cache: { policy: 'lru' }, onMiss } as RunInput['system'];
        const decode = async (speculation?: object): Promise<number> => {
          const input = {
            system,
            runtime,
            // A quarter of the slots holds fewer experts than a pass of five tokens uses.
            memory: { expertCache: '50%' },
            hardware: 'rtx-3060+ryzen-9-7950x',
            workload: { ...workload, batch: 1, ...(speculation && { speculation }) },
          };
          return of(await run(input as RunInput), 'speed.decode');
        };
        const none = await decode();
        for (const draft of [1, 2, 4]) {
          expect(await decode({ draft, acceptance: 1, drafter: 0 }), `${onMiss} ${runtime} ${draft}`).toBeGreaterThan(0.99 * none);
        }
      }
  });

  it('that never finds a draft is none, to the nanosecond', async () => {
    const plain = await run({ workload });
    const never = await run({ workload: { ...workload, speculation: { draft: 4, acceptance: 0.7, found: 0 } } });
    const { metrics } = never;
    expect(
      Object.keys(metrics)
        .filter((name) => name.startsWith('speculation.'))
        .map((name) => of(never, name)),
    ).toEqual(new Array(7).fill(0));
    expect(Object.fromEntries(Object.entries(metrics).filter(([name]) => !name.startsWith('speculation.')))).toEqual(plain.metrics);
  });
});

describe('any run that drafts', () => {
  it('L8 keeps all laws with every scheduler, KV caches that grow, several GPUs and policies that know the future', async () => {
    let preemptions = 0;
    const draws = fc.record({
      scheduler: fc.constantFrom(...SCHEDULERS.map(({ name }) => name)),
      batch: fc.integer({ min: 1, max: 4 }),
      budget: fc.constantFrom(4, 9, 64),
      draft: fc.integer({ min: 1, max: 5 }),
      acceptance: fc.constantFrom(0, 0.5, 0.8, 1),
      rollback: fc.constantFrom(...ROLLBACKS),
      hardware: fc.constantFrom('t4', '2x-rtx-4090'),
      kvGrowth: fc.constantFrom('static', 'grow'),
      policy: fc.constantFrom('lru', 'lru', 'belady'),
      predictor: fc.constantFrom('none', 'transition', 'last-token'),
      arrivals: fc.option(fc.constant('poisson:rate=300'), { nil: undefined }),
      prompt: fc.constantFrom(0, 12),
    });
    await fc.assert(
      fc.asyncProperty(
        draws,
        async ({ acceptance, arrivals, batch, budget, draft, hardware, kvGrowth, policy, predictor, prompt, rollback, scheduler }) => {
          const requests = 2 * batch + 1;
          const load = arrivals === undefined ? { tokens: requests * (prompt + 24) } : { arrivals, requests };
          const common = { batch, maxTokensPerPass: budget, prompt, output: 24, ...load };
          const kv = { kvGrowth, ...(kvGrowth === 'grow' ? { kv: '600KiB' } : {}) } as RunInput['memory'];
          const more = { 'system.cache.policy': policy, 'system.predictor.kind': predictor, 'system.scheduler': scheduler };
          const input = (speculation: object): RunInput => ({
            hardware,
            memory: { expertCache: '25%', ...kv },
            workload: { ...common, ...speculation },
          });
          const plain = await run(input({}), more);
          const drafts = await run(input({ speculation: { draft, acceptance, drafter: '1us', rollback } }), more);
          expect(of(drafts, 'workload.tokens')).toBe(of(plain, 'workload.tokens'));
          expect(of(drafts, 'workload.requests')).toBe(of(plain, 'workload.requests'));
          if (predictor === 'none') expect(of(drafts, 'cache.hit_rate')).toBeLessThanOrEqual(of(drafts, 'bound.belady.hit_rate'));
          preemptions += drafts.metrics['schedule.preemptions']?.value ?? 0;
        },
      ),
      { seed: 31, numRuns: cases(60) },
    );
    expect(preemptions).toBeGreaterThan(0);
  });
});
