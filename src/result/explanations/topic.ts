// A topic of `moeprof explain`. Types only.

/** Two paragraphs on a family of metrics, or on a warning. */
export interface Topic {
  /** Names that it is about: metric names, where a trailing `.*` stands for all that follow, or the code of a warning. */
  readonly names: readonly string[];
  /** Its definition: how it is counted, over what. */
  readonly what: string;
  /** How to read it: what is good, what moves it, what to look at next. */
  readonly reading: string;
}
