import { UserError } from '../../base/errors.js';
import { newSha256 } from '../../base/host/hash.js';
import { isPath } from '../../base/profiles.js';
import { type Machine, type MachineFile, machineOfFile } from '../../hardware/door.js';
import { runtimeOfProgram, type Timing } from '../../runtime/door.js';
import { type NamedModel, timingOfModel } from '../machine/timing-model.js';
import { isUnplaced, joinedPhases, measurementsOf, TELL_PLACES } from '../machine/timing-row.js';
import { runtimesFor } from '../validate/constants.js';
import { predictRowVariants } from '../validate/predict-all.js';
import { type Measurement, parseRows } from '../validate/rows/measurement.js';
import { figuresOf, type MeasuredMetric } from '../validate/rows/specify.js';

/** A log with its timings. */
export interface ReadLog {
  readonly text: string;
  readonly timings: readonly Timing[];
}

interface ContributedRow {
  readonly row: Measurement;
  readonly predicted: Partial<Record<MeasuredMetric, number>>;
}

/** Rows to contribute. */
export interface Contribution {
  readonly machine: string;
  readonly rows: readonly ContributedRow[];
}

/** @param place of the machine, for messages @param os null: unknown @throws UserError for a missing part */
export async function contributionOf(
  logs: readonly ReadLog[],
  file: MachineFile,
  place: string,
  user: NamedModel,
  os: string | null,
): Promise<Contribution> {
  const machine = machineOfFile(file, place);
  const name = file.parts.join('+');
  if (user.model !== null && isPath(user.model))
    throw new UserError(`-m ${user.model}: a row is predicted by others, who do not have the file; give the name of a bundled model`);
  const drafts = logs.flatMap(({ text, timings }) => {
    const version = versionOf(text);
    const placed = timings.map((given) => {
      const timing = timingOfModel(given, user);
      if (runtimeOfProgram(timing.engine).places !== 'by itself' && isUnplaced(timing, machine))
        throw new UserError(`${timing.place}: nothing says where the experts lie, which a row needs; ${TELL_PLACES}`);
      return timing;
    });
    return measurementsOf(placed, { ...machine, name }, user).map((row) => {
      if (isPath(row.model.name)) throw new UserError(`${row.id}: its model is a file that others do not have; name a bundled one with -m`);
      return { ...row, ...(version !== undefined && { engine_version: version }), machine: { ...row.machine, ...(os !== null && { os }) } };
    });
  });
  const rows = joinedPhases(drafts).map((row) => finished(row, machine, place));
  const read = parseRows(rows.map((row) => JSON.stringify(row)).join('\n'), 'the row').speed;
  const runtimes = runtimesFor(read);
  const predictions = await predictRowVariants(read, [runtimes], 1, {});
  return { machine: name, rows: read.map((row, i) => ({ row, predicted: predictions[i]![0]!.figures })) };
}

/** Removes private flags, and lists guessed fields. @throws UserError for a guessed part that decides the speed */
function finished({ flags, id: place, ...row }: Measurement, { standIns }: Machine, where: string): Measurement {
  const guessed: string[] = [];
  for (const [pattern, field, part] of GUESSED) {
    if (!standIns.some((sentence) => pattern.test(sentence))) continue;
    if (row.placement.kind !== 'all-gpu' && part !== null)
      throw new UserError(
        `${where}: a row needs the ${part} of the machine, which nothing says; add it with -w, e.g. rtx-3090+ryzen-9-7950x+2xddr5-6000+64GB`,
      );
    guessed.push(field);
  }
  const shown = flags?.replace(SECRET, '').replace(/(^|[\s="'])[^\s="']*[/\\](?=[^\s"'/\\]+)/g, '$1');
  const more = { ...(shown !== undefined && { flags: shown }), ...(guessed.length > 0 && { guessed }) };
  const sha256 = newSha256();
  sha256.update(JSON.stringify([row, more]));
  const id = `${row.machine.name}-${row.model.name}-${sha256.digest('hex').slice(0, 8)}`;
  if (figuresOf({ ...row, id }).length > 0) return { id, ...row, ...more };
  throw new UserError(`${place}: has no speed; run the prompt and generation as tests of their own`);
}

/** Private flags of a command line. */
const SECRET = /\s(?:--api-key|--api-key-file|--hf-token|-hft|--host|--alias|-a)[= ]\S+/g;

/** Stand-in sentence, row field, and the part if it decides the speed. */
const GUESSED: readonly (readonly [pattern: RegExp, field: string, part: string | null])[] = [
  [/^CPU not given/, 'cpu', 'CPU'],
  [/^(Memory|Channels of the memory) not given/, 'ram', 'kind and channels of the memory'],
  [/^PCIe not given/, 'gpus.pcie', null],
];

/** Engine build, as printed by llama.cpp and forks. */
function versionOf(text: string): string | undefined {
  const number = /"build_number":\s*(\d+)/.exec(text)?.[1];
  const commit = /"build_commit":\s*"(\w+)"/.exec(text)?.[1];
  if (number !== undefined) return `b${number}${commit === undefined ? '' : ` (${commit})`}`;
  return /\bbuild(?::| =) (\w+ \(\w+\))/.exec(text)?.[1];
}
