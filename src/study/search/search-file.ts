import { z } from 'zod';
import { readText } from '../../base/input-file.js';
import { ownValue } from '../../base/objects.js';
import { shownPath } from '../../base/profiles.js';
import { written } from '../../base/written.js';
import { locateYaml } from '../../base/yaml.js';
import { checkSpace, type StudyFile, spaceFields, studyIn } from '../study-file.js';
import { constraintIn, isKnown, objectiveNamed } from './objective.js';

/** Schema of a search. */
export const searchSchema = z
  .strictObject({
    ...spaceFields,
    objectives: z
      .array(written(objectiveNamed, z.string().min(1)))
      .min(1)
      .max(3)
      .describe(
        'One to three figures to be good at: metrics, price, lost_bits (16 less the bits a ' +
          'weight) or degraded (share of choices that are not computed as the model would).',
      ),
    constraints: z
      .array(written(constraintIn, z.string().min(1)))
      .default([])
      .describe('Limits that a cell must keep, e.g. price <= 1500 or latency.tpot.p99 <= 20ms.'),
    prices: z
      .record(z.string(), z.record(z.string(), z.number().nonnegative()))
      .default({})
      .describe('What values cost, by path: a price for each value, or for each part of a machine that is written with +.'),
    prefix: z
      .number()
      .min(0)
      .lt(1)
      .default(0.25)
      .describe('Share of the tokens (of the requests, where they arrive by themselves) that short runs take; 0: all runs are whole.'),
    batch: z
      .int()
      .positive()
      .max(1000)
      .default(8)
      .describe('Runs that are proposed together, from what is known before the first of them.'),
  })
  .superRefine(checkSpace)
  .superRefine(({ axes, constraints, objectives, prices, zip }, context) => {
    const report = (path: PropertyKey[], message: string): void => context.addIssue({ code: 'custom', path, message });
    const varied = [...Object.keys(axes), ...zip.flatMap((group) => Object.keys(group))];
    const names = objectives.map(({ name }) => name);
    for (const [i, name] of names.entries()) if (names.indexOf(name) < i) report(['objectives', i], `${name} stands twice`);
    if (names.every((name) => isKnown({ name })))
      report(['objectives'], 'are known without a run; add a metric of runs, e.g. speed.decode');
    for (const path of Object.keys(prices))
      if (!varied.includes(path)) report(['prices', path], `is not varied; varied are ${varied.join(', ')}`);
    const priced = [...objectives, ...constraints].some(({ name }) => name === 'price');
    if (priced && Object.keys(prices).length === 0) report(['objectives'], 'price: nothing has one; give prices');
    const all = [axes, ...zip].flatMap((group) => Object.entries(group));
    for (const [path, values] of all) {
      const priced = ownValue(prices, path);
      if (priced === undefined) continue;
      const unpriced = (value: string): boolean => !Object.hasOwn(priced, value);
      const without = values.map(String).flatMap((value) => (unpriced(value) ? value.split('+').filter(unpriced) : []));
      if (without.length > 0) report(['prices', path], `${without[0]} has no price`);
    }
  });

/** A search file: a study's space, with objectives. `prefix` 0: all runs are whole. */
export interface SearchFile
  extends Readonly<Pick<z.infer<typeof searchSchema>, 'objectives' | 'constraints' | 'prices' | 'prefix' | 'batch'>> {
  readonly study: StudyFile;
}

/**
 * Paths are relative to its folder. @throws UserError `file:line:col: path: what is wrong, and what to write instead`
 */
export function loadSearch(file: string): SearchFile {
  const located = locateYaml(readText(file), shownPath(file), searchSchema);
  const { batch, constraints, objectives, prefix, prices } = located.value;
  return { study: studyIn(located, file), objectives, constraints, prices, prefix, batch };
}
