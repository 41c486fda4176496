import type { Command } from 'commander';
import { UserError } from '../base/errors.js';
import { availableParallelism } from '../base/host/machine.js';
import { findProfile, isPath, listProfiles } from '../base/profiles.js';
import { parseCount } from '../base/units.js';
import { loadRuntime } from '../hardware/door.js';
import { MOST_OWN, ownErrors } from '../measured/validate/own.js';
import { predictRowVariants } from '../measured/validate/predict-all.js';
import { nudgedConstants, refitOf } from '../measured/validate/refit.js';
import { validationReports } from '../measured/validate/report.js';
import { readRows } from '../measured/validate/rows/measurement.js';
import { runtimeOf } from '../measured/validate/rows/specify.js';
import { type Validation, validationOf } from '../measured/validate/summary.js';
import type { CliContext } from './kit/context.js';
import { declared, type OptionsOf, options } from './kit/declared.js';
import { output } from './kit/groups.js';
import { parseJobs } from './kit/options.js';
import { deliver } from './kit/outputs.js';
import { watched } from './kit/watched.js';

const VALIDATE = options({
  '[files...]': 'measurements: bundled names or files of JSON lines; without, all that are bundled',
  '--fit': 'refit the constants of runtimes on these rows, and cross-validate by machine and by class; takes some minutes',
  '--own <n>': 'rows of a machine, 3 at most, that teach its others',
  '-j, --jobs <n>': 'threads at a time (default: the machine’s cores)',
  ...output(validationReports),
});

/** Help. */
export const help = `Examples:
  moeprof validate                           all bundled rows
  moeprof validate second                    one file of rows
  moeprof validate my-machine.jsonl          rows of your own
  moeprof validate -o accuracy.md -o accuracy.html
  moeprof validate open --json
  moeprof validate --fit                     fits, each machine left out in turn
  moeprof validate --own 2                   taught by rows of each machine

A row is one JSON object a line: moeprof schema measurements`;

/** `moeprof validate`: predictions against measurements of real machines. */
export function define(command: Command, context: CliContext): void {
  declared(command, VALIDATE).action(async (files: readonly string[], options: OptionsOf<typeof VALIDATE>) => {
    const threads = parseJobs(options.jobs) ?? availableParallelism();
    await deliver(context, validationReports, options, () => validate(files, options, threads, context));
  });
}

async function validate(
  files: readonly string[],
  { fit, own: wanted }: OptionsOf<typeof VALIDATE>,
  threads: number,
  context: CliContext,
): Promise<Validation> {
  const most = wanted === undefined ? null : parseCount(wanted, '--own');
  if (most !== null && most > MOST_OWN)
    throw new UserError(`--own ${wanted}: at most ${MOST_OWN} rows of a machine teach; give 0 to ${MOST_OWN}`);
  const names = files.length === 0 ? listProfiles('measurements') : files;
  const skip = ({ message }: UserError): void => context.note(`${message}; the row is left out`);
  const read = names.map((name) => readRows(name === '-' || isPath(name) ? name : findProfile('measurements', name), skip));
  const [rows, memory] = [read.flatMap(({ speed }) => speed), read.flatMap((file) => file.memory)];
  refuseTwice([...rows, ...memory, ...read.flatMap(({ hits }) => hits)]);
  const runtimes = new Map(listProfiles('runtimes').map((name) => [name, loadRuntime(name)]));
  if (rows.length + memory.length === 0) context.note('rows of hit rates are in order, and have no speed to predict');
  const { constants, variants } = nudgedConstants(runtimes, fit === true ? [...new Set(rows.map(runtimeOf))].sort() : []);
  const predicted = await watched(context, 'predicting', 'rows', (watch) => predictRowVariants(rows, variants, threads, watch));
  const validation = validationOf(
    names,
    rows,
    predicted.map(([today]) => today!),
    runtimes,
    memory,
  );
  const counts = Array.from({ length: (most ?? -1) + 1 }, (_, i) => i);
  const taught = most === null ? [] : await watched(context, 'learning', 'rows', (watch) => ownErrors(rows, counts, threads, watch));
  return {
    ...validation,
    ...(most !== null && { own: taught }),
    ...(fit === true && { refit: refitOf(validation, rows, predicted, constants, runtimes) }),
  };
}

/** @throws UserError for an id in two files */
function refuseTwice(rows: readonly { readonly id: string }[]): void {
  const ids = new Set<string>();
  for (const { id } of rows) {
    if (ids.has(id)) throw new UserError(`measurement "${id}" stands in two of the files; give each row an id of its own`);
    ids.add(id);
  }
}
