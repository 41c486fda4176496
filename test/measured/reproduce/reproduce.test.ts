// Reproductions: what a file may say, how a claim is judged and a gain is decomposed by hand, and that every bundled file can be read.
import { describe, expect, it } from 'vitest';
import { UserError } from '../../../src/base/errors.js';
import { listProfiles } from '../../../src/base/profiles.js';
import { checkValue } from '../../../src/base/yaml.js';
import type { ComparedRun, Composition } from '../../../src/measured/reproduce/compared-run.js';
import { ClaimJudge } from '../../../src/measured/reproduce/judge.js';
import { reproductionReports } from '../../../src/measured/reproduce/report.js';
import { gotWorse, reproduce } from '../../../src/measured/reproduce/reproduce.js';
import { type Claim, loadReproduction, reproductionSchema, runsOf } from '../../../src/measured/reproduce/reproduction.js';
import { checkRun } from '../../../src/system/door.js';
import { fileOf, temporaryFolder } from '../../trace/builders.js';

const folder = temporaryFolder();
const PLAIN = { color: false, width: 80, unicode: true, verbose: false };

/** Speeds of three runs under runtime x; y halves them. The best found is 60; the floor allows 90 where no software takes time, 65 under x. */
const SPEEDS: Readonly<Record<string, number>> = { a: 30, b: 20, c: 25, none: 0 };

/** Sides of one world whose cache, prefetch and scheduler are worth what `worth` says; what was asked of them is in `asked`. */
const asked: string[] = [];
const side = (name: string, runtime: string, speed: (composition: Composition) => number): ComparedRun => ({
  world: 'one',
  runtime,
  composition: { system: checkRun({ system: name === 'a' ? 'expertflow' : 'on-demand-lru' }, 'test').system, memory: {} },
  figures: async (under, composition) => {
    asked.push(`${name} ${under}`);
    const value = speed(composition) / (under === 'y' ? 2 : 1);
    const of = (metric: string) => (metric === 'latency.tpot.mean' ? 1000 / value : value);
    return {
      of,
      measured: (metric) => (metric === 'speed.decode' && name !== 'c' ? SPEEDS[name]! / 2 : null),
      at: (limit, metric) => (metric !== 'speed.decode' ? null : limit === 'found' ? 60 : under === 'ideal' ? 90 : 65),
    };
  },
});

/** Judges a claim of these runs, which were measured at half of their speeds. */
const judged = async (claim: object) => {
  const runs = Object.fromEntries(Object.keys(SPEEDS).map((name) => [name, 'on-demand-lru']));
  const file = checkValue({ paper: 'p', setting: 's', runs, claims: [{ says: 'x', ...claim }] }, 'test', reproductionSchema);
  const sides = new Map(Object.keys(SPEEDS).map((name) => [name, side(name, 'x', () => SPEEDS[name]!)]));
  return new ClaimJudge('test', sides).judge(file.claims[0]!);
};

describe('a claim', () => {
  it('of a value: its error, and how near that is', async () => {
    expect(await judged({ value: 'a', published: 27 })).toMatchObject({ published: 27, moeprof: 30, best: 60, verdict: 'figure' });
    expect(await judged({ value: 'a', published: 25 })).toMatchObject({ error: 0.19999999999999996, verdict: 'near' });
    expect(await judged({ value: 'a' })).toMatchObject({ published: 15, error: 1, verdict: 'far' });
    expect(await judged({ value: 'a', published: 70 })).toMatchObject({ best: 60, floor: null, verdict: 'far' });
    expect(await judged({ value: 'a', published: 71 })).toMatchObject({ best: 60, floor: 90, verdict: 'engine' });
    expect((await judged({ value: 'a', published: 105 })).verdict).toBe('engine');
    expect(await judged({ value: 'a', published: 106 })).toMatchObject({ best: 60, floor: 90, verdict: 'impossible' });
  });

  it('of a ratio: its figure, half of its gain, its side of 1, or beyond a limit', async () => {
    expect(await judged({ ratio: ['a', 'b'] })).toMatchObject({ published: 1.5, moeprof: 1.5, best: 3, share: 1, verdict: 'figure' });
    // log 1.5 / log 2 = .58, log 1.5 / log 3.5 = .32; the best found makes 3, which is .86 of 3.5 and .83 of 3.6.
    expect(await judged({ ratio: ['a', 'b'], published: 2 })).toMatchObject({ share: expect.closeTo(0.585, 3), verdict: 'gain' });
    expect((await judged({ ratio: ['a', 'b'], published: 3.5 })).verdict).toBe('side');
    expect(await judged({ ratio: ['a', 'b'], published: 3.6 })).toMatchObject({ best: 3, floor: 4.5, verdict: 'engine' });
    expect((await judged({ ratio: ['a', 'b'], published: 5.3 })).verdict).toBe('impossible');
    expect((await judged({ ratio: ['b', 'a'], published: 1.2 })).verdict).toBe('other');
    expect((await judged({ ratio: ['b', 'a'], published: 0.62 })).verdict).toBe('figure');
    await expect(judged({ ratio: ['a', 'none'], published: 2 })).rejects.toThrow(
      new UserError('test: x: none has speed.decode 0, so that there is no ratio'),
    );
    await expect(judged({ ratio: ['a', 'c'] })).rejects.toThrow(new UserError('test: x: nothing is published of c'));
  });

  it('is on the other side however small the gain and near the figure', async () => {
    // 25 / 30 = .83 is within 15 % of .97, and of 1.05 it is not on the same side; 1 has no sides.
    expect((await judged({ ratio: ['c', 'a'], published: 0.97 })).verdict).toBe('figure');
    expect((await judged({ ratio: ['c', 'a'], published: 1.05 })).verdict).toBe('other');
    expect((await judged({ ratio: ['c', 'a'], published: 0.98, metric: 'speed.decode' })).share).toBeCloseTo(9.02, 1);
  });

  it('of an order: pairs that come the other way round, and the less the better where the metric is a time', async () => {
    expect(await judged({ order: ['a', 'c', 'b'] })).toMatchObject({ error: 0, verdict: 'figure', comesOut: ['a', 'c', 'b'] });
    expect(await judged({ order: ['a', 'b', 'c'] })).toMatchObject({ error: 1 / 3, verdict: 'other', comesOut: ['a', 'c', 'b'] });
    expect((await judged({ metric: 'latency.tpot.mean', order: ['a', 'c', 'b'] })).verdict).toBe('figure');
    expect((await judged({ order: ['a', 'a'] })).verdict).toBe('side');
  });

  it('beyond a limit says the limit, and what is known of the machine', async () => {
    const claims = [await judged({ value: 'a', published: 71 }), await judged({ value: 'a', published: 106 })];
    const text = reproductionReports[0].render([{ name: 'one', paper: 'p', setting: 's', assumes: null, claims }], PLAIN);
    expect(text.replaceAll(/\s+/g, ' ')).toContain(
      "x: not by caching in x, where 60.0 tok/s is the best that we find; host time apart, the machine's floor allows 90.0 tok/s x: cannot be on this machine, whose floor allows 90.0 tok/s",
    );
  });
});

describe('L26 equal footing', () => {
  /** What a cache, a prefetch and a scheduler are worth: 1.2, 1.5 and 1.1 times. */
  const worth = ({ system }: Composition) =>
    10 * (system.cache.policy.name === 'plec' ? 1.2 : 1) * (system.predictor.kind.name === 'none' ? 1 : 1.5);
  const sides = () =>
    new Map([
      ['a', side('a', 'x', (composition) => worth(composition) * (composition.system.scheduler.kind.name === 'fcfs' ? 1 : 1.1))],
      ['b', side('b', 'y', (composition) => worth(composition))],
    ]);
  const claim = { says: 'x', metric: 'speed.decode', ratio: ['a', 'b'], published: 4 } as unknown as Claim;

  it('puts both sides of a ratio under the runtime of the first, and says what the engines would add', async () => {
    asked.length = 0;
    // 10 x 1.2 x 1.5 x 1.1 = 19.8 against 10 under x; b makes 5 under its own runtime y.
    expect(await new ClaimJudge('test', sides()).judge(claim)).toMatchObject({ runtime: 'x', moeprof: expect.closeTo(1.98) });
    expect(asked.filter((one) => one === 'b y')).toHaveLength(1);
    // The published 4 is beyond the best found under x, so that the machine itself was asked.
    expect(asked.filter((one) => !['b y', 'a ideal'].includes(one)).every((one) => one.endsWith(' x'))).toBe(true);
  });

  it('decomposes the gain into factors that multiply to it', async () => {
    const { gain, moeprof } = await new ClaimJudge('test', sides()).judge(claim);
    expect(gain).toEqual({ cache: expect.closeTo(1.2), prefetch: expect.closeTo(1.5), scheduler: expect.closeTo(1.1), engine: 2 });
    expect(gain!.cache! * gain!.prefetch! * gain!.scheduler!).toBeCloseTo(moeprof!, 12);
  });

  it('gives the share of parts that cannot stand alone to the next ones', async () => {
    const own = sides();
    const b = own.get('b')!;
    const alone = (runtime: string, composition: Composition, bounds: boolean) => {
      const half = composition.system.cache.policy.name === 'plec' && composition.system.predictor.kind.name === 'none';
      return half ? Promise.reject(new UserError('no')) : b.figures(runtime, composition, bounds);
    };
    own.set('b', { ...b, figures: alone });
    const { gain } = await new ClaimJudge('test', own).judge(claim);
    expect(gain).toEqual({ cache: null, prefetch: expect.closeTo(1.8), scheduler: expect.closeTo(1.1), engine: 2 });
  });

  it('does not exchange parts of runs of different worlds', async () => {
    const own = sides();
    own.set('b', { ...own.get('b')!, world: 'other' });
    const { gain } = await new ClaimJudge('test', own).judge(claim);
    expect(gain).toEqual({ cache: null, prefetch: null, scheduler: null, engine: 2 });
  });
});

describe('a file', () => {
  const RUN = { paper: 'p', setting: 's', base: { model: 'mini-mixtral-8x8l', workload: { tokens: 24, prompt: 0 } } };
  const yaml = (more: object) => fileOf(folder, 'own.yaml', JSON.stringify({ ...RUN, ...more }));

  it('is told what is wrong with it, in one line', async () => {
    const claims = [{ says: 'x', value: 'b', published: 1 }];
    expect(() => loadReproduction(yaml({ runs: { a: 'on-demand-lru' }, claims }))).toThrow(/own\.yaml:1:\d+: claims\.0: names the run "b"/);
    expect(() => loadReproduction('expertflwo')).toThrow(/expertflow/);
    const reason = [{ ...claims[0], why: 'it is slow' }];
    expect(() => loadReproduction(yaml({ runs: { b: 'on-demand-lru' }, claims: reason }))).toThrow(/why: is a reason without a number/);
    const of = (run: unknown, metric = 'speed.decode') => reproduce([yaml({ runs: { b: run }, claims: [{ ...claims[0], metric }] })]);
    await expect(of({ row: 'nothing' })).rejects.toThrow(/: runs: b: no bundled measurement is "nothing"/);
    await expect(of({ system: 'fidler' })).rejects.toThrow(/fiddler/);
    await expect(of('on-demand-lru', 'speed.decoding')).rejects.toThrow(/is no metric/);
    await expect(of('on-demand-lru', 'prefetch.recall')).rejects.toThrow(/x: b has no prefetch\.recall/);
  });

  it('runs what it describes, memory and workload over those that all share', async () => {
    const runs = {
      none: { system: 'no-cache', memory: { expertCache: '0%' } },
      half: { system: 'on-demand-lru', memory: { expertCache: '50%' } },
    };
    const claims = [
      { says: 'a cache helps', ratio: ['half', 'none'], published: 1.5 },
      { says: 'hits', metric: 'cache.hit_rate', value: 'none', published: 0.5 },
      { says: 'order', order: ['none', 'half'], why: 'made up, 2 of 2' },
    ];
    const papers = await reproduce([yaml({ runs, claims })]);
    expect(papers[0]!.claims.map(({ verdict }) => verdict === 'other')).toEqual([false, false, true]);
    expect(gotWorse(papers[0]!)).toBe(true);
    const text = reproductionReports[0].render(papers, PLAIN);
    expect(text).toContain('1 paper, 3 claims: ');
    expect(text).toMatch(/a cache helps: cache [\d.]+x, prefetch 1\.00x, scheduler 1\.00x\n/);
    expect(text).toContain('order: made up, 2 of 2\n');
    for (const line of text.split('\n')) expect(line.length, line).toBeLessThanOrEqual(80);
    const csv = reproductionReports[2].render(papers, PLAIN);
    expect(csv.split('\n')[0]).toBe(
      'paper,claim,kind,metric,runtime,published,moeprof,error,share,cache,prefetch,scheduler,engine,best,floor,verdict,why',
    );
  });

  it('asks for a verdict, and got worse where that is better than today', async () => {
    const claims = [{ says: 'hits', metric: 'cache.hit_rate', value: 'b', published: 5 }];
    const of = async (verdict?: string) =>
      gotWorse((await reproduce([yaml({ runs: { b: 'on-demand-lru' }, claims: [{ ...claims[0], verdict }] })]))[0]!);
    expect(await Promise.all([of(), of('impossible'), of('near')])).toEqual([false, false, true]);
  });
});

describe('bundled papers', () => {
  it.each(listProfiles('reproductions'))('%s can be read, and uses every run that it has', (name) => {
    const { claims, paper, runs } = loadReproduction(name);
    expect(paper).toMatch(/arXiv|github|doc\//);
    expect(Object.keys(runs).filter((run) => !claims.some((claim: Claim) => runsOf(claim).includes(run)))).toEqual([]);
  });

  it.each(listProfiles('reproductions'))('L26 %s sets no constant of a runtime on one side of a claim alone', (name) => {
    const { base, claims, runs } = loadReproduction(name);
    const constantsOf = (run: string): unknown => {
      const own = runs[run]!;
      const set = { ...base.set, ...(typeof own === 'string' ? {} : own.set) };
      return Object.entries(set).filter(([path]) => path.startsWith('runtime.'));
    };
    for (const claim of claims) {
      const [first, ...others] = runsOf(claim).map(constantsOf);
      for (const other of others) expect(other, `${name}: ${claim.says}`).toEqual(first);
    }
  });
});
