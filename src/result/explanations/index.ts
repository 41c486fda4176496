// Looks up what a metric or a warning means.
import { METRIC_TOPICS } from './metrics.js';
import type { Topic } from './topic.js';
import { WARNING_TOPICS } from './warnings.js';

/** All topics, metrics first. */
export const TOPICS: readonly Topic[] = [...METRIC_TOPICS, ...WARNING_TOPICS];

/**
 * The topic of a metric (`latency.tpot.p50`), of a family (`latency.tpot`), or of a warning (`below-token-cycle`).
 * @returns null where there is none
 */
export function topicOf(name: string): Topic | null {
  return TOPICS.find(({ names }) => names.some((known) => covers(known, name))) ?? null;
}

/** True where a name of a topic, which may end in `.*`, covers the name of a metric or of its family. */
function covers(known: string, name: string): boolean {
  if (!known.endsWith('.*')) return known === name;
  const family = known.slice(0, -2);
  return name === family || name.startsWith(`${family}.`);
}
