import { orUserError, UserError } from '../base/errors.js';
import { isObject, ownValue } from '../base/objects.js';
import { asWritten } from '../base/written.js';
import type { Override } from '../base/yaml.js';
import { canonicalJson } from '../result/digest.js';
import type { Result } from '../result/result.js';
import { checkRun, repeatCommand } from '../system/door.js';
import { fingerprintOf } from './fingerprint.js';

type Fields = Readonly<Record<string, unknown>>;

/** Config fields of a result that are no run values. */
const DERIVED: ReadonlySet<string> = new Set(['machine', 'profiledOn', 'overrides', 'system', 'budgets']);

/** Command that repeats a stored run; null: not reproducible with the current build and files. */
export function commandOfStored({ config }: Pick<Result, 'config'>, fingerprint: string): string | null {
  const given = Object.entries(config).filter(([key]) => !DERIVED.has(key));
  const changes = [...differences(asWritten(checkRun({}, 'a run')) as Fields, Object.fromEntries(given), []), ...insideProfiles(config)];
  for (const system of systemsOf(config)) {
    const overrides = [...changes, ...system];
    const same = orUserError(() => fingerprintOf(checkRun({}, 'a stored run', overrides, true)) === fingerprint);
    if (!(same instanceof UserError) && same) return repeatCommand({ profile: undefined, overrides });
  }
  return null;
}

const differences = (base: Fields, fields: Fields, path: readonly string[]): Override[] =>
  Object.entries(fields).flatMap(([key, value]): Override[] => {
    const [before, at] = [ownValue(base, key), [...path, key]];
    if (value === undefined || canonicalJson(before ?? null) === canonicalJson(value)) return [];
    return isObject(value) && (isObject(before) || before === undefined) && path.length === 0
      ? differences((before ?? {}) as Fields, value, at)
      : [overrideOf(at, value)];
  });

const insideProfiles = ({ overrides }: Result['config']): Override[] =>
  ['model', 'hardware', 'runtime'].flatMap((root) =>
    changesIn(overrides, root).map(({ path, value }) => overrideOf([root, ...path], value)),
  );

function systemsOf({ overrides, system }: Result['config']): Override[][] {
  if (!isObject(system)) return [[]];
  const named = [overrideOf(['system'], system.name)];
  const changed = changesIn(overrides, 'system').map(({ path, value }) =>
    overrideOf(['system', ...path.filter((step) => step !== 'parameters')], value),
  );
  return [[...named, ...changed], [overrideOf(['system'], beside(system))]];
}

function changesIn(overrides: unknown, root: string): { readonly path: readonly string[]; readonly value: unknown }[] {
  const list = ownValue(overrides, root);
  if (!Array.isArray(list)) return [];
  return list.map(({ path, value }: { path: string; value: unknown }) => ({ path: path.split('.'), value }));
}

/** Users' files write parameters next to the name of their part. */
function beside(value: unknown): unknown {
  if (Array.isArray(value)) return value.map(beside);
  if (!isObject(value)) return value;
  const { parameters, ...values } = value;
  const fields = Object.entries({ ...values, ...(isObject(parameters) ? parameters : {}) });
  return Object.fromEntries(fields.map(([key, inner]) => [key, beside(inner)]));
}

const overrideOf = (path: readonly string[], value: unknown): Override => ({ path, value, label: 'a stored run' });
