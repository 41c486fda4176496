import { UserError } from '../../base/errors.js';
import { isComposed, type MachineFile, machineFileOf, machineOfFile } from '../../hardware/door.js';
import {
  agrees,
  completedWords,
  demandAgreement,
  demandCard,
  demandKnown,
  machineNamed,
  namesMachine,
  remarksOn,
  wordsOf,
} from '../../measured/check/log-machine.js';
import type { Timing } from '../../runtime/door.js';
import { machineToMeasure } from './calibrate.js';
import { type detectedMachine as Detected, detectedMachine } from './detect.js';

/** The machine that judges a log. */
export interface JudgingMachine {
  readonly file: MachineFile;
  /** Words for -w; undefined: this machine. */
  readonly name: string | undefined;
  /** Sentences on what was assumed. */
  readonly notes: readonly string[];
}

/** The machine of -w, of the log, or this one. @throws UserError for a contradiction, or without a known machine */
export async function judgingMachine(timings: readonly Timing[], given: string | undefined): Promise<JudgingMachine> {
  const named = machineNamed(timings);
  if (given !== undefined) {
    const name = isComposed(given) ? completedWords(given, named) : given;
    const file = await machineToMeasure(name);
    const machine = machineOfFile(file, name);
    demandAgreement(named, machine, given);
    return { file, name, notes: remarksOn(named, machine) };
  }
  const detected = await detectedOrNull();
  const own = detected === null ? null : machineFileOf(detected.detection, detected.name);
  const machine = own === null ? null : machineOfFile(own, 'this machine');
  const seen = detected?.detection.parts.map((part) => part.seen) ?? [];
  const isNamed = namesMachine(named) || named.unknown.card !== null || named.unknown.cpu !== null;
  if (own !== null && machine !== null && isNamed && agrees(named, machine, seen)) return { file: own, name: undefined, notes: [] };
  demandKnown(named);
  demandCard(named, isNamed ? null : machine);
  if (!isNamed) {
    const file = own ?? (await machineToMeasure(undefined));
    return { file, name: undefined, notes: ['The log names no machine: this one is taken.'] };
  }
  const name = wordsOf(named).join('+');
  if (!namesMachine(named) || (named.cpu === null && (named.gpus ?? []).length === 0))
    throw new UserError(`${named.place}: its processor, "${named.unknown.cpu ?? '?'}", is no known part; name the machine with -w`);
  const file = { name, parts: wordsOf(named) };
  return { file, name, notes: remarksOn(named, machineOfFile(file, name)) };
}

async function detectedOrNull(): Promise<Awaited<ReturnType<typeof Detected>> | null> {
  try {
    return await detectedMachine();
  } catch (error) {
    if (error instanceof UserError) return null;
    throw error;
  }
}
