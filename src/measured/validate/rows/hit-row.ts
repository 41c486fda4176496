import { z } from 'zod';
import { BALANCES } from '../../../trace/generate/routing-profile.js';

const share = z.number().min(0).max(1);
const count = z.int().positive();
const text = z.string().min(1);

/** Schema of a row with `curve`. */
export const hitRowSchema = z.strictObject({
  id: text.describe('Name of the row, unique in its file.'),
  source: text.describe('Where the figures are published.'),
  date: z.iso.date().describe('Day of the source.'),
  model: text.describe('Name of a bundled profile, or of the model whose shape follows.'),
  shape: z
    .strictObject({
      layers: count.describe('Layers with experts, of an encoder or a decoder where they are told apart.'),
      experts: count.describe('Routed experts of a layer.'),
      top_k: count.describe('Experts that a token uses, as trained.'),
      shared: z.literal(true).optional().describe('Experts that every token uses stand beside them.'),
      gaps: z.literal(true).optional().describe('Layers without experts lie between those with.'),
      balance: z.enum(BALANCES).optional().describe('How training balanced the load; absent: by a loss in micro-batches.'),
      split: z.literal(true).optional().describe('The experts were cut out of a dense network, and little was trained since.'),
    })
    .describe('What its configuration states of its routing, and its papers of its training.'),
  policy: z.enum(['lru', 'lfu', 'belady', 'static']).describe('What stays in the cache.'),
  scope: z.enum(['layer', 'all']).describe('Places of each layer, or of all layers together.'),
  tokens: count.optional().describe('Tokens after which the cache is empty again; absent: not stated.'),
  prompt: count.optional().describe('The first of them, which fill the cache and are not counted.'),
  used: count.optional().describe('Experts that a token uses, where that is fewer than trained.'),
  free: z.literal('hit').optional().describe('A first use that finds a free place counts as a hit.'),
  batch: count.optional().describe('Sequences at once; absent: not stated, and the row is not scored.'),
  workload: text.describe('The text.'),
  curve: z
    .array(z.tuple([share, share]))
    .min(1)
    .describe('Share of the experts that the cache holds, and share of the choices that it held.'),
  srp: share.optional().describe('Segment routing consistency over 16 tokens.'),
  fitted: z.literal(true).optional().describe("The routing of the model's profile was fitted on it: it judges the prior, not the profile."),
  note: text.optional().describe('Anything else.'),
});

/** A published curve of hit rate by cache size, for prior and bands of synthetic routing (docs/routing.md). */
export type HitRow = z.infer<typeof hitRowSchema>;
