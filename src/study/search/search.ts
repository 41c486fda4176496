import type { Study, StudyCell } from '../../figure/door.js';
import { heldOutTokens } from '../../report/door.js';
import { describeMetric } from '../../result/catalogue.js';
import { type Tagged, tagged } from '../../result/version.js';
import type { RunSpec } from '../../system/door.js';
import { encode } from './encoding.js';
import { Ledger, type SearchPoint, type SearchRow, type SettledRun } from './ledger.js';
import { differenceAsShare, goodness, type Objective } from './objective.js';
import type { SearchFile } from './search-file.js';
import { Searcher, type Trial } from './searcher.js';
import { shorterRun } from './short-runs.js';

/** Format version. Additions keep the version; a changed meaning raises the version. */
const SEARCH_SCHEMA = 'moeprof.search/1';

/** Runs a batch; outcomes are in order. @param runs throw a UserError for an impossible cell */
export type RunBatch = (runs: readonly (() => RunSpec)[]) => Promise<readonly SettledRun[]>;

interface SearchObjective extends Objective {
  /** Median relative surrogate error on hidden runs; null: known beforehand, or too few runs. */
  readonly mistake: number | null;
}

/** A finished search: public format `moeprof.search/1`. */
export interface Search extends Tagged<typeof SEARCH_SCHEMA>, Pick<Study, 'axes' | 'heldOut' | 'units'> {
  readonly seed: number;
  readonly cells: number;
  readonly eligible: number;
  readonly objectives: readonly SearchObjective[];
  readonly constraints: readonly string[];
  /** Runs of the budget, earlier runs, and refused cells. */
  readonly runs: {
    readonly budget: number;
    readonly whole: number;
    readonly short: number;
    readonly known: number;
    readonly refused: number;
  };
  /** Best first by the first objective. */
  readonly front: readonly SearchPoint[];
  /** In request order. */
  readonly rows: readonly SearchRow[];
}

interface SearchOptions {
  readonly budget: number;
  readonly seed: number;
  /** @throws UserError for an impossible cell */
  specOf(cell: StudyCell): RunSpec;
  readonly runBatch: RunBatch;
  /** Command that repeats a cell's run. @param short the run of {@link shorterRun}; null: a whole run */
  againOf(cell: StudyCell, short: RunSpec | null): string;
  /** Cells with known whole runs. */
  readonly known: ReadonlyMap<number, SettledRun>;
}

/** @param cells of the space, in order */
export async function search(file: SearchFile, cells: readonly StudyCell[], options: SearchOptions): Promise<Search> {
  const { budget, known, runBatch, seed } = options;
  const ledger = new Ledger(file, cells, options.specOf);
  const searcher = new Searcher({
    cells: cells.length,
    encoding: encode(ledger.paths, cells),
    quantities: ledger.quantities(),
    budget,
    batch: file.batch,
    short: file.prefix > 0,
    seed,
  });
  let heldOut = 0;
  const settle = (trial: Trial, settled: SettledRun, part: RunSpec | null): void => {
    if (settled.outcome.status === 'done') heldOut = Math.max(heldOut, heldOutTokens(settled.outcome.result));
    searcher.observe(trial, ledger.record(trial, settled, options.againOf(cells[trial.cell]!, part)));
  };
  for (const [cell, settled] of known) settle({ cell, short: false }, settled, null);
  for (let trials = searcher.ask(); trials.length > 0; trials = searcher.ask()) {
    const { parts, real, runs } = runsOf(trials, cells, file.prefix, options);
    const settled = await runBatch(runs);
    for (const [i, end] of settled.entries()) settle(real[i]!, end, parts[i]!);
  }
  return { ...summary(file, cells.length, ledger, searcher, options), ...(heldOut === 0 ? {} : { heldOut }) };
}

/** Runs of a batch. A run of unknown length stays whole. */
function runsOf(trials: readonly Trial[], cells: readonly StudyCell[], prefix: number, { specOf }: SearchOptions) {
  const real: Trial[] = [...trials];
  const parts = trials.map((): RunSpec | null => null);
  const runs = trials.map(({ cell, short }, at) => () => {
    const run = specOf(cells[cell]!);
    const part = short ? shorterRun(run, prefix) : null;
    if (part === null) real[at] = { cell, short: false };
    parts[at] = part;
    return part ?? run;
  });
  return { parts, real, runs };
}

function summary(file: SearchFile, cells: number, ledger: Ledger, searcher: Searcher, { budget, known, seed }: SearchOptions): Search {
  const { rows } = ledger;
  const mistakes = searcher.mistakes();
  const asked = rows.slice(known.size);
  const [first] = file.objectives;
  const rank = ({ figures }: SearchPoint): number => goodness(first!, figures[first!.name]!);
  const names = new Set(rows.flatMap(({ metrics }) => Object.keys(metrics)));
  return {
    ...tagged(SEARCH_SCHEMA),
    seed,
    axes: ledger.paths,
    cells,
    eligible: searcher.eligible,
    objectives: file.objectives.map((objective, at) => ({
      ...objective,
      mistake: mistakes[at] === null ? null : differenceAsShare(objective, mistakes[at]!),
    })),
    constraints: file.constraints.map(({ text }) => text),
    runs: {
      budget,
      whole: asked.filter(({ short }) => !short).length,
      short: asked.filter(({ short }) => short).length,
      known: known.size,
      refused: asked.filter(({ status }) => status !== 'done').length,
    },
    front: searcher
      .front()
      .map(({ cell, confidence }): SearchPoint => ({ ...ledger.point(cell), confidence }))
      .sort((a, b) => rank(b) - rank(a)),
    units: Object.fromEntries([...names].map((name) => [name, describeMetric(name).unit])),
    rows,
  };
}
