import { atMost, type CauseRule } from './rule.js';
import { WEIGHTS } from './weights.js';

/** Largest ratio to the expected speed; ours. */
const RATIO = 0.6;

/** `-ngl` leaves whole layers with attention on the CPU, `--n-cpu-moe` only experts. */
export const layerSplit: CauseRule = {
  name: 'layer-split',
  title: 'whole layers on the CPU instead of their experts',
  weight: WEIGHTS.layerSplit,
  advice: 'Put all layers on the GPU (-ngl 99) and only experts on the CPU (--n-cpu-moe), which keeps attention where it is fast.',
  examine: ({ decode, prefill, row: { placement } }) => {
    if (placement.whole_layers !== true || !(atMost(decode, RATIO) || atMost(prefill, RATIO))) return null;
    return `${placement.cpu_moe_layers} layers lie on the CPU whole, with attention and KV cache (-ngl).`;
  },
};
