// The number of buffers for prefetched experts (L11), as users write it.
import { UserError } from '../base/errors.js';
import type { Written } from '../base/written.js';
import type { ModelSpec } from '../model/door.js';

/** Buffers outside the expert cache, counted in experts, or in layers of which all experts fit. */
type StagingSize = Written & { readonly unit: 'experts' | 'layers'; readonly count: number };

/** Reads `4` (experts) or `2 layers`. @throws UserError if it is neither */
export function parseStaging(text: string): StagingSize {
  const match = /^(\d{1,6})(?:\s*(layers?|experts?))?$/.exec(text.trim());
  if (match === null) throw new UserError(`"${text}" is no number of buffers; write e.g. 4, or 2 layers for all experts of two`);
  return { text, unit: match[2]?.startsWith('layer') ? 'layers' : 'experts', count: Number(match[1]) };
}

/** Buffers that a model needs for that, at most one for each expert. */
export function stagingBuffers({ count, unit }: StagingSize, { experts, layers }: ModelSpec): number {
  const widest = layers.reduce((most, layer) => Math.max(most, layer.experts), 0);
  return Math.min(experts, unit === 'layers' ? count * widest : count);
}

/** Bytes of one buffer: of the largest expert. */
export const stagingBufferBytes = ({ layers }: ModelSpec): number =>
  layers.reduce((most, { expertBytes }) => Math.max(most, expertBytes), 0);
