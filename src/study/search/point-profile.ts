import { parse, stringify } from 'yaml';
import { dirname } from '../../base/host/paths.js';
import { readText } from '../../base/input-file.js';
import { isObject } from '../../base/objects.js';
import { findProfile } from '../../base/profiles.js';
import { type Override, withOverride } from '../../base/yaml.js';
import { SHORTHANDS } from '../../system/door.js';
import { inFolder } from '../study-file.js';

type Fields = Record<string, unknown>;

/** Profiles whose inner values only --set can change, not a run profile. */
const INNER = ['model', 'hardware', 'runtime'];

/** Self-contained. @param run base profile @param lead comment lines @throws UserError for an unreadable profile */
export function pointProfile(run: string | undefined, overrides: readonly Override[], lead: readonly string[]): string {
  const path = run === undefined ? null : findProfile('runs', run);
  let fields = path === null ? {} : fromRoot(parse(readText(path)) as Fields, '', dirname(path));
  const inside = overrides.filter(({ path: [root, ...more] }) => more.length > 0 && INNER.includes(root!));
  const system = overrides.filter(({ path: [root, ...more] }) => more.length > 0 && root === 'system');
  for (const override of overrides)
    if (!inside.includes(override) && !system.includes(override)) fields = withOverride(fields, override) as Fields;
  if (system.length > 0 && typeof fields.system !== 'object') fields.system = systemNamed(String(fields.system ?? 'on-demand-lru'));
  for (const override of system) fields = withOverride(fields, { ...override, shorthand: SHORTHANDS[override.path[1]!] }) as Fields;
  const sets = inside.map(({ path: at, value }) => ` --set ${at.join('.')}=${String(value)}`).join('');
  const notes = sets === '' ? lead : [...lead, `A run profile cannot say all: add${sets}`];
  return `${notes.map((line) => `# ${line}\n`).join('')}${stringify(fields, { lineWidth: 0 })}`;
}

function systemNamed(name: string): Fields {
  const path = findProfile('systems', name);
  return fromRoot(parse(readText(path)) as Fields, 'system', dirname(path)) as Fields;
}

/** Resolves file paths, for a profile stored elsewhere. */
const fromRoot = (value: Fields, at: string, folder: string): Fields =>
  Object.fromEntries(
    Object.entries(value).map(([key, inner]) => {
      const name = at === '' ? key : `${at}.${key}`;
      return [key, isObject(inner) ? fromRoot(inner, name, folder) : inFolder(name, inner, folder)];
    }),
  );
