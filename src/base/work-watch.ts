// How a caller watches work that takes long: it hears of progress, and gets its turn.

/** Callbacks during long work. */
export interface WorkWatch {
  /** Called with what is done so far and in all. */
  progress?(done: number, total: number): void;
  /** Awaited now and then, so that signals and timers get their turn. */
  breathe?(): Promise<void>;
}
