// A topic of `moeprof explain`, and how topics are written: as text.

/** Two paragraphs on a family of metrics, or on a warning. */
export interface Topic {
  /** Names that it is about: metric names, where a trailing `.*` stands for all that follow, or the code of a warning. */
  readonly names: readonly string[];
  /** Its definition: how it is counted, over what. */
  readonly what: string;
  /** How to read it: what is good, what moves it, what to look at next. */
  readonly reading: string;
}

/** The topics of a text, with a blank line between them: a line of names, then one for each paragraph. */
export function topicsIn(text: string): readonly Topic[] {
  return text
    .trim()
    .split('\n\n')
    .map((topic) => {
      const [names, what, reading] = topic.split('\n');
      return { names: names!.split(' '), what: what!, reading: reading! };
    });
}
