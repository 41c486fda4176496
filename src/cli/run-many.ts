// `moeprof run -s a,b,c -w x,y`: every system on every machine, one after another, and one ranking.
import { placed, UserError } from '../base/errors.js';
import { pictureFormats } from '../explore/figure/formats.js';
import { rankingFigures } from '../explore/figure/ranking-figures.js';
import { rankingDocument, rankingReports } from '../report/ranking/ranking.js';
import type { Result } from '../result/result.js';
import { loadSystem } from '../system/system.js';
import type { CliContext } from './context.js';
import { namesIn } from './listed.js';
import type { OutputOptions } from './options.js';
import { deliver } from './outputs.js';

/** Flags of one run of a ranking. */
export interface Combination {
  readonly system: string | undefined;
  readonly hardware: string | undefined;
  /** Expert cache; undefined for a system that fixes its own (`no-cache`, `all-resident`). */
  readonly cache: string | undefined;
}

/** True where a flag names several systems or machines. */
export function namesSeveral(options: { readonly system?: string; readonly hardware?: string }): boolean {
  return [options.system, options.hardware].some((names) => names?.includes(',') === true);
}

/**
 * Every system on every machine.
 * @throws UserError where a list has an empty or a repeated name, or a system is unknown
 */
export function combinationsOf(options: { readonly system?: string; readonly hardware?: string; readonly cache?: string }): Combination[] {
  const systems = options.system === undefined ? [undefined] : namesIn(options.system, '--system');
  const machines = options.hardware === undefined ? [undefined] : namesIn(options.hardware, '--hardware');
  return systems.flatMap((system) => {
    const fixed = system !== undefined && placed('--system', () => loadSystem(system)).value.cache.capacity !== undefined;
    return machines.map((hardware) => ({ system, hardware, cache: fixed ? undefined : options.cache }));
  });
}

/**
 * Runs all combinations and delivers the ranking.
 * @param run runs one combination
 */
export async function runMany(
  combinations: readonly Combination[],
  run: (combination: Combination) => Promise<Result>,
  context: CliContext,
  options: OutputOptions & { readonly trace: readonly string[] },
): Promise<void> {
  const rank = async (): Promise<Result[]> => {
    const results: Result[] = [];
    for (const combination of combinations) results.push(await runNamed(combination, run));
    return results;
  };
  const formats = [...rankingReports, ...pictureFormats('moeprof run', rankingFigures, rankingDocument)];
  await deliver(context, formats, options, rank, options.trace);
}

/** Runs one combination; its errors name it. */
async function runNamed(combination: Combination, run: (combination: Combination) => Promise<Result>): Promise<Result> {
  try {
    return await run(combination);
  } catch (error) {
    if (!(error instanceof UserError)) throw error;
    const { hardware, system } = combination;
    throw new UserError(`${[system, hardware].filter((name) => name !== undefined).join(' on ')}: ${error.message}`, error.exitCode);
  }
}
