// How each system is shown at work: on a trace that ships with moeprof, or on synthetic routing where it needs candidates to choose among,
// on as many GPUs as it has something to say about. What the page prints as a command and what a test runs is the same.
import type { RunInput } from '../../src/system/run.js';
import type { SystemSpec } from '../../src/system/system.js';

/** The run of one system, and the command that runs it. */
export interface Example {
  readonly run: RunInput;
  readonly command: string;
}

/** The example of a system. */
export function exampleOf({ cache, name, overlap, placement, rerank }: SystemSpec): Example {
  const several = placement !== undefined || overlap !== undefined;
  const hardware = several ? '2x-rtx-4090' : 't4';
  const trace = rerank === undefined ? { trace: 'mini-finegrained-64x12l' } : { model: 'mini-finegrained-64x12l' };
  const memory = cache.capacity === undefined ? { expertCache: '25%' } : {};
  const batch = several ? 16 : 1;
  const flags = [
    rerank === undefined ? '-t mini-finegrained-64x12l' : '-m mini-finegrained-64x12l',
    `-w ${hardware} -s ${name}`,
    ...(cache.capacity === undefined ? ['--cache 25%'] : []),
    ...(several ? ['--batch 16'] : []),
  ];
  return { run: { ...trace, hardware, system: name, memory, workload: { batch } }, command: `moeprof run ${flags.join(' ')}` };
}
