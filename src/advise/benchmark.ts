// A setting for the benchmark of a runtime, whose flags are not all those of its server.
import type { FlagUse } from '../runtime/flags/flag.js';
import { cpuExpertLayers, LEAST_BATCH } from '../runtime/kind/loaded.js';
import type { AdvisedRuntime } from '../runtime/kind/runtime.js';
import type { Priced } from './search.js';

/**
 * Words that set a setting on the benchmark's command line, without the model. It counts layers if the server has a flag for all, its passes are no
 * longer than its batch, and commas separate values to try. @param uses the server's flags @param more flags that it takes besides
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
