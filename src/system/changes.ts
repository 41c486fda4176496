import { isObject, ownValue, remembered } from '../base/objects.js';
import { isPath, listProfiles } from '../base/profiles.js';
import { asWritten } from '../base/written.js';
import { loadSystem, type SystemSpec } from './system.js';

interface SystemChange {
  /** Dotted, from the system's root. */
  readonly path: string;
  /** As written; null: removed from the bundled system. */
  readonly value: unknown;
}

const PROSE = new Set(['name', 'cites', 'simplifies', 'decisive']);

const BUNDLED = new Map<string, unknown>();
/** Cached: runs of a study share systems. */
const KNOWN = new WeakMap<SystemSpec, readonly SystemChange[]>();

/** Values that differ from the bundled system of the same name, if any. */
export const systemChanges = (system: SystemSpec): readonly SystemChange[] => remembered(KNOWN, system, () => changesOf(system));

function changesOf(system: SystemSpec): SystemChange[] {
  const { name } = system;
  if (isPath(name) || !listProfiles('systems').includes(name)) return [];
  if (!BUNDLED.has(name)) BUNDLED.set(name, asWritten(loadSystem(name).value));
  return leaves(BUNDLED.get(name), asWritten(system), '').filter(({ path }) => !PROSE.has(path));
}

function leaves(base: unknown, changed: unknown, path: string): SystemChange[] {
  if (isObject(base) && isObject(changed)) {
    const keys = [...new Set([...Object.keys(base), ...Object.keys(changed)])];
    return keys.flatMap((key) => leaves(ownValue(base, key), ownValue(changed, key), path === '' ? key : `${path}.${key}`));
  }
  return JSON.stringify(base) === JSON.stringify(changed) ? [] : [{ path, value: changed ?? null }];
}
