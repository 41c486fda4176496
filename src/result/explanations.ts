import { z } from 'zod';
import { bundledFile } from '../base/profiles.js';
import { readOwnYaml } from '../base/yaml.js';

const topicSchema = z.strictObject({
  /** Metric names, with a trailing `.*` for all that follow, or a warning's code. */
  names: z.array(z.string()).min(1),
  /** Definition: how and over which events the metric is counted. */
  what: z.string(),
  /** Good values, influences, next steps. */
  reading: z.string(),
});

/** Two paragraphs on a family of metrics, or on a warning. */
export type Topic = z.infer<typeof topicSchema>;

const schema = z.strictObject({
  metrics: z.array(topicSchema),
  warnings: z.array(topicSchema),
  /** Glossary of the screens; commas separate spellings. */
  words: z.record(z.string(), z.string()),
});

let read: z.infer<typeof schema> | undefined;

/** Topics of `moeprof explain`, from `profiles/explanations.yaml`. Each metric is in exactly one. */
export function explanations(): z.infer<typeof schema> {
  read ??= readOwnYaml(bundledFile('explanations.yaml'), schema);
  return read;
}

/** Glossary sentence of a word, in any case, or null. */
export const glossaryOf = (word: string): string | null =>
  Object.entries(explanations().words).find(([names]) => names.split(', ').includes(word.toLowerCase()))?.[1] ?? null;

/** All topics, metrics first. */
export const allTopics = (): readonly Topic[] => [...explanations().metrics, ...explanations().warnings];

/** Topic of a metric (`latency.tpot.p50`), family (`latency.tpot`) or warning (`below-token-cycle`), or null. */
export const topicOf = (name: string): Topic | null => allTopics().find(({ names }) => names.some((known) => covers(known, name))) ?? null;

function covers(known: string, name: string): boolean {
  if (!known.endsWith('.*')) return known === name;
  const family = known.slice(0, -2);
  return name === family || name.startsWith(`${family}.`);
}
