// A search against spaces whose every cell is known: what it finds, and what random runs find for the same budget. `golden/renew.mjs` computes
// the fixtures anew; here nothing is run.
import { existsSync, readFileSync } from 'node:fs';
import { describe, expect, it } from 'vitest';
import { Random } from '../../../src/base/random.js';
import { pathsOf, type StudyCell, spaceCells } from '../../../src/figure/table/space.js';
import { encode } from '../../../src/study/search/encoding.js';
import { differenceAsShare, goodness, priceOf, toleranceOf } from '../../../src/study/search/objective.js';
import { loadSearch } from '../../../src/study/search/search-file.js';
import { Searcher, type Trial } from '../../../src/study/search/searcher.js';
import { cases } from '../../cases.js';

const BUDGET = 120;
const SEEDS = [1, 2, 3, 4, 5].slice(0, cases(5, 3));

interface Space {
  readonly cells: readonly StudyCell[];
  readonly searcher: (seed: number, short: boolean) => Searcher;
  /** Figures of a cell beside its objective. */
  readonly limits: (cell: number) => number[];
  /** True where a cell breaks a limit that is known before it runs. */
  readonly dear: (cell: number) => boolean;
  /** By cell; null: it cannot run. */
  readonly whole: readonly (number | null)[];
  readonly short: readonly (number | null)[];
  /** Goodness of a cell; -Infinity: it cannot run, or breaks a limit. */
  readonly good: readonly number[];
  /** How far a cell's figure is from that of the best, as a share of it. */
  readonly missed: (good: number) => number;
}

const SPACES = new Map<string, Space>();

/** A space, read once. */
function spaceNamed(name: string): Space {
  const space = SPACES.get(name) ?? readSpace(name);
  SPACES.set(name, space);
  return space;
}

function readSpace(name: string): Space {
  const path = new URL(`golden/${name}`, import.meta.url).pathname;
  const { batch, constraints, objectives, prices, study } = loadSearch(`${path}.yaml`);
  const figures = JSON.parse(readFileSync(`${path}.json`, 'utf8')) as Record<'whole' | 'short', (number | null)[]>;
  const paths = pathsOf(study.space);
  const cells = [...spaceCells(study.space)];
  const [objective] = objectives;
  const costs = cells.map((cell) => priceOf(prices, paths, cell));
  const [limit] = constraints;
  const dear = (cell: number): boolean => limit !== undefined && costs[cell]! > limit.limit;
  const values = (list: readonly (number | null)[]) => list.map((value) => (value === null ? null : goodness(objective!, value)));
  const whole = values(figures.whole);
  const good = whole.map((value, cell) => (value === null || dear(cell) ? Number.NEGATIVE_INFINITY : value));
  const best = Math.max(...good);
  const known = limit === undefined ? [] : [{ known: Float64Array.from(costs, (cost) => -cost), atLeast: -limit.limit, tolerance: 0 }];
  const quantities = [{ known: null, atLeast: null, tolerance: toleranceOf(objective!) }, ...known];
  return {
    cells,
    searcher: (seed, short) =>
      new Searcher({ cells: cells.length, encoding: encode(paths, cells), quantities, budget: BUDGET, batch, short, seed }),
    dear,
    limits: (cell) => (limit === undefined ? [] : [-costs[cell]!]),
    whole,
    short: values(figures.short),
    good,
    missed: (one) => differenceAsShare(objective!, best - one),
  };
}

/** Plays a search to its end. @returns its point, with its trials */
function play({ limits, searcher, short, whole }: Space, seed: number, withShort: boolean) {
  const one = searcher(seed, withShort);
  const trials: Trial[] = [];
  for (let batch = one.ask(); batch.length > 0; batch = one.ask()) {
    for (const trial of batch) {
      const value = (trial.short ? short : whole)[trial.cell]!;
      one.observe(trial, value === null ? null : [value, ...limits(trial.cell)]);
      trials.push(trial);
    }
  }
  return { point: one.front()[0]!, trials };
}

/** Searches that were played, by space and seed. */
const PLAYED = new Map<string, ReturnType<typeof play>>();

/** A search with short runs, played once for the tests that look at it. */
function played(name: string, seed: number): ReturnType<typeof play> {
  const key = `${name} ${seed}`;
  const found = PLAYED.get(key) ?? play(spaceNamed(name), seed, true);
  PLAYED.set(key, found);
  return found;
}

const median = (values: readonly number[]): number => [...values].sort((a, b) => a - b)[values.length >> 1]!;

describe.each(['policies', 'serving', 'machines'])('of the space %s', (name) => {
  const space = spaceNamed(name);

  it('finds a point within 3 % of the best of 2,000 cells in 120 runs, nearer than random runs do', () => {
    expect([space.cells.length, space.whole.length, space.short.length]).toEqual([2000, 2000, 2000]);
    const found = SEEDS.map((seed) => played(name, seed));
    for (const { point, trials } of found) {
      expect(trials.length).toBeLessThanOrEqual(BUDGET);
      // No run twice, and a short one before the whole one at most.
      expect(new Set(trials.map(({ cell, short }) => `${cell} ${short}`)).size).toBe(trials.length);
      expect(trials.filter(({ short }) => short).length).toBeGreaterThan(0.2 * BUDGET);
      expect(point.confidence).toBeGreaterThanOrEqual(0);
      expect(point.confidence).toBeLessThanOrEqual(1);
    }
    const ours = median(found.map(({ point }) => space.missed(space.good[point.cell]!)));
    const random = median(SEEDS.map((seed) => space.missed(Math.max(...randomCells(space, seed).map((cell) => space.good[cell]!)))));
    expect(ours).toBeLessThan(0.03);
    expect(ours).toBeLessThan(random);
  });
});

it('has fixtures whose script finds the modules of the build', () => {
  const text = readFileSync(new URL('golden/renew.mjs', import.meta.url), 'utf8');
  const modules = [...text.matchAll(/from '(\.[^']+)\/build\/([^']+)\.js'/g)];
  expect(modules).toHaveLength(text.match(/from '\./g)!.length);
  for (const [, root, path] of modules) expect(existsSync(new URL(`golden/${root}/src/${path}.ts`, import.meta.url)), path).toBe(true);
});

it('asks the same twice', () => {
  expect(play(spaceNamed('serving'), 3, true)).toEqual(played('serving', 3));
});

/** As many cells as the budget has, none twice, of those that keep the limits which are known before they run. */
function randomCells({ cells, dear }: Space, seed: number): number[] {
  const random = new Random(seed, 'test/random-search');
  const drawn = new Set<number>();
  while (drawn.size < BUDGET) {
    const cell = random.below(cells.length);
    if (!dear(cell)) drawn.add(cell);
  }
  return [...drawn];
}
