import { z } from 'zod';
import { SHARE } from '../base/units.js';
import { written } from '../base/written.js';
import { quantity } from '../base/yaml.js';
import { MOST_DRAFT, parseAcceptance, parseDrafter, ROLLBACKS, sharesOf } from '../schedule/door.js';

/** Schema of speculative decoding: draft length, acceptance, and cost. */
export const speculationSchema = z
  .strictObject({
    draft: z.int().min(0).max(MOST_DRAFT).default(0).describe('Tokens that a request drafts for each pass, e.g. 4; 0: none.'),
    acceptance: written(parseAcceptance, z.union([z.string().min(1), z.number()]).transform(String))
      .optional()
      .describe(
        'Chance that a drafted token is right, given that those before it ' +
          'are, e.g. 0.7; or what an engine prints at a draft, e.g. 42% of 4.',
      ),
    acceptances: z
      .array(quantity(SHARE))
      .min(1)
      .max(MOST_DRAFT)
      .optional()
      .describe('By position: share of drafts whose token there was accepted, as engines print it, e.g. [0.70, 0.45, 0.33, 0.21].'),
    drafter: written(parseDrafter, z.union([z.string().min(1), z.number().nonnegative()]).transform(String))
      .optional()
      .describe(
        'What drafts: the time of one token for all requests of a pass, e.g. 1ms; ngram, the ' +
          'text itself, where its last ids have stood before (the trace has token ids, and they ' +
          'say what is right); or copy 25%, the model in a copy whose experts take that share of ' +
          'their bytes, all on the GPU. Absent: a head for multi-token prediction on the GPU.',
      ),
    found: quantity(SHARE)
      .optional()
      .describe('Share of the passes of a request for which the drafter has a draft, e.g. 35%, as where it looks text up. Absent: all.'),
    rollback: z
      .enum(ROLLBACKS)
      .optional()
      .describe(
        'What rejected tokens leave behind. free: they are forgotten. redo: accepted ones run again after ' +
          'them. Absent: redo where layers are recurrent and the runtime keeps their state from before the pass.',
      ),
  })
  .superRefine(({ acceptance, acceptances, draft, drafter, found }, context) => {
    const refuse = (message: string, path: string[] = []): void => context.addIssue({ code: 'custom', path, message });
    if (acceptance !== undefined && acceptances !== undefined) refuse('stands beside acceptance; give one of them', ['acceptances']);
    if (looksUpDrafts({ drafter })) {
      for (const [name, value] of Object.entries({ acceptance, acceptances, found })) {
        if (value !== undefined) refuse('stands beside drafter: ngram, and token ids say it; leave it out', [name]);
      }
      return;
    }
    if (draft > 0 && acceptance === undefined && acceptances === undefined)
      refuse('needs to know how many drafted tokens are right; give acceptance: 0.7, or acceptances by position');
    if (acceptances === undefined) return;
    if (acceptances.length < draft)
      refuse(`has ${acceptances.length} positions, and the draft has ${draft}; give as many, or an acceptance`, ['acceptances']);
    const rises = acceptances.findIndex((share, k) => k > 0 && share > acceptances[k - 1]!);
    if (rises > 0)
      refuse('rises: a token is only accepted where the one before it is, so shares by position fall or stay', ['acceptances', `${rises}`]);
  });

/** True if drafts are looked up in the text, which also decides acceptance. */
export const looksUpDrafts = ({ drafter }: Pick<z.infer<typeof speculationSchema>, 'drafter'>): boolean =>
  drafter !== undefined && 'looksUp' in drafter;

/** Acceptance shares by position, at least `draft` many. */
export const acceptancesOf = ({ acceptance, acceptances, draft }: z.infer<typeof speculationSchema>): readonly number[] =>
  acceptances ?? sharesOf(acceptance!, draft);
