import { availableParallelism } from '../../base/host/machine.js';
import { resolve } from '../../base/host/paths.js';
import { remembered } from '../../base/objects.js';
import { isPath } from '../../base/profiles.js';
import { isComposed, type Learned, machineOfFile, readMachineFile } from '../../hardware/door.js';
import { demandAgreement, loggedMachine } from '../../measured/check/log-machine.js';
import { learn, type NamedModel } from '../../measured/machine/learn.js';
import { timingsOfFile, timingsOfFlags } from '../../runtime/door.js';
import type { RunSpec } from '../../system/door.js';
import type { CliContext } from '../kit/context.js';
import { watched } from '../kit/watched.js';
import { machineToMeasure } from './calibrate.js';

/**
 * Learns from timings; null: no timings.
 * @param name undefined: the current machine
 * @param user model of timings without a model
 * @throws UserError
 */
export async function learnedBy(
  context: Pick<CliContext, 'progress' | 'breathe' | 'note'>,
  given: readonly string[],
  name: string | undefined,
  user: NamedModel,
): Promise<Learned | null> {
  const known = name === undefined ? null : readMachineFile(name);
  const timings = [...timingsOfFile(known?.timings, `${name}: timings`), ...timingsOfFlags(given)];
  if (timings.length === 0) return null;
  const file = known ?? (await machineToMeasure(name));
  demandAgreement(loggedMachine(timings), machineOfFile(file, name ?? 'this machine'), name ?? null);
  return watched(context, 'learning', 'predictions', (watch) =>
    learn(timings, file, name ?? 'this machine', user, availableParallelism(), watch),
  );
}

/** Each machine is learned once. @throws UserError as {@link learnedBy} */
export function learnerOf(
  context: Pick<CliContext, 'progress' | 'breathe' | 'note'>,
  given: readonly string[],
): (run: RunSpec) => Promise<RunSpec> {
  const known = new Map<string, Promise<Learned | null>>();
  return async (run) => {
    const { folder, hardware, model = null, quantization = null } = run;
    const name = isPath(hardware) && !isComposed(hardware) ? resolve(folder, hardware) : hardware;
    const key = JSON.stringify([name, model, quantization]);
    const learned = await remembered(known, key, () => learnedBy(context, given, name, { model, quantization }));
    return learned === null ? run : { ...run, learned };
  };
}
