import { placed, UserError } from '../base/errors.js';
import { pictureFormats, rankingFigures } from '../figure/door.js';
import { findHardware } from '../hardware/door.js';
import { type RankedRun, rankingDocument, rankingReports, splitRuns } from '../report/door.js';
import type { Result } from '../result/result.js';
import { loadSystem } from '../system/door.js';
import type { CliContext } from './kit/context.js';
import { deliver, type OutputOptions } from './kit/outputs.js';
import { namesIn } from './listed.js';
import type { RunFlags } from './run-options.js';

/** Flags of a run in a ranking. */
export interface Combination {
  readonly system?: string;
  readonly hardware?: string;
  /** Undefined if the system fixes its own (`no-cache`, `all-resident`). */
  readonly cache?: string;
}

/** Every system on every machine. @throws UserError for an empty, repeated or unknown name */
export function combinationsOf(options: Pick<RunFlags, 'system' | 'hardware' | 'cache'>): Combination[] {
  const systems = options.system === undefined ? [undefined] : namesIn(options.system, '--system');
  const machines = options.hardware === undefined ? [undefined] : namesIn(options.hardware, '--hardware');
  for (const machine of machines) if (machine !== undefined) placed('--hardware', () => findHardware(machine));
  return systems.flatMap((system) => {
    const fixed = system !== undefined && placed('--system', () => loadSystem(system)).value.cache.capacity !== undefined;
    return machines.map((hardware) => ({ system, hardware, cache: fixed ? undefined : options.cache }));
  });
}

/** Runner of a ranking. */
export interface RankingRuns {
  run(combination: Combination): Promise<Result>;
  /** Command for a single combination. */
  again(combination: Combination): string;
}

/** `moeprof run -s a,b -w x,y`. @throws UserError if all are refused */
export async function runMany(
  combinations: readonly Combination[],
  runs: RankingRuns,
  context: CliContext,
  options: OutputOptions & { readonly trace: readonly string[] },
): Promise<void> {
  const rankAll = async (): Promise<RankedRun[]> => {
    const all: RankedRun[] = [];
    for (const combination of combinations) all.push(await runOrRefuse(combination, rowName(combinations, combination), runs));
    const { refused, results } = splitRuns(all);
    if (results.length === 0) throw new UserError(`${refused[0]!.name}: ${refused[0]!.reason}`);
    return all;
  };
  const formats = [...rankingReports, ...pictureFormats('moeprof run', rankingFigures, rankingDocument)];
  await deliver(context, formats, options, rankAll, options.trace);
}

async function runOrRefuse(combination: Combination, name: string, { again, run }: RankingRuns): Promise<RankedRun> {
  try {
    return await run(combination);
  } catch (error) {
    if (!(error instanceof UserError)) throw error;
    const { hardware = '', system = '' } = combination;
    return { status: 'refused', system, hardware, name, reason: error.message, again: again(combination) };
  }
}

function rowName(all: readonly Combination[], { hardware, system }: Combination): string {
  const differ = (of: (one: Combination) => string | undefined): boolean => new Set(all.map(of)).size > 1;
  const parts = [differ((cell) => cell.system) ? system : undefined, differ((cell) => cell.hardware) ? hardware : undefined];
  return parts.filter((part) => part !== undefined).join(' on ');
}
