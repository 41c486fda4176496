import { z } from 'zod';
import { UserError } from '../base/errors.js';
import { dirname, resolve } from '../base/host/paths.js';
import { readText } from '../base/input-file.js';
import { isPath, shownPath } from '../base/profiles.js';
import { locatedModule } from '../base/user-module.js';
import { issueOf } from '../base/written.js';
import { type Located, locateYaml, type Override } from '../base/yaml.js';
import type { Exclusion, Space, SpaceDimension, SweepValue } from '../figure/door.js';
import { isComposed } from '../hardware/door.js';
import { locatedPredictor } from '../predict/predictors/create.js';
import { describeMetric } from '../result/catalogue.js';

/** Most values of a range; ours. */
const LONGEST_RANGE = 1000;

/** Integers of `0..8`, inclusive; null: no range. @throws UserError if the range is empty or too long */
export function wholeNumbersOf(text: string): number[] | null {
  const [, first, last] = /^(-?\d+)\.\.(-?\d+)$/.exec(text) ?? [];
  if (first === undefined) return null;
  const length = Number(last) - Number(first) + 1;
  if (length < 1) throw new UserError(`${text} ends before it begins`);
  if (length > LONGEST_RANGE) throw new UserError(`${text} has more than ${LONGEST_RANGE} values`);
  return Array.from({ length }, (_, i) => Number(first) + i);
}

const scalar = z.union([z.string(), z.number(), z.boolean()], { error: 'expected text, a number, or true or false' });

const values = z.union([z.array(scalar).min(1), scalar]).transform((given, context): SweepValue[] => {
  const listed: readonly SweepValue[] = Array.isArray(given) ? given : [given];
  const all = issueOf(context, [], () => listed.flatMap((value) => (typeof value === 'string' ? (wholeNumbersOf(value) ?? value) : value)));
  const twice = context.issues.length > 0 ? undefined : all.find((value, at) => all.indexOf(value) < at);
  if (twice !== undefined) context.addIssue({ code: 'custom', message: `${String(twice)} stands twice` });
  return all;
});

const path = z.string().regex(/^[^.\s]+(\.[^.\s]+)*$/, { error: 'expected the path of a value of a run, e.g. memory.expertCache' });

const group = z.record(path, values);

/** Fields of a study or a search. */
export const spaceFields = {
  run: z.string().min(1).optional().describe('Run profile that every run begins with: a bundled name or a file. Absent: defaults.'),
  set: z.record(path, z.unknown()).default({}).describe('Values that all runs share, by path, as --set gives them.'),
  axes: group
    .default({})
    .describe('What varies: a list of values, or a range such as 1..5, for each path of a run; the study has every combination.'),
  zip: z
    .array(group)
    .default([])
    .describe('Axes that move together: the first values of all, then the second ones. Lists of one entry are as long.'),
  exclude: z.array(group).default([]).describe('Cells that are left out: those that have one of the values for every path.'),
  sample: z
    .strictObject({
      method: z
        .enum(['random', 'latin-hypercube'])
        .default('random')
        .describe('random: any cells. latin-hypercube: each value of an axis equally often.'),
      points: z.int().positive().max(1e7).describe('Cells that are drawn, before any is excluded.'),
      seed: z.int().default(1).describe('Seed of the draw.'),
    })
    .optional()
    .describe('Some cells instead of all.'),
  metrics: z
    .array(
      z.string().superRefine((name, context) => {
        try {
          describeMetric(name);
        } catch (error) {
          context.addIssue({ code: 'custom', message: (error as Error).message });
        }
      }),
    )
    .min(1)
    .optional()
    .describe('Metrics that the table has. Absent: all.'),
};

type SpaceFields = z.infer<z.ZodObject<typeof spaceFields>>;

/** Refuses inconsistent axes. */
export function checkSpace({ axes, exclude, set, zip }: SpaceFields, context: z.RefinementCtx): void {
  const varied = [...Object.keys(axes), ...zip.flatMap((group) => Object.keys(group))];
  const report = (where: PropertyKey[], message: string): void => context.addIssue({ code: 'custom', path: where, message });
  if (varied.length === 0) report(['axes'], 'nothing varies; name at least one path with its values');
  for (const [i, group] of zip.entries()) {
    const lengths = new Set(Object.values(group).map((list) => list.length));
    if (lengths.size !== 1) report(['zip', i], `axes that move together need equally many values, not ${[...lengths].join(' and ')}`);
    for (const name of Object.keys(group)) if (varied.indexOf(name) < varied.lastIndexOf(name)) report(['zip', i, name], 'is varied twice');
  }
  for (const name of Object.keys(set)) if (varied.includes(name)) report(['set', name], 'is varied, too; keep one of them');
  for (const [i, rule] of exclude.entries()) {
    const stranger = Object.keys(rule).find((name) => !varied.includes(name));
    if (stranger !== undefined) report(['exclude', i, stranger], `is not varied; varied are ${varied.join(', ')}`);
  }
}

/** Schema of a study. */
export const studySchema = z.strictObject(spaceFields).superRefine(checkSpace);

/** A study file: varied `--set` values of a run. */
export interface StudyFile {
  readonly label: string;
  /** Absolute path or bundled name of the run profile; absent: defaults. */
  readonly run?: string;
  readonly space: Space;
  /** Empty: all. */
  readonly metrics: readonly string[];
  /** Values common to every run. */
  readonly fixed: readonly Override[];
  /** @param at index of the path */
  override(at: number, value: SweepValue): Override;
}

/** True if a YAML file is a study, not a run profile. @throws UserError for invalid YAML */
export function isStudy(file: string): boolean {
  const keys = Object.keys(locateYaml(readText(file), shownPath(file), z.looseObject({})).value);
  return ['axes', 'zip', 'sample', 'exclude'].some((key) => keys.includes(key));
}

/**
 * Paths are relative to its folder. @throws UserError `file:line:col: path: what is wrong, and what to write instead`
 */
export const loadStudy = (file: string): StudyFile => studyIn(locateYaml(readText(file), shownPath(file), studySchema), file);

/** Study of a checked file. */
export function studyIn(located: Located<SpaceFields>, file: string): StudyFile {
  const label = shownPath(file);
  const folder = dirname(resolve(file));
  const { axes, exclude, metrics = [], run, sample = null, set, zip } = located.value;
  const dimensions: SpaceDimension[] = [
    ...Object.entries(axes).map(([name, list]) => ({ paths: [name], rows: list.map((value) => [value]) })),
    ...zip.map((group) => ({
      paths: Object.keys(group),
      rows: Object.values(group)[0]!.map((_, row) => Object.values(group).map((list) => list[row]!)),
    })),
  ];
  const count = Object.keys(axes).length;
  const places = dimensions.flatMap(({ paths }, d) =>
    paths.map((name) => ({ name, place: d < count ? located.place('axes', name) : located.place('zip', d - count, name) })),
  );
  return {
    label,
    run: run === undefined || !isPath(run) ? run : resolve(folder, run),
    space: { dimensions, exclude: exclude.map((rule): Exclusion => new Map(Object.entries(rule))), sample },
    metrics,
    fixed: Object.entries(set).map(([name, value]) => overrideOf(name, value, located.place('set', name), folder)),
    override: (at, value) => overrideOf(places[at]!.name, value, places[at]!.place, folder),
  };
}

function overrideOf(name: string, value: unknown, place: string, folder: string): Override {
  return { path: name.split('.'), value: inFolder(name, value, folder), label: place, fromFile: true };
}

/** Run values that may name a file. */
const NAME_FILES: ReadonlySet<string> = new Set([
  ...['model', 'hardware', 'runtime', 'system', 'trace', 'workload.arrivals'],
  ...['variants', 'traceFormat', 'system.cache.policy', 'system.dram.policy', 'system.cache.popularity'],
  ...['system.scheduler', 'system.scheduler.kind', 'system.predictor.train'],
]);

/** Makes file paths absolute; bundled names stay. @param name path of the value */
export function inFolder(name: string, value: unknown, folder: string): unknown {
  if (Array.isArray(value)) return value.map((item) => inFolder(name, item, folder));
  if (typeof value !== 'string') return value;
  if (name === 'system.predictor' || name === 'system.predictor.kind') return locatedPredictor(value, folder);
  if (!NAME_FILES.has(name)) return value;
  const module = locatedModule(value, folder);
  return module === value && isPath(value) && !isComposed(value) ? resolve(folder, value) : module;
}
