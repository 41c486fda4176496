import type { CauseRule } from './rule.js';
import { WEIGHTS } from './weights.js';

/** Least speed-up without the program's own time. Ours: three fifths of a token are then overhead. */
const TIMES = 2.5;

/** The program's own time decides: an interpreter, or many small kernels. */
export const overhead: CauseRule = {
  name: 'overhead',
  title: "the program's own time",
  weight: WEIGHTS.overhead,
  advice: 'Use graphs or a native program, fewer and larger kernels, or a larger batch; faster memory would not help.',
  examine: async (run) => {
    const { decode, row } = run;
    // The expected speed already includes overhead.
    if (decode === null || decode.slow || row.placement.kind === 'ssd-stream') return null;
    const without = await run.supposed(
      (same) => same,
      (runtime) => ({ ...runtime, pass: 0, layer: 0, expert: 0, handover: 0, cpu: { ...runtime.cpu, layer: 0 } }),
    );
    if (without.decode === undefined || without.decode < TIMES * Math.max(decode.measured, decode.expected)) return null;
    return `Without the time that the program takes between its kernels it would reach ${without.decode.toPrecision(3)} tokens a second instead of ${decode.measured}.`;
  },
};
