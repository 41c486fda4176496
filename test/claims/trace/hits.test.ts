// Hit rates of drawn routing beside published ones (profiles/measurements/hits.jsonl). The prior is fitted with each model left out, so that
// what is predicted of a model stands on others alone; profiles with routing of their own are judged on curves that they were not fitted on.
// MOEPROF_UPDATE=1 writes the table of docs/routing.md.
import { readFileSync, writeFileSync } from 'node:fs';
import { describe, expect, it } from 'vitest';
import { findProfile, listProfiles } from '../../../src/base/profiles.js';
import { sharedVotes, votedPercentile } from '../../../src/base/statistics.js';
import { checkValue } from '../../../src/base/yaml.js';
import { HIT_ERRORS } from '../../../src/engine/outcome/hit-range.js';
import type { HitRow } from '../../../src/measured/validate/rows/hit-row.js';
import { readRows } from '../../../src/measured/validate/rows/measurement.js';
import { loadRouting } from '../../../src/model/load/load.js';
import { localityOf, PRIOR, type RoutingProfile, routingProfileSchema } from '../../../src/trace/generate/routing-profile.js';
import { fitted, gridded, loss, mean, type Prior, shapeOf } from './fit-prior.js';
import { predictedHits } from './hit-curves.js';

/** Models that the prior does not claim: experts cut out of a dense network. */
const CUT = ['llama-moe-v1-3.5b', 'llama-moe-v2-3.8b'];
/** Models whose published figures it misses by more than 10 points: one prompt on a phone, one expert a token, and a router of its own kind. */
const MISSED = ['gemma-4-26b-a4b', 'switch-base-128', 'yuan2.0-m32'];
const page = new URL('../../../docs/routing.md', import.meta.url);
const [BEGIN, END] = ['<!-- hits: written by test/claims/trace/hits.test.ts -->', '<!-- /hits -->'];

const { hits: rows } = readRows(findProfile('measurements', 'hits'));
const scored = rows.filter(({ batch, policy }) => policy === 'lru' && batch === 1);
const names = [...new Set(scored.map(({ model }) => model))];
const rowsOf = (name: string): HitRow[] => scored.filter(({ model }) => model === name);

/** A published figure beside a predicted one. */
interface Figure {
  readonly vote: string;
  readonly row: HitRow;
  readonly share: number;
  readonly published: number;
  readonly predicted: number;
}

function figuresOf(row: HitRow, profile: Partial<RoutingProfile>): Figure[] {
  const predicted = predictedHits(row, profile);
  return row.curve.map(([share, published], i) => ({ vote: row.model, row, share, published, predicted: predicted[i]! }));
}

/** Mean of the absolute errors of figures in points, rows counting alike. */
function errorOf(figures: readonly Figure[]): number {
  const each = [...new Set(figures.map(({ row }) => row))];
  return mean(each.map((row) => mean(figures.flatMap((one) => (one.row === row ? [100 * Math.abs(one.predicted - one.published)] : [])))));
}

/** On this scale a share errs alike in the middle and near its ends. */
const angle = (share: number): number => Math.asin(Math.sqrt(share));
const angleError = ({ predicted, published }: Figure): number => angle(published) - angle(predicted);

/** The range of 80 % of figures, models having one vote each. */
function rangeOf(figures: readonly Figure[]): { low: number; high: number; models: number } {
  const votes = sharedVotes(figures, angleError);
  const at = (percent: number): number => votedPercentile(votes, percent, true);
  return { low: at(10), high: at(90), models: new Set(figures.map(({ vote }) => vote)).size };
}

/** Share of the votes that lie in the range of all others. */
function covered(figures: readonly Figure[]): number {
  return mean(
    [...new Set(figures.map(({ vote }) => vote))].map((name) => {
      const { high, low } = rangeOf(figures.filter(({ vote }) => vote !== name));
      const own = figures.filter(({ vote }) => vote === name).map(angleError);
      return own.filter((error) => error >= low && error <= high).length / own.length;
    }),
  );
}

const median = (values: readonly number[]): number =>
  votedPercentile(
    values.map((value) => ({ value, weight: 1 })),
    50,
  );

/** Routing of a bundled profile that says how often caches hit; null: there is none. */
function blockOf(name: string): Partial<RoutingProfile> | null {
  const block = listProfiles('models').includes(name) ? loadRouting(name) : null;
  const profile = block === null ? null : (checkValue(block, name, routingProfileSchema) as Partial<RoutingProfile>);
  return profile?.skew === undefined || profile.reuse === undefined ? null : profile;
}

/** What was found of all models. */
interface Judged {
  /** By model: its figures, predicted by a prior that was fitted on the others. */
  readonly heldOut: ReadonlyMap<string, readonly Figure[]>;
  /** By model: the mean error of these. */
  readonly errors: ReadonlyMap<string, number>;
  /** Figures of models whose profile has routing of its own, of rows that it was not fitted on. */
  readonly profiled: readonly Figure[];
  /** The rows of the models that the prior claims, but for one. */
  readonly others: (name: string | null) => Parameters<typeof fitted>[0];
}

function judged(): Judged {
  const grid = gridded(scored);
  const models = new Map(names.map((name) => [name, grid.filter(({ row }) => row.model === name)]));
  const others = (name: string | null) => [...models].flatMap(([other, own]) => (other === name || CUT.includes(other) ? [] : [own]));
  const withPrior = (row: HitRow, prior: Prior): Figure[] => figuresOf(row, localityOf(shapeOf(row), prior));
  const heldOut = new Map(
    names.map((name) => {
      const prior = fitted(others(name));
      return [name, rowsOf(name).flatMap((row) => withPrior(row, prior))];
    }),
  );
  const profiled = names.flatMap((name) => {
    const block = blockOf(name);
    return block === null ? [] : rowsOf(name).flatMap((row) => (row.fitted === true ? [] : figuresOf(row, block)));
  });
  return { heldOut, errors: new Map([...heldOut].map(([name, figures]) => [name, errorOf(figures)])), profiled, others };
}

/** A line a model: three sizes of its first curve, and the error over all. */
function tableOf({ errors, heldOut, profiled }: Judged): string {
  const percents = (values: readonly number[]): string => values.map((value) => String(Math.round(100 * value))).join(' / ');
  const lines = names.map((name) => {
    const [row] = rowsOf(name);
    const { experts, gaps, shared, split, top_k } = row!.shape;
    const beside = [shared === true ? 'shared' : '', gaps === true ? 'gaps' : '', split === true ? 'cut' : ''].filter(
      (word) => word !== '',
    );
    const curve = heldOut.get(name)!.filter((figure) => figure.row === row);
    const wanted = [0.125, 0.25, 0.5].map((size) => [...curve].sort((a, b) => Math.abs(a.share - size) - Math.abs(b.share - size))[0]!);
    const shown = [...new Set(wanted)];
    const block = blockOf(name);
    const own = profiled.filter(({ vote }) => vote === name);
    const fit = block === null ? [] : rowsOf(name).flatMap((one) => figuresOf(one, block));
    const profile = block === null ? '' : own.length > 0 ? errorOf(own).toFixed(1) : `(${errorOf(fit).toFixed(1)})`;
    const cells = [
      name,
      [`${experts}/${row!.used ?? top_k}`, ...beside].join(', '),
      percents(shown.map(({ share }) => share)),
      percents(shown.map(({ published }) => published)),
      percents(shown.map(({ predicted }) => predicted)),
      errors.get(name)!.toFixed(1),
      profile,
    ];
    return `| ${cells.join(' | ')} |`;
  });
  return [
    '| model | experts / top-k | share held, % | published | prior without it | error | its profile |',
    '|---|---|---|---|---|---|---|',
    ...lines,
  ].join('\n');
}

describe('the prior', { timeout: 900_000 }, () => {
  const found = judged();
  const { errors, heldOut, others, profiled } = found;

  it('ships as fitted', () => {
    const all = others(null);
    expect(loss(all, PRIOR)).toBeLessThan(1.03 * loss(all, fitted(all)));
  });

  it('is within 5 points of models that it has not seen (median), and within 10 but for those named', () => {
    const claimed = names.filter((name) => !CUT.includes(name));
    expect(claimed.length).toBeGreaterThanOrEqual(20);
    expect(claimed.filter((name) => rowsOf(name).some(({ curve }) => curve.length >= 3)).length).toBeGreaterThanOrEqual(20);
    expect(median([...errors.values()])).toBeLessThan(5);
    expect(claimed.filter((name) => errors.get(name)! > 10).sort()).toEqual(MISSED);
  });

  it('has the range that runs print, and profiles with routing of their own a narrower one', () => {
    const ranges = { prior: rangeOf([...heldOut.values()].flat()), profile: rangeOf(profiled) };
    for (const kind of ['prior', 'profile'] as const) {
      const { high, low, models: count } = ranges[kind];
      expect(HIT_ERRORS[kind].low, kind).toBeCloseTo(low, 2);
      expect(HIT_ERRORS[kind].high, kind).toBeCloseTo(high, 2);
      expect(HIT_ERRORS[kind].models, kind).toBe(count);
    }
    expect(ranges.profile.high - ranges.profile.low).toBeLessThan(ranges.prior.high - ranges.prior.low);
  });

  it('the ranges hold: of models left out of them, 75 % of the votes lie within, and two thirds where eight models are all there are', () => {
    expect(covered([...heldOut.values()].flat())).toBeGreaterThan(0.75);
    expect(covered(profiled)).toBeGreaterThan(0.65);
  });

  it('docs/routing.md has the table', () => {
    const text = readFileSync(page, 'utf8');
    const [before, rest] = text.split(BEGIN) as [string, string];
    const table = `${BEGIN}\n${tableOf(found)}\n${END}`;
    const next = `${before}${table}${rest.slice(rest.indexOf(END) + END.length)}`;
    if (process.env.MOEPROF_UPDATE === '1') writeFileSync(page, next);
    expect(readFileSync(page, 'utf8') === next, 'stale: MOEPROF_UPDATE=1 with this test writes it').toBe(true);
  });
});
