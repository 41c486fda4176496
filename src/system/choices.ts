/**
 * Miss actions. `load`: transfer and insert; `cpu`: compute on its memory's processor; `cheaper`: whichever ends sooner; `balance`: both, so that
 * they end together, hits included; `static`: stream, never insert; and lossy ones. `substitute`: a resident expert stands in; `skip`: not served;
 * `low-precision`: a smaller copy.
 */
export const MISS_ACTIONS = ['load', 'cpu', 'cheaper', 'balance', 'static', 'substitute', 'skip', 'low-precision'] as const;
/** Ways to serve a miss (L13). */
export type MissAction = (typeof MISS_ACTIONS)[number];

/** Admissions of a missed expert: inserted, if the policy wants it or always; never; promoted later. */
export const ADMISSIONS = ['policy', 'always', 'never', 'background'] as const;
/** One of {@link ADMISSIONS} (L13). */
export type Admission = (typeof ADMISSIONS)[number];

/** Replays. `atomic`: an event is a pass at a layer; `sequential`: every single activation is one. */
export const REPLAYS = ['atomic', 'sequential'] as const;
/** Definitions of an event (L7). */
export type Replay = (typeof REPLAYS)[number];

/** Treatment of a prefetch that finds no slot: dropped (L11), or tried again when an event has ended. */
export const WHEN_FULL = ['drop', 'wait'] as const;

/** Conditions of a prefetch: an idle link (L11), or also a saving above its cost. */
export const PREFETCH_WHEN = ['idle', 'pays'] as const;

/** Conditions for stopping prefetches: never, or once they have caused more stall than they have avoided. */
export const PREFETCH_BUDGETS = ['none', 'pays'] as const;

/** Degrees of overlap: chunks of an event. The choices of Tutel (arXiv 2206.03382, section 3.3). */
export const DEGREES = [1, 2, 4, 8] as const;
/** Overlap of a system: a degree for all events, or the best of {@link DEGREES} for each. */
export type Overlap = (typeof DEGREES)[number] | 'adaptive';

/** Words instead of the name of a runtime: the system's own, or whatever drives the machine if nobody names one. */
export const RUNTIME_WORDS: readonly string[] = ['own', 'default'];
