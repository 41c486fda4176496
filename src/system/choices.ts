/** Replays. `atomic`: an event is a pass at a layer; `sequential`: an event is an activation. */
export const REPLAYS = ['atomic', 'sequential'] as const;
/** Definitions of an event (L7). */
export type Replay = (typeof REPLAYS)[number];

/** A prefetch without a slot: dropped (L11), or retried after each event. */
export const WHEN_FULL = ['drop', 'wait'] as const;

/** Condition of a prefetch: an idle link (L11), or also a saving above the cost. */
export const PREFETCH_WHEN = ['idle', 'pays'] as const;

/** Stop of prefetches: never, or once caused stall exceeds avoided stall. */
export const PREFETCH_BUDGETS = ['none', 'pays'] as const;

/** Degrees of overlap, chunks of an event: Tutel's choices (arXiv 2206.03382, section 3.3). */
export const DEGREES = [1, 2, 4, 8] as const;
/** A degree for all events, or the best of {@link DEGREES} for each. */
export type Overlap = (typeof DEGREES)[number] | 'adaptive';

/** Words for a runtime: the system's own, or the machine's default. */
export const RUNTIME_WORDS: readonly string[] = ['own', 'default'];
