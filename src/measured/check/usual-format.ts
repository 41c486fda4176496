import { isPath } from '../../base/profiles.js';
import { loadProfile } from '../../model/door.js';
import { advisedRuntime, runtimeOfProgram, type Timing } from '../../runtime/door.js';
import { type NamedModel, timedModel } from '../machine/timing-model.js';

/** Timings with the usual format of a file if a log names none, and a sentence on it; null: all named. */
export function withUsualFormats(timings: readonly Timing[], user: NamedModel): { timings: readonly Timing[]; assumed: string | null } {
  let assumed: string | null = null;
  const complete = timings.map((timing) => {
    const { bits, name, quant } = timedModel(timing, user);
    if (quant !== undefined || bits !== undefined || isPath(name)) return timing;
    const stored = loadProfile(name).quantization;
    const format = /^(?:bf16|f16|fp8)/.test(stored) ? usualFile(timing.engine) : stored;
    assumed = `Format not given: ${format}; name yours with --quantization.`;
    return { ...timing, quantization: format };
  });
  return { timings: complete, assumed };
}

/** Format of most files of models; of llama.cpp. */
const USUAL = 'q4_k_m';

function usualFile(engine: string): string {
  const { advised, name } = runtimeOfProgram(engine);
  return (advised === undefined ? null : advisedRuntime(name).usualFile) ?? USUAL;
}
