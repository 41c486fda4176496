// The machine's file, which keeps what `advise --tune` measures.
import type { MachineFinder, TunePoint } from '../../advise/door.js';
import { UserError } from '../../base/errors.js';
import { availableParallelism } from '../../base/host/machine.js';
import { readText, statOf } from '../../base/input-file.js';
import { isPath } from '../../base/profiles.js';
import { isComposed, loadRuntime, type MachineFile, readMachineFile } from '../../hardware/door.js';
import { calibratedFileText } from '../../measured/machine/calibrated-machine.js';
import { pointFigures, settingText, withEntry } from '../../measured/tune/rows.js';
import type { RunEnd } from '../../measured/tune/tune.js';
import { hardwareOfFile, type Timing, timingsOfFile, timingsOfFlags, timingText } from '../../runtime/door.js';
import type { CliContext } from '../kit/context.js';
import { watched } from '../kit/watched.js';
import { machineToMeasure } from '../machine/calibrate.js';

/** Flags of `advise --tune`. */
export interface TuneFlags {
  readonly hardware?: string;
  readonly keep?: string;
  readonly timing: readonly string[];
  readonly tune?: string;
  readonly tuneLimit?: string;
  readonly tuneText?: string;
}

const KEPT = 'moeprof-machine.yaml';

interface KeptMachine {
  readonly file: MachineFile;
  readonly path: string;
}

/** Text of the machine's file, kept so far or new. */
export function keptText(path: string, before: MachineFile): string {
  if (statOf(path) !== null) return readText(path);
  return calibratedFileText({ before, timings: [], date: new Date().toISOString().slice(0, 10), rates: null, learned: null });
}

/** Adds the outcome of a run to the machine's file. */
export function withEnd(text: string, timing: Timing, end: RunEnd): string {
  if ('failed' in end) return withEntry(text, 'failed', `${settingText(timing)}: ${end.failed}`);
  // Repeats agree in fewer than four digits.
  const [decode, prefill] = [end.decode, end.prefill].map((speed) => Number(speed.toPrecision(4)));
  return withEntry(text, 'timings', timingText({ ...timing, decode: decode!, prefill: prefill! }));
}

/** @throws UserError if the file is another machine's */
export async function keptMachine({ hardware, keep }: TuneFlags): Promise<KeptMachine> {
  const machineFile = hardware !== undefined && isPath(hardware) && !isComposed(hardware) ? hardware : undefined;
  const path = keep ?? machineFile ?? KEPT;
  const known = statOf(path) === null ? null : readMachineFile(isPath(path) ? path : `./${path}`);
  const file = path === machineFile && known !== null ? known : await machineToMeasure(hardware);
  if (known === null || file.parts.join('+') === known.parts.join('+')) return { file: known ?? file, path };
  throw new UserError(`${path}: is of another machine, ${known.parts.join('+')}; name a file of this one with --keep`);
}

/** The machine of a file, under each runtime. */
export function finderOf({ file, path }: KeptMachine): MachineFinder {
  return async ({ profile }) => ({
    hardware: hardwareOfFile(file, path, [], profile === null ? null : loadRuntime(profile)),
    notes: [],
  });
}

/** Timings of the file and of flags. */
export function taughtBy({ file, path }: KeptMachine, { timing }: TuneFlags): Timing[] {
  return [...timingsOfFile(file.timings, `${path}: timings`), ...timingsOfFlags(timing)];
}

/** {@link pointFigures}, with a progress bar. */
export function predictedPoints(
  context: CliContext,
  { file }: KeptMachine,
  points: readonly TunePoint[],
  timings: readonly Timing[],
  others: readonly Timing[],
): ReturnType<typeof pointFigures> {
  return watched(context, 'predicting', 'speeds', (watch) => pointFigures(points, timings, others, file, availableParallelism(), watch));
}
