/** Planner of prefetches on the same link. */
export interface Planner {
  through(untilNs: number): void;
  /** An expert is in transfer without the plan. */
  brought(id: number): void;
}

/** Transfers for links left idle by planned prefetches. */
export interface IdleWork {
  /** Starts transfers before `untilNs`, after those of the planner. @param planner null: nothing is planned */
  advance(untilNs: number, planner: Planner | null): void;
}
