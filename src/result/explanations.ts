import { z } from 'zod';
import { bundledFile } from '../base/profiles.js';
import { readOwnYaml } from '../base/yaml.js';

const topicSchema = z.strictObject({
  /** Names that it is about: metric names, in which a trailing `.*` stands for all that follow, or the code of a warning. */
  names: z.array(z.string()).min(1),
  /** Its definition: how it is counted, over what. */
  what: z.string(),
  /** How to read it: what is good, what moves it, what to look at next. */
  reading: z.string(),
});

/** Two paragraphs on a family of metrics, or on a warning. */
export type Topic = z.infer<typeof topicSchema>;

const schema = z.strictObject({
  metrics: z.array(topicSchema),
  warnings: z.array(topicSchema),
  /** The glossary: a sentence for each word of the screens; other spellings of a word are separated by commas. */
  words: z.record(z.string(), z.string()),
});

let read: z.infer<typeof schema> | undefined;

/** All topics of `moeprof explain`, from `profiles/explanations.yaml`. Every metric of the catalogue is in exactly one. */
export function explanations(): z.infer<typeof schema> {
  read ??= readOwnYaml(bundledFile('explanations.yaml'), schema);
  return read;
}

/** The sentence of the glossary for a word, in any case; null: it has none. */
export const glossaryOf = (word: string): string | null =>
  Object.entries(explanations().words).find(([names]) => names.split(', ').includes(word.toLowerCase()))?.[1] ?? null;

/** All topics, metrics first. */
export const allTopics = (): readonly Topic[] => [...explanations().metrics, ...explanations().warnings];

/** The topic of a metric (`latency.tpot.p50`), a family (`latency.tpot`), or a warning (`below-token-cycle`); null: there is none. */
export const topicOf = (name: string): Topic | null => allTopics().find(({ names }) => names.some((known) => covers(known, name))) ?? null;

/** True if a name of a topic, which may end in `.*`, covers the name of a metric or of its family. */
function covers(known: string, name: string): boolean {
  if (!known.endsWith('.*')) return known === name;
  const family = known.slice(0, -2);
  return name === family || name.startsWith(`${family}.`);
}
