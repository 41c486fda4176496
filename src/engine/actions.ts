// The two choices that the laws leave to a system: what happens to a miss (L13), and what one event is (L7).

/** Miss actions. `load`: transfer and insert; `cpu`: compute where it lies; `cheaper`: whichever ends sooner; `static`: stream, never insert. */
export const MISS_ACTIONS = ['load', 'cpu', 'cheaper', 'static'] as const;
/** What happens to a miss (L13). */
export type MissAction = (typeof MISS_ACTIONS)[number];

/** Replays. `atomic`: an event is a pass at a layer; `sequential`: every single activation is one. */
export const REPLAYS = ['atomic', 'sequential'] as const;
/** What one event is (L7). */
export type Replay = (typeof REPLAYS)[number];

/** What becomes of a prefetch that finds no slot: dropped (L11), or tried again when an event has ended. */
export const WHEN_FULL = ['drop', 'wait'] as const;
/** One of {@link WHEN_FULL}. */
export type WhenFull = (typeof WHEN_FULL)[number];
