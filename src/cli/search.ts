import type { Command } from 'commander';
import { EXIT, orUserError, UserError } from '../base/errors.js';
import { makeFolder, writeFileAtomic } from '../base/files.js';
import { join } from '../base/host/paths.js';
import { parseCount } from '../base/units.js';
import { gridSize, pathsOf, type StudyCell, spaceCells } from '../figure/door.js';
import {
  bySystem,
  equalFooting,
  fingerprintOf,
  lengthOf,
  loadSearch,
  pointProfile,
  type RunBatch,
  type Search,
  type SearchFile,
  type SettledRun,
  type Store,
  search,
  searchReports,
} from '../study/door.js';
import { type RunSpec, repeatCommand } from '../system/door.js';
import type { CliContext } from './kit/context.js';
import { declared, type OptionsOf, options } from './kit/declared.js';
import { ALLOW_CODE, output, PICTURES, RUN_JOBS } from './kit/groups.js';
import { parseJobs, parseSeed } from './kit/options.js';
import { deliver } from './kit/outputs.js';
import { overridesOfStudy, type RunFlags, runOfStudy, studyCommandOf } from './run-options.js';
import { runStored } from './run-stored.js';
import { STORE, storeOf } from './study-options.js';

/** Most cells drawn from a larger space. Ours. */
const MOST_CELLS = 20_000;

const SEARCH = options({
  '<space>': 'a YAML file: axes, as a study has them, objectives, limits and prices',
  'Search:': '',
  '--budget <n>': ['runs, short ones too', { default: '120' }],
  '--seed <n>': 'seed of the search; that of its runs is a value of theirs',
  '--learn': 'begin with what the store knows of the space; only new runs count',
  '--profiles <folder>': 'write a run profile of each point of the front',
  'Runs:': '',
  '--store <folder>': `where results are kept and found again (unless given, ${STORE})`,
  '--no-store': 'run everything, and keep nothing',
  '--set <path=value>...': 'set any value of all runs, repeatable',
  ...ALLOW_CODE,
  ...RUN_JOBS,
  ...output(searchReports),
  ...PICTURES,
});

type SearchFlags = OptionsOf<typeof SEARCH>;

/** Help. */
export const help = `Examples:
  moeprof search my-space.yaml
  moeprof search my-space.yaml --budget 60 --seed 2 -o front.svg -o front.csv
  moeprof search my-space.yaml --learn --profiles front/
  moeprof run front/1.yaml`;

/** `moeprof search space.yaml`. */
export function define(command: Command, context: CliContext): void {
  declared(command, SEARCH, { first: ['--budget', '--profiles', '-j', '-o'] }).action((path: string, flags: SearchFlags) =>
    searchSpace(path, flags, context),
  );
}

async function searchSpace(path: string, flags: SearchFlags, context: CliContext): Promise<void> {
  const budget = parseCount(flags.budget, '--budget');
  if (!Number.isInteger(budget) || budget < 1) throw new UserError(`--budget ${flags.budget}: expected a whole number of runs, e.g. 120`);
  const seed = flags.seed === undefined ? 1 : parseSeed(flags.seed);
  const threads = parseJobs(flags.jobs);
  const file = loadSearch(path);
  const { space } = file.study;
  const sample = { method: 'random', points: MOST_CELLS, seed } as const;
  const cells = [...spaceCells(space.sample === null && gridSize(space) > MOST_CELLS ? { ...space, sample } : space)];
  if (cells.length === 0) throw new UserError(`${file.study.label}: no cell is left; see exclude`);
  const runFlags: RunFlags = { trace: [], variant: [], fault: [], bounds: true, set: flags.set, allowCode: flags.allowCode };
  const overridesOf = (cell: StudyCell) => cell.map((value, at) => file.study.override(at, value));
  const alike = await equalFooting(
    bySystem(cells, pathsOf(space)).map((cell) => () => runOfStudy(file.study, runFlags, overridesOf(cell))),
  );
  const varied = (cell: StudyCell) => [...overridesOf(cell), ...alike];
  const specOf = (cell: StudyCell): RunSpec => runOfStudy(file.study, runFlags, varied(cell));
  const againOf = (cell: StudyCell, short: RunSpec | null): string =>
    repeatCommand(studyCommandOf(file.study, runFlags, [...varied(cell), ...(short === null ? [] : [lengthOf(short)])]));
  const store = storeOf(flags, STORE);
  if (flags.learn === true && store === null) throw new UserError('--learn: learns from a store, which --no-store leaves out');
  if (flags.profiles !== undefined) makeFolder(flags.profiles);
  await deliver(context, searchReports, flags, async () => {
    const known = flags.learn === true ? knownRuns(store!, cells, specOf) : new Map<number, SettledRun>();
    const batch = batchOf(context, { store, threads });
    const found = await search(file, cells, { budget, seed, specOf, runBatch: batch, againOf, known });
    if (found.rows.every(({ status }) => status === 'refused')) {
      const { reason } = found.rows.find((row) => row.reason !== null) ?? { reason: 'nothing ran' };
      throw new UserError(`none of ${found.rows.length} cells can run: ${reason}`);
    }
    if (found.rows.some(({ status }) => status === 'failed')) context.setExitCode(EXIT.internal);
    if (flags.profiles !== undefined)
      writeProfiles(flags.profiles, file, found, (cell) => overridesOfStudy(file.study, runFlags, varied(cell)));
    return found;
  });
}

/** Shortest run worth threads, ms: each batch starts new threads, which load the engine. */
const THREADS_PAY = 150;

/** Runs batches in threads if earlier runs took long enough. */
function batchOf(context: CliContext, { store, threads }: { readonly store: Store | null; readonly threads?: number }): RunBatch {
  let [ran, took] = [0, 0];
  return async (runs) => {
    const settled: SettledRun[] = [];
    const began = performance.now();
    const alone = threads === undefined && took < THREADS_PAY * Math.max(1, ran);
    await runStored(runs.length, runs, context, { store, threads: alone ? 1 : threads }, (index, fingerprint, outcome) => {
      settled[index] = { fingerprint, outcome };
    });
    if (alone) {
      ran += runs.length;
      took += performance.now() - began;
    }
    return settled;
  };
}

function knownRuns(store: Store, cells: readonly StudyCell[], specOf: (cell: StudyCell) => RunSpec): Map<number, SettledRun> {
  const known = new Map<number, SettledRun>();
  for (const [at, cell] of cells.entries()) {
    const run = orUserError(() => specOf(cell));
    if (run instanceof UserError) continue;
    const fingerprint = fingerprintOf(run);
    const outcome = store.get(fingerprint);
    if (outcome !== null) known.set(at, { fingerprint, outcome });
  }
  return known;
}

/** `1.yaml`, `2.yaml` and so on. */
function writeProfiles(
  folder: string,
  { study }: SearchFile,
  found: Search,
  overridesOf: (cell: StudyCell) => ReturnType<typeof overridesOfStudy>,
): void {
  const paths = pathsOf(study.space);
  for (const [at, { figures, values }] of found.front.entries()) {
    const entries = Object.entries(figures).map(([name, value]) => `${name} ${Number(value.toPrecision(4))}`);
    const lead = [`Point ${at + 1} of moeprof search ${study.label}: ${entries.join(', ')}.`];
    const text = pointProfile(study.run, overridesOf(paths.map((path) => values[path]!)), lead);
    writeFileAtomic(join(folder, `${at + 1}.yaml`), text);
  }
}
