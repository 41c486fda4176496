import { z } from 'zod';

const share = z.number().min(0).max(1);
const count = z.int().positive();
const text = z.string().min(1);

/** Schema of a row with `curve`. */
export const hitRowSchema = z.strictObject({
  id: text,
  source: text,
  date: z.iso.date(),
  model: text,
  shape: z.strictObject({
    layers: count,
    experts: count,
    top_k: count,
    shared: z.literal(true).optional(),
    gaps: z.literal(true).optional(),
    split: z.literal(true).optional(),
  }),
  policy: z.enum(['lru', 'lfu', 'belady', 'static']),
  scope: z.enum(['layer', 'all']),
  tokens: count.optional(),
  prompt: count.optional(),
  used: count.optional(),
  free: z.literal('hit').optional(),
  batch: count.optional(),
  workload: text,
  curve: z.array(z.tuple([share, share])).min(1),
  srp: share.optional(),
  fitted: z.literal(true).optional(),
  note: text.optional(),
});

/** A published curve of hit rate by cache size, for prior and bands of synthetic routing (docs/routing.md). */
export type HitRow = z.infer<typeof hitRowSchema>;
