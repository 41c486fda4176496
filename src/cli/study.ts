import { EXIT, UserError } from '../base/errors.js';
import type { Override } from '../base/yaml.js';
import { pathsOf, type StudyCell, StudyRows, shardOf, spaceCells } from '../figure/door.js';
import { bySystem, equalFooting, loadStudy, type SettleCell, type Store, studyReports } from '../study/door.js';
import { type RunSpec, repeatCommand } from '../system/door.js';
import type { CliContext } from './kit/context.js';
import { deliver } from './kit/outputs.js';
import { runOfStudy, studyCommandOf } from './run-options.js';
import { runStored } from './run-stored.js';
import { STORE, storeOf } from './study-options.js';
import type { SweepFlags } from './sweep-flags.js';

/** `moeprof sweep study.yaml`. @param metrics empty: the study's @throws UserError if no cell can run */
export async function runStudy(
  file: string,
  options: SweepFlags,
  metrics: readonly string[],
  threads: number | undefined,
  context: CliContext,
): Promise<void> {
  const varying = Object.entries({ '--vary': options.vary.length > 0, '--rates': options.rates !== undefined }).find(([, given]) => given);
  if (varying !== undefined) throw new UserError(`${varying[0]}: the study says what varies; add the axis to ${file}`);
  const study = loadStudy(file);
  const shard = options.shard === undefined ? null : shardIn(options.shard);
  const cells = (): Iterable<StudyCell> => (shard === null ? spaceCells(study.space) : shardOf(spaceCells(study.space), shard));
  const count = lengthOf(cells());
  if (count === 0)
    throw new UserError(`${study.label}: no cell is left${shard === null ? '; see exclude' : ` for --shard ${options.shard}`}`);
  const store = storeOf(options, STORE);
  const settleAll = await runnerOf(count, options, threads, store, context);
  const paths = pathsOf(study.space);
  const rows = new StudyRows(paths, metrics.length > 0 ? metrics : study.metrics);
  await deliver(context, studyReports, options, async () => {
    const varied = (cell: StudyCell, alike: readonly Override[]) => [...cell.map((value, at) => study.override(at, value)), ...alike];
    const runOfCell = (cell: StudyCell, alike: readonly Override[]) => runOfStudy(study, options, varied(cell, alike));
    // Cells of other shards count, too.
    const alike = await equalFooting(bySystem(spaceCells(study.space), paths).map((cell) => () => runOfCell(cell, [])));
    // Memory holds only pending cells of possibly a million.
    const open = new Map<number, StudyCell>();
    function* runs(): Generator<() => ReturnType<typeof runOfStudy>> {
      let index = 0;
      for (const cell of cells()) {
        open.set(index++, cell);
        yield () => runOfCell(cell, alike);
      }
    }
    const counts = { done: 0, refused: 0, failed: 0 };
    let reason = '';
    await settleAll(runs(), (index, fingerprint, outcome) => {
      const cell = open.get(index)!;
      rows.set(index, fingerprint, cell, outcome, repeatCommand(studyCommandOf(study, options, varied(cell, alike))));
      open.delete(index);
      counts[outcome.status]++;
      if (outcome.status !== 'done' && reason === '') ({ reason } = outcome);
    });
    if (counts.done === 0)
      throw new UserError(count === 1 ? `the only cell cannot run: ${reason}` : `none of the ${count} cells can run: ${reason}`);
    if (counts.failed > 0) context.setExitCode(EXIT.internal);
    return rows.study();
  });
  rows.close();
}

/** @throws UserError for conflicting flags */
async function runnerOf(
  count: number,
  flags: SweepFlags,
  threads: number | undefined,
  store: Store | null,
  context: CliContext,
): Promise<(runs: Iterable<() => RunSpec>, settle: SettleCell) => Promise<void>> {
  if (flags.queue === undefined) {
    if (flags.queuePrefix !== undefined) throw new UserError('--queue-prefix: says where on a server; name it with --queue');
    if (flags.queueKey !== undefined) throw new UserError('--queue-key: seals what goes through a server; name it with --queue');
    return (runs, settle) => runStored(count, runs, context, { store, threads }, settle);
  }
  if (threads !== undefined) throw new UserError('--jobs: each worker has its own; leave it out with --queue');
  if (store === null) throw new UserError('--no-store: results of a queue are taken into a store; leave it out');
  const { runQueued } = await import('./run-queued.js');
  return (runs, settle) => runQueued(count, runs, context, { flags, store }, settle);
}

function lengthOf(all: Iterable<unknown>): number {
  let length = 0;
  for (const _ of all) length++;
  return length;
}

/** Reads `--shard i/n`. @throws UserError */
function shardIn(text: string): { readonly index: number; readonly of: number } {
  const [, index = 0, of = 0] = /^(\d{1,6})\/(\d{1,6})$/.exec(text)?.map(Number) ?? [];
  if (index >= 1 && index <= of) return { index, of };
  throw new UserError(`--shard ${text}: expected i/n, e.g. 1/4 for the first of four machines`);
}
