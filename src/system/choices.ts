// Choices of a system by name: what happens to a miss (L13), what one event is (L7), a prefetch without a slot (L11), overlap on several GPUs.

/** Miss actions. `load`: transfer and insert; `cpu`: compute where it lies; `cheaper`: whichever ends sooner; `static`: stream, never insert;
 * and lossy ones. `substitute`: a resident expert stands in; `skip`: not served; `low-precision`: a smaller copy. */
export const MISS_ACTIONS = ['load', 'cpu', 'cheaper', 'static', 'substitute', 'skip', 'low-precision'] as const;
/** Ways to serve a miss (L13). */
export type MissAction = (typeof MISS_ACTIONS)[number];

/** Ways of an expert that was missed into the cache: inserted, as the policy wants or whatever it wants; not at all; promoted later. */
export const ADMISSIONS = ['policy', 'always', 'never', 'background'] as const;
/** How an expert that was missed gets into the cache (L13). */
export type Admission = (typeof ADMISSIONS)[number];

/** Replays. `atomic`: an event is a pass at a layer; `sequential`: every single activation is one. */
export const REPLAYS = ['atomic', 'sequential'] as const;
/** Definitions of an event (L7). */
export type Replay = (typeof REPLAYS)[number];

/** Treatment of a prefetch that finds no slot: dropped (L11), or tried again when an event has ended. */
export const WHEN_FULL = ['drop', 'wait'] as const;
/** One of {@link WHEN_FULL}. */
export type WhenFull = (typeof WHEN_FULL)[number];

/** When a planned expert is brought: whenever the link has nothing else to do (L11), or only where that saves more than it costs. */
export const PREFETCH_WHEN = ['idle', 'pays'] as const;
/** One of {@link PREFETCH_WHEN}. */
export type PrefetchWhen = (typeof PREFETCH_WHEN)[number];

/** When prefetching stops: never, or where it has caused more stall than it has avoided. */
export const PREFETCH_BUDGETS = ['none', 'pays'] as const;

/** Degrees of overlap: chunks of an event. The choices of Tutel (arXiv 2206.03382, section 3.3). */
export const DEGREES = [1, 2, 4, 8] as const;
/** Overlap of a system: a degree for all events, or the best of {@link DEGREES} for each. */
export type Overlap = (typeof DEGREES)[number] | 'adaptive';
