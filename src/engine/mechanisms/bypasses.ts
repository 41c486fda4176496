import type { Mechanism } from './mechanism.js';

/** Rules for misses that the cache policy leaves without a slot. */
export const BYPASSES: Mechanism = {
  name: 'bypasses',
  law: 'L13',
  inRun({ rules }) {
    if (!rules.some(({ when }) => when?.bypassed === true)) return null;
    return {
      on: ({ event: { demand }, gpu: { gpu, layerOf } }) => ({
        checks: ({ bypassed }) => {
          if (bypassed !== true) return [];
          return [
            (i) => {
              const id = demand.ids[i]!;
              const { base, policy } = gpu.byLayer[layerOf[id]!]!;
              return policy.bypasses?.(id - base) === true;
            },
          ];
        },
      }),
    };
  },
};
