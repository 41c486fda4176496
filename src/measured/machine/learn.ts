import { UserError } from '../../base/errors.js';
import type { WorkWatch } from '../../base/work-watch.js';
import { type Learned, loadRuntime, type MachineFile, machineOfFile, runtimeBefore } from '../../hardware/door.js';
import { runtimeOfProgram, type Timing } from '../../runtime/door.js';
import type { Measurement } from '../validate/rows/measurement.js';
import { runtimeOf } from '../validate/rows/specify.js';
import { joinedPhases, taughtFigures } from './taught.js';
import { type NamedModel, timingOfModel } from './timing-model.js';
import { isUnplaced, measurementsOf, TELL_PLACES } from './timing-row.js';

export { type NamedModel, namedTiming, timingOfModel } from './timing-model.js';

/** Most rows to learn from; ours: a row costs some twenty predictions. */
const MOST_ROWS = 16;

/**
 * Learns a machine from its timings. @param user model of a timing without a model @throws UserError for an unknown model or
 * placement
 */
export async function learn(
  timings: readonly Timing[],
  file: MachineFile,
  place: string,
  user: NamedModel,
  threads: number,
  watch: WorkWatch = {},
): Promise<Learned> {
  const machine = machineOfFile(file, place);
  const placed = timings.map((given) => {
    const timing = timingOfModel(given, user);
    if (runtimeOfProgram(timing.engine).places !== 'by itself' && isUnplaced(timing, machine))
      throw new UserError(`${timing.place}: nothing says where its experts lay; add e.g. -ncmoe 24 (0: all on the GPU), or ${TELL_PLACES}`);
    return timing;
  });
  const rows = spreadRows(joinedPhases(measurementsOf(placed, machine, { model: null, quantization: null })));
  const runtimes = new Map([...new Set(rows.map(runtimeOf))].map((name) => [name, runtimeBefore(file, loadRuntime(name))]));
  const taught = (await taughtFigures(rows, runtimes, threads, watch)).flat();
  if (taught.length === 0) throw new UserError(`${rows[0]!.id}: nothing can be learned from it: its speeds cannot be predicted`);
  return { taught, timings: rows.length, model: user.model };
}

/** At most sixteen rows, evenly spread. */
export function spreadRows(rows: readonly Measurement[]): readonly Measurement[] {
  if (rows.length <= MOST_ROWS) return rows;
  return Array.from({ length: MOST_ROWS }, (_, i) => rows[Math.round((i * (rows.length - 1)) / (MOST_ROWS - 1))]!);
}
