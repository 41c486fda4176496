// Buffers for prefetched experts (L11).
import { UserError } from '../base/errors.js';
import type { Written } from '../base/written.js';
import { type ModelSpec, mostExperts } from '../model/door.js';

/** Buffers outside the expert cache, in experts, or in layers of all experts. */
type StagingSize = Written & { readonly unit: 'experts' | 'layers'; readonly count: number };

/** `4` (experts) or `2 layers`. @throws UserError for other text */
export function parseStaging(text: string): StagingSize {
  const match = /^(\d{1,6})(?:\s*(layers?|experts?))?$/.exec(text.trim());
  if (match === null) throw new UserError(`"${text}" is no number of buffers; write e.g. 4, or 2 layers for all experts of two`);
  return { text, unit: match[2]?.startsWith('layer') ? 'layers' : 'experts', count: Number(match[1]) };
}

/** Buffers for a model, at most one per expert. */
export function stagingBuffers({ count, unit }: StagingSize, { experts, layers }: ModelSpec): number {
  const widest = mostExperts({ layers });
  return Math.min(experts, unit === 'layers' ? count * widest : count);
}

/** Bytes of a buffer: the largest expert's. */
export const stagingBufferBytes = ({ layers }: ModelSpec): number =>
  layers.reduce((most, { expertBytes }) => Math.max(most, expertBytes), 0);
