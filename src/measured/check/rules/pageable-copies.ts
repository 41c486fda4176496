import { formatRatio } from '../../../base/units.js';
import { DEFAULT_RUNTIME } from '../../../runtime/door.js';
import { copyBandwidth } from '../../validate/rows/row-machine.js';
import { asExpected, type CauseRule, explains } from './rule.js';
import { WEIGHTS } from './weights.js';

/** Slower copies must decide, and give nearly the measured speed; ours. */
const LIKE = { decides: 0.75, near: 0.12 };
/**
 * Pageable over pinned copies: Cache-MoE 0.58 of its link, 13.98 and 26.7 ms for an expert; 97 % were 0.76 and 0.80.
 */
const PAGEABLE = 0.6;

/** Experts are copied from pageable memory, twice by the driver: a link gives some .58 of the pinned rate. */
export const pageableCopies: CauseRule = {
  name: 'pageable-copies',
  title: 'copies from memory that is not pinned',
  weight: WEIGHTS.pageableCopies,
  advice: `Try --load-mode none (builds before July 2026: --no-mmap), which lets ${DEFAULT_RUNTIME} pin the weights in host memory.`,
  examine: async (run) => {
    const { decode, prefill, row } = run;
    // Weights mapped from a file are never pinned.
    if (prefill === null || decode === null || row.run.mmap !== true || !prefill.slow || !asExpected(decode)) return null;
    const slower = await run.supposed(({ machine, ...rest }) => ({
      ...rest,
      machine: {
        ...machine,
        gpus: machine.gpus.map((gpu) => ({
          ...gpu,
          pcie: { gen: gpu.pcie?.gen ?? 4, lanes: gpu.pcie?.lanes ?? 16, measured_gbps: (PAGEABLE * copyBandwidth(gpu)) / 1e9 },
        })),
      },
    }));
    if (!explains(slower.prefill, prefill, LIKE)) return null;
    return `Prompts reach ${formatRatio(prefill.ratio, 0)} with weights mapped from the file, which the driver copies twice.`;
  },
};
