import type { FlagUse } from '../runtime/flags/flag.js';
import { cpuExpertLayers, LEAST_BATCH } from '../runtime/kind/loaded.js';
import type { AdvisedRuntime } from '../runtime/kind/runtime.js';
import type { Priced } from './search.js';

/**
 * Words for a setting on the benchmark's command line, without the model. The benchmark has no `-cmoe`, limits passes
 * to the batch, and reads commas as lists.
 * @param uses the server's flags
 * @param more further flags of the benchmark
 */
export function benchmarkWords(
  { benchmark }: AdvisedRuntime,
  { model, setting }: Priced,
  uses: readonly FlagUse[],
  more: readonly string[] = [],
): string[] {
  const known = ['-b', ...benchmark!.flags, ...more];
  return uses.flatMap(([flag, value]): string[] => {
    if (flag === '-cmoe') return ['-ncmoe', `${cpuExpertLayers(model, setting)}`];
    if (!known.includes(flag) || flag === '-m' || (flag === '-b' && Number(value) <= LEAST_BATCH)) return [];
    return value === null ? [flag] : [flag, `${value}`.replaceAll(',', '/')];
  });
}
