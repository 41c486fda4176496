import type { CauseRule } from './rule.js';
import { WEIGHTS } from './weights.js';

/** `topp 0.7`, `--expert-top-p 0.8`: the choices up to so much of the router's weight. */
const DROPS = /(?:^|\s)(?:--?(?:expert-)?)?top[-_]?p[ =](0?\.\d+)/i;

/** Flags that let a token use fewer experts than the model chose: the figure is not one of this model. */
export const lossyRouting: CauseRule = {
  name: 'lossy-routing',
  title: 'experts that are dropped',
  weight: WEIGHTS.lossyRouting,
  advice: 'Compare with runs of the same setting only, or run it without.',
  examine: ({ row: { flags, placement } }) => {
    // In a sampler top-p is of tokens; with a cache of experts it is of experts.
    const share = placement.kind === 'ssd-stream' || placement.kind === 'expert-cache' ? DROPS.exec(flags ?? '')?.[1] : undefined;
    if (share === undefined) return null;
    return `Experts beyond ${Number(share)} of the router's weight are dropped: another amount of work, and another model.`;
  },
};
