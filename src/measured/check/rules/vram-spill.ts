import { formatBytes } from '../../../base/units.js';
import { overfullText } from '../../../hardware/door.js';
import { atMost, type CauseRule } from './rule.js';
import { WEIGHTS } from './weights.js';

/** Largest ratio to the expected speed; ours. */
const RATIO = 0.7;

/** Spilled VRAM: the driver silently moves the excess to host memory (by default on Windows). */
export const vramSpill: CauseRule = {
  name: 'vram-spill',
  title: 'VRAM that the driver spills',
  weight: WEIGHTS.vramSpill,
  advice:
    'Keep experts of more layers in host memory (--n-cpu-moe), or allocate less context; on Windows forbid the driver to fall back to system memory.',
  examine: ({ decode, footprint, prefill }) => {
    if (footprint === null || footprint.gpuHas === null || !(atMost(decode, RATIO) || atMost(prefill, RATIO))) return null;
    const { gpuHas: has, gpuNeeds: needs, gpuTouched: touched, spill } = footprint;
    if (needs <= has) return null;
    if (decode !== null)
      return `${overfullText({ needs, has, touched, speed: decode.expected }, spill, 'weights and KV cache', 'GPU memory')}.`;
    return `Weights and KV cache take ${formatBytes(needs)} on ${formatBytes(has)} of GPU memory: the driver keeps the rest in host memory.`;
  },
};
