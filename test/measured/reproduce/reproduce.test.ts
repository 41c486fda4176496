// Reproductions: what a file may say, how a claim is judged by hand, and that every bundled file can be read.
import { describe, expect, it } from 'vitest';
import { UserError } from '../../../src/base/errors.js';
import { listProfiles } from '../../../src/base/profiles.js';
import { checkValue } from '../../../src/base/yaml.js';
import { judgeClaim } from '../../../src/measured/reproduce/judge.js';
import { reproductionReports } from '../../../src/measured/reproduce/report.js';
import { isUnexplained, reproduce } from '../../../src/measured/reproduce/reproduce.js';
import { type Claim, loadReproduction, reproductionSchema, runsOf } from '../../../src/measured/reproduce/reproduction.js';
import { fileOf, temporaryFolder } from '../../trace/builders.js';

const folder = temporaryFolder();
const SPEEDS: Readonly<Record<string, number>> = { a: 30, b: 20, c: 25, none: 0 };

/** Judges a claim of three runs, which decode 30, 20 and 25 tokens a second and were measured at half of that. */
const judged = (claim: object) => {
  const runs = Object.fromEntries(Object.keys(SPEEDS).map((name) => [name, 'on-demand-lru']));
  const file = checkValue({ paper: 'p', setting: 's', runs, claims: [{ says: 'x', ...claim }] }, 'test', reproductionSchema);
  return judgeClaim(file.claims[0]!, (run) => ({
    of: (metric) => (metric === 'latency.tpot.mean' ? 1000 / SPEEDS[run]! : SPEEDS[run]!),
    measured: (metric) => (metric === 'speed.decode' && run !== 'c' ? SPEEDS[run]! / 2 : null),
  }));
};

describe('a claim', () => {
  it('of a value: its error, and a direction only where the file says how near it must come', () => {
    expect(judged({ value: 'a', published: 25 })).toMatchObject({ published: 25, moeprof: 30, error: 0.19999999999999996, met: null });
    expect(judged({ value: 'a', published: 25, within: 0.25 }).met).toBe(true);
    expect(judged({ value: 'a', within: 0.25 })).toMatchObject({ published: 15, error: 1, met: false });
  });

  it('of a ratio: on the same side of 1, or as large as it must be', () => {
    expect(judged({ ratio: ['a', 'b'] })).toMatchObject({ published: 1.5, moeprof: 1.5, error: 0, met: true });
    expect(judged({ ratio: ['a', 'b'], published: 2, atLeast: 1.6 })).toMatchObject({ error: -0.25, met: false });
    expect(judged({ ratio: ['b', 'a'], published: 1.2 }).met).toBe(false);
    expect(judged({ ratio: ['b', 'a'], published: 0.9 }).met).toBe(true);
    expect(() => judged({ ratio: ['a', 'none'], published: 2 })).toThrow(
      new UserError('x: none has speed.decode 0, so that there is no ratio'),
    );
    expect(() => judged({ ratio: ['a', 'c'] })).toThrow(new UserError('x: nothing is published of c'));
  });

  it('of an order: pairs that come the other way round, and the less the better where the metric is a time', () => {
    expect(judged({ order: ['a', 'c', 'b'] })).toMatchObject({ error: 0, met: true, comesOut: ['a', 'c', 'b'] });
    expect(judged({ order: ['a', 'b', 'c'] })).toMatchObject({ error: 1 / 3, met: false, comesOut: ['a', 'c', 'b'] });
    expect(judged({ metric: 'latency.tpot.mean', order: ['a', 'c', 'b'] }).met).toBe(true);
  });
});

describe('a file', () => {
  const RUN = { paper: 'p', setting: 's', base: { model: 'mini-mixtral-8x8l', workload: { tokens: 24, prompt: 0 } } };
  const yaml = (more: object) => fileOf(folder, 'own.yaml', JSON.stringify({ ...RUN, ...more }));

  it('is told what is wrong with it, in one line', async () => {
    const claims = [{ says: 'x', value: 'b', published: 1 }];
    expect(() => loadReproduction(yaml({ runs: { a: 'on-demand-lru' }, claims }))).toThrow(/own\.yaml:1:\d+: claims\.0: names the run "b"/);
    expect(() => loadReproduction('expertflwo')).toThrow(/expertflow/);
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
      { says: 'a cache helps', ratio: ['half', 'none'], published: 2 },
      { says: 'hits', metric: 'cache.hit_rate', value: 'none', published: 0.5, within: 0.1 },
      { says: 'order', order: ['none', 'half'], why: 'made up' },
    ];
    const papers = await reproduce([yaml({ runs, claims })]);
    expect(papers[0]!.claims.map(({ met }) => met)).toEqual([true, false, false]);
    expect(isUnexplained(papers[0]!)).toBe(true);
    const text = reproductionReports[0].render(papers, { color: false, width: 80, unicode: true, verbose: false });
    expect(text).toContain('1 paper, 3 claims: 1 of 3 directions met');
    expect(text).toContain('hits: not met, and nothing is known of why\n');
    expect(text).toContain('order: made up\n');
    for (const line of text.split('\n')) expect(line.length, line).toBeLessThanOrEqual(80);
    const csv = reproductionReports[2].render(papers, { color: false, width: 80, unicode: true, verbose: false });
    expect(csv.split('\n')[0]).toBe('paper,claim,kind,metric,published,moeprof,error,met,why');
  });
});

describe('bundled papers', () => {
  it.each(listProfiles('reproductions'))('%s can be read, and uses every run that it has', (name) => {
    const { claims, paper, runs } = loadReproduction(name);
    expect(paper).toMatch(/arXiv|github|doc\//);
    expect(Object.keys(runs).filter((run) => !claims.some((claim: Claim) => runsOf(claim).includes(run)))).toEqual([]);
  });
});
