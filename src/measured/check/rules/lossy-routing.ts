import type { CauseRule } from './rule.js';
import { WEIGHTS } from './weights.js';

/** `topp 0.7`, `--expert-top-p 0.8`: share of router weight kept. */
const DROPS = /(?:^|\s)(?:--?(?:expert-)?)?top[-_]?p[ =](0?\.\d+)/i;

/** Flags that use fewer experts than the model chose, and so measure a different model. */
export const lossyRouting: CauseRule = {
  name: 'lossy-routing',
  title: 'experts that are dropped',
  weight: WEIGHTS.lossyRouting,
  advice: 'Compare with runs of the same setting only, or run it without.',
  examine: ({ row: { flags, placement } }) => {
    // A sampler's top-p is about tokens; an expert cache's is about experts.
    const share = placement.kind === 'ssd-stream' || placement.kind === 'expert-cache' ? DROPS.exec(flags ?? '')?.[1] : undefined;
    if (share === undefined) return null;
    return `Experts beyond ${Number(share)} of the router's weight are dropped: another amount of work, and another model.`;
  },
};
