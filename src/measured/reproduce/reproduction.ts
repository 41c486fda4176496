import { z } from 'zod';
import { readText } from '../../base/input-file.js';
import { findProfile, shownPath } from '../../base/profiles.js';
import { locateYaml } from '../../base/yaml.js';
import { METRICS } from '../../result/catalogue.js';
import type { MetricName } from '../../result/metrics.js';
import { type ClaimVerdict, VERDICTS } from './verdict.js';

const text = z.string().min(1);

const set = z
  .record(text, z.unknown())
  .optional()
  .describe('Values of the run by path, e.g. hardware.links.h2d.bandwidth, as --set has them.');
const run = z.looseObject({ row: text.optional().describe('Id of a bundled row of measurements, in place of fields of a run.'), set });

const shared = {
  says: text.describe('What is compared, in a few words.'),
  metric: z
    .string()
    .refine((name) => METRICS.has(name), { error: 'is no metric; moeprof explain lists them' })
    .default('speed.decode' satisfies MetricName)
    .describe('Metric that is compared; a row of measurements has speed.decode, speed.prefill and cache.hit_rate.'),
  source: text.optional().describe('Table, figure or section of the paper.'),
  verdict: z
    .enum(Object.keys(VERDICTS) as [ClaimVerdict, ...ClaimVerdict[]])
    .optional()
    .describe('Verdict that it has today: a worse one fails --gate. Absent: a ratio or an order must be on the published side.'),
  why: text
    .regex(/\d/, 'is a reason without a number; say how large what is meant is')
    .optional()
    .describe('Why the figure is not met, where that is known, with a number.'),
};

const published = z.number().optional().describe('Published figure. Absent: as the rows of measurements have it.');

/** A value, a ratio of two runs, or an order. */
const claimSchema = z.union([
  z.strictObject({ ...shared, value: text.describe('Run whose figure is compared.'), published }),
  z.strictObject({
    ...shared,
    ratio: z.tuple([text, text]).describe('Two runs: the figure of the first over that of the second.'),
    published,
  }),
  z.strictObject({ ...shared, order: z.array(text).min(2).describe('Runs from the best to the worst, as published.') }),
]);

/** Schema of `profiles/reproductions/*.yaml`. */
export const reproductionSchema = z
  .strictObject({
    paper: text.describe('The paper: title or system, where it is published.'),
    setting: text.describe('Machine, model and workload, as the paper has them.'),
    assumes: text.optional().describe('What the paper does not say and is assumed here, and what is smaller.'),
    base: z.looseObject({ set }).default({}).describe('Fields of a run profile that all runs here share.'),
    runs: z
      .record(text, z.union([text, run]))
      .describe('Runs by name: the name of a system, fields of a run profile beside those of base, or a row of measurements.'),
    claims: z.array(claimSchema).min(1).describe('What is compared.'),
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

/** @param nameOrPath bundled name, or a path @throws UserError with file and line */
export function loadReproduction(nameOrPath: string): Reproduction {
  const path = findProfile('reproductions', nameOrPath);
  return locateYaml(readText(path), shownPath(path), reproductionSchema).value;
}
