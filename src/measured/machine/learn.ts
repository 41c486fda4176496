import { UserError } from '../../base/errors.js';
import { groupedBy } from '../../base/objects.js';
import type { WorkWatch } from '../../base/work-watch.js';
import {
  type Learned,
  learnedRuntime,
  learnedText,
  type Machine,
  type MachineFile,
  machineOfFile,
  type SpeedKind,
} from '../../hardware/door.js';
import { runtimeOfProgram, type Timing } from '../../runtime/door.js';
import { runtimesFor } from '../validate/constants.js';
import { predictRowVariants } from '../validate/predict-all.js';
import type { Measurement } from '../validate/rows/measurement.js';
import { runtimeOf } from '../validate/rows/specify.js';
import { speedsOf, taughtFigures } from '../validate/taught.js';
import { type NamedModel, timingOfModel } from './timing-model.js';
import { isUnplaced, joinedPhases, measurementsOf, soleModel, TELL_PLACES } from './timing-row.js';

export { type NamedModel, namedTiming, timingOfModel } from './timing-model.js';

/** Most rows to learn from; ours: a row costs some twenty predictions. */
const MOST_ROWS = 16;

/** A speed and its predictions, tokens/s. */
export interface LearnedSpeed {
  /** `file:line`, or a row's name. */
  readonly place: string;
  readonly kind: SpeedKind;
  readonly measured: number;
  /** With constants of all machines, and with learned ones. */
  readonly before: number;
  readonly after: number;
}

/** @param user model of a timing without a model @throws UserError for an unknown model or placement */
export async function learn(
  timings: readonly Timing[],
  file: MachineFile,
  place: string,
  user: NamedModel,
  threads: number,
  watch: WorkWatch = {},
): Promise<Learned> {
  return learnRows(rowsToLearn(timings, machineOfFile(file, place), user), user, threads, watch);
}

async function learnRows(rows: readonly Measurement[], user: NamedModel, threads: number, watch: WorkWatch): Promise<Learned> {
  const taught = (await taughtFigures(rows, runtimesFor(rows), threads, watch)).flat();
  if (taught.length === 0) throw new UserError(`${rows[0]!.id}: nothing can be learned from it: its speeds cannot be predicted`);
  return { taught, timings: rows.length, model: user.model };
}

/** Timings before and after they taught. @throws UserError as {@link learn} */
export async function learnedSpeeds(
  timings: readonly Timing[],
  file: MachineFile,
  user: NamedModel,
  threads: number,
  watch: WorkWatch = {},
): Promise<{ readonly said: string; readonly speeds: readonly LearnedSpeed[] }> {
  const machine = machineOfFile(file, 'this machine');
  const rows = rowsToLearn(timings, machine, user);
  const runtimes = runtimesFor(rows);
  const learned = await learnRows(rows, user, threads, watch);
  const speeds: LearnedSpeed[] = [];
  for (const [model, rowsOfModel] of groupedBy(rows, (row) => row.model.name)) {
    const after = new Map([...runtimes].map(([name, runtime]) => [name, learnedRuntime(runtime, { ...learned, model })]));
    const predictions = await predictRowVariants(rowsOfModel, [runtimes, after], threads, {});
    for (const [i, row] of rowsOfModel.entries())
      for (const { kind, measured } of speedsOf(row)) {
        const [before, now] = predictions[i]!.map(({ figures }) => figures[kind]);
        if (before !== undefined && now !== undefined) speeds.push({ place: row.id, kind, measured, before, after: now });
      }
  }
  return { said: learnedText(machine, runtimes.get(runtimeOf(rows[0]!))!, { ...learned, model: soleModel(rows) }), speeds };
}

function rowsToLearn(timings: readonly Timing[], machine: Machine, user: NamedModel): readonly Measurement[] {
  const placed = timings.map((given) => {
    const timing = timingOfModel(given, user);
    if (timing.expertCache !== undefined || timing.uncounted?.some((setting) => setting.startsWith('--moe-cache')) === true)
      throw new UserError(
        `${timing.place}: ran with an expert cache, which teaches nothing of fixed placements; give a run without --moe-cache-mib`,
      );
    if (runtimeOfProgram(timing.engine).places !== 'by itself' && isUnplaced(timing, machine))
      throw new UserError(`${timing.place}: nothing says where its experts lay; add e.g. -ncmoe 24 (0: all on the GPU), or ${TELL_PLACES}`);
    return timing;
  });
  return spreadRows(joinedPhases(measurementsOf(placed, machine, { model: null, quantization: null })));
}

/** At most sixteen rows, evenly spread. */
export function spreadRows(rows: readonly Measurement[]): readonly Measurement[] {
  if (rows.length <= MOST_ROWS) return rows;
  return Array.from({ length: MOST_ROWS }, (_, i) => rows[Math.round((i * (rows.length - 1)) / (MOST_ROWS - 1))]!);
}
