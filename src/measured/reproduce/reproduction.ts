import { z } from 'zod';
import { readText } from '../../base/input-file.js';
import { findProfile, shownPath } from '../../base/profiles.js';
import { locateYaml } from '../../base/yaml.js';
import { METRICS } from '../../result/catalogue.js';
import type { MetricName } from '../../result/metrics.js';
import { type ClaimVerdict, VERDICTS } from './verdict.js';

const text = z.string().min(1);

/** Values of a run by path, as in `--set`. */
const set = z.record(text, z.unknown()).optional();
const run = z.looseObject({ row: text.optional(), set });

const shared = {
  says: text,
  metric: z
    .string()
    .refine((name) => METRICS.has(name), { error: 'is no metric; moeprof explain lists them' })
    .default('speed.decode' satisfies MetricName),
  source: text.optional(),
  verdict: z.enum(Object.keys(VERDICTS) as [ClaimVerdict, ...ClaimVerdict[]]).optional(),
  why: text.regex(/\d/, 'is a reason without a number; say how large what is meant is').optional(),
};

const published = z.number().optional();

/** A value, a ratio of two runs, or an order. */
const claimSchema = z.union([
  z.strictObject({ ...shared, value: text, published }),
  z.strictObject({ ...shared, ratio: z.tuple([text, text]), published }),
  z.strictObject({ ...shared, order: z.array(text).min(2) }),
]);

/** Schema of `profiles/reproductions/*.yaml`. */
export const reproductionSchema = z
  .strictObject({
    paper: text,
    setting: text,
    assumes: text.optional(),
    base: z.looseObject({ set }).default({}),
    runs: z.record(text, z.union([text, run])),
    claims: z.array(claimSchema).min(1),
  })
  .superRefine(({ claims, runs }, context) => {
    claims.forEach((claim, index) => {
      for (const name of runsOf(claim)) {
        if (Object.hasOwn(runs, name)) continue;
        context.addIssue({ code: 'custom', path: ['claims', index], message: `names the run "${name}", which is not among runs` });
      }
    });
  });

/** A paper's setting, compared runs, and claims. */
export type Reproduction = z.infer<typeof reproductionSchema>;

/** A claim of a paper. */
export type Claim = Reproduction['claims'][number];

/** Runs named by a claim. */
export function runsOf(claim: Claim): readonly string[] {
  if ('value' in claim) return [claim.value];
  return 'ratio' in claim ? claim.ratio : claim.order;
}

/** Reads a reproduction. @param nameOrPath bundled name, or a path @throws UserError with file and line */
export function loadReproduction(nameOrPath: string): Reproduction {
  const path = findProfile('reproductions', nameOrPath);
  return locateYaml(readText(path), shownPath(path), reproductionSchema).value;
}
