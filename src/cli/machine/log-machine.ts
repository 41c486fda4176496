import { UserError } from '../../base/errors.js';
import { isComposed, type MachineFile, machineFileOf, machineOfFile } from '../../hardware/door.js';
import {
  agrees,
  completedWords,
  demandAgreement,
  demandCard,
  demandKnown,
  loggedMachine,
  namedWords,
  namesMachine,
  remarksOn,
} from '../../measured/check/log-machine.js';
import type { Timing } from '../../runtime/door.js';
import { machineToMeasure } from './calibrate.js';
import { detectedMachine } from './detect.js';

/** The machine that judges a log. */
export interface JudgingMachine {
  readonly file: MachineFile;
  /** Words for -w; null: this machine. */
  readonly name: string | null;
  /** Sentences on what was assumed. */
  readonly notes: readonly string[];
}

/** The machine of -w, of the log, or this one. @throws UserError for a contradiction, or without a known machine */
export async function judgingMachine(timings: readonly Timing[], given: string | undefined): Promise<JudgingMachine> {
  const named = loggedMachine(timings);
  if (given !== undefined) {
    const name = isComposed(given) ? completedWords(given, named) : given;
    const file = await machineToMeasure(name);
    const machine = machineOfFile(file, name);
    demandAgreement(named, machine, given);
    return { file, name, notes: remarksOn(named, machine) };
  }
  const detected = await detectedOrNull();
  const here = detected === null ? null : machineFileOf(detected.detection, detected.name);
  const machine = here === null ? null : machineOfFile(here, 'this machine');
  const seen = detected?.detection.parts.map((part) => part.seen) ?? [];
  const isNamed = namesMachine(named) || named.unknown.card !== null || named.unknown.cpu !== null;
  if (here !== null && machine !== null && isNamed && agrees(named, machine, seen)) return { file: here, name: null, notes: [] };
  demandKnown(named);
  demandCard(named, isNamed ? null : machine);
  if (!isNamed) {
    const file = here ?? (await machineToMeasure(undefined));
    return { file, name: null, notes: ['The log names no machine: this one is taken.'] };
  }
  const name = namedWords(named).join('+');
  if (!namesMachine(named) || (named.cpu === null && (named.gpus ?? []).length === 0))
    throw new UserError(`${named.place}: its processor, "${named.unknown.cpu ?? '?'}", is no known part; name the machine with -w`);
  const file = { name, parts: namedWords(named) };
  return { file, name, notes: remarksOn(named, machineOfFile(file, name)) };
}

async function detectedOrNull(): Promise<Awaited<ReturnType<typeof detectedMachine>> | null> {
  try {
    return await detectedMachine();
  } catch (error) {
    if (error instanceof UserError) return null;
    throw error;
  }
}
