import { z } from 'zod';
import { onOff, written } from '../base/written.js';
import { parsePolicy } from '../cache/policies/index.js';
import type { MissRules } from './miss-rules.js';

/** Low-precision copies on the GPU outside the expert cache (HOBBIT, SliceMoE). */
export const copies = z.strictObject({
  share: z.number().positive().lt(1).describe('Share of the capacity that copies have; whole experts have what is left, 0..1.'),
  policy: written(parsePolicy, z.string().min(1))
    .prefault('lru')
    .describe('Cache policy of the copies, with parameters after a colon: lru, lfu ...'),
  scope: z.enum(['global', 'layer']).optional().describe("One pool for all layers (global), or one per layer. Absent: the cache's scope."),
  additive: onOff
    .default(false)
    .describe(
      'A copy is a slice of its expert: with a copy on the GPU only the rest is loaded, and an evicted expert leaves its slice behind.',
    ),
});

/** Settings of resident low-precision copies. */
export type CopiesSpec = z.infer<typeof copies>;

/** Bytes of a copy as a share of the expert's; 1: no copies. */
export const copyShare = ({ rules }: Pick<MissRules, 'rules'>): number => rules.find((rule) => rule.do === 'low-precision')?.copyBytes ?? 1;

interface Beside {
  readonly onMiss: MissRules;
  readonly cache: { readonly copies?: CopiesSpec; readonly exclusive: boolean };
  readonly predictor: { readonly kind: { readonly name: string } };
}

/** Error for a system that contradicts resident copies, or null. */
export function misfitOfCopies({ cache, onMiss, predictor }: Beside): string | null {
  if (cache.copies === undefined) return null;
  const sizes = new Set(onMiss.rules.flatMap((rule) => (rule.do === 'low-precision' ? [rule.copyBytes] : [])));
  const [size] = sizes;
  if (size === undefined) return 'keeps copies that no rule of onMiss makes; add one with do: low-precision, or leave it out';
  if (sizes.size > 1) return `keeps copies of one size, and rules and classes make some of ${[...sizes].join(' and ')}; give all one size`;
  if (size === 1) return 'keeps copies as large as their experts, which saves nothing; take a smaller copyBytes';
  if (!cache.copies.additive) return null;
  if (cache.exclusive) return 'additive: an evicted expert leaves a slice behind, and exclusive tiers move it whole; turn one of them off';
  const ahead = predictor.kind.name !== 'none' || onMiss.rules.some(({ admit }) => admit === 'background');
  return ahead
    ? 'additive: what is prefetched or promoted comes whole; take predictor: none and no admit: background, or additive: off'
    : null;
}
