import { placement } from './placement.js';

/** `order=linear`: neighbours together, first GPUs take the rest; `order=round-robin`: expert e on GPU e mod n. */
export const even = placement({
  name: 'even',
  summary: 'as many experts on each GPU, by their number',
  cites: 'GShard, arXiv 2006.16668; vLLM --expert-placement-strategy',
  parameters: {
    order: { default: 'linear', values: ['linear', 'round-robin'], description: 'which experts live together' },
  },
  needsPopularity: false,
  place({ experts, gpus }, { order }) {
    if (order === 'round-robin') return Int32Array.from({ length: experts }, (_, expert) => expert % gpus);
    const share = Math.floor(experts / gpus);
    const larger = experts % gpus;
    const ends = larger * (share + 1);
    return Int32Array.from({ length: experts }, (_, expert) =>
      expert < ends ? Math.floor(expert / (share + 1)) : larger + Math.floor((expert - ends) / share),
    );
  },
});
