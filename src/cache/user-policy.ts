// A policy of the user's own: a module whose default export is a PolicyDefinition, checked so that a mistake is told in one line.
import { isAbsolute, resolve } from 'node:path';
import { pathToFileURL } from 'node:url';
import { messageOf, UserError } from '../base/errors.js';
import { withInput } from '../base/input-file.js';
import type { Parameters } from '../base/parameters.js';
import { type CachePolicy, NONE, type PolicyDefinition } from './policy.js';

/**
 * Loads a policy module of the user's own.
 * @param path path to a module whose default export is a {@link PolicyDefinition}
 * @param baseFolder what a relative path is relative to
 * @throws UserError naming the first thing that keeps it from being used
 */
export async function loadPolicy(path: string, baseFolder: string): Promise<PolicyDefinition> {
  const absolute = isAbsolute(path) ? path : resolve(baseFolder, path);
  // What is no file would keep the import for ever.
  withInput(absolute, 'policy', () => undefined);
  let module: unknown;
  try {
    module = await import(pathToFileURL(absolute).href);
  } catch (error) {
    throw new UserError(`${path}: cannot be loaded as a policy: ${messageOf(error).split('\n')[0]}`);
  }
  return checkDefinition(path, (module as { default?: unknown }).default);
}

const NEEDS = ['expected', 'future', 'popularity', 'predicted', 'weights'];

/** What a default export must have to be a policy; the first thing that is missing is named. */
function checkDefinition(path: string, value: unknown): PolicyDefinition {
  const wrong = (what: string) => new UserError(`${path}: ${what}; see docs/add-a-policy.md`);
  if (typeof value !== 'object' || value === null) throw wrong('the default export must be a policy definition (an object)');
  const { name, summary, cites, parameters, needs, create } = value as Partial<Record<keyof PolicyDefinition, unknown>>;
  if (typeof name !== 'string' || name === '') throw wrong('the default export lacks "name" (text)');
  if (typeof create !== 'function') throw wrong('the default export lacks "create(context, parameters)" (a function)');
  if (parameters !== undefined && (typeof parameters !== 'object' || parameters === null)) throw wrong('"parameters" must be an object');
  if (needs !== undefined && !(Array.isArray(needs) && needs.every((need) => NEEDS.includes(need)))) {
    throw wrong(`"needs" must be a list of ${NEEDS.join(', ')}`);
  }
  for (const [key, parameter] of Object.entries(parameters ?? {})) {
    const fallback = (parameter as { readonly default?: unknown } | null)?.default;
    if (!['number', 'string', 'boolean'].includes(typeof fallback)) {
      throw wrong(`parameter "${key}" lacks a default, whose type (number, text or truth value) is the parameter's`);
    }
  }
  const definition = value as PolicyDefinition;
  return {
    ...definition,
    name,
    summary: typeof summary === 'string' ? summary : `the policy of ${path}`,
    cites: typeof cites === 'string' ? cites : path,
    ...(definition.needsWith === undefined ? {} : { needsWith: (values: Parameters) => definition.needsWith!(values) }),
    create(context, values) {
      const policy = definition.create(context, values);
      for (const method of ['touch', 'insert', 'remove', 'victim'] as const) {
        if (typeof policy?.[method] !== 'function') throw wrong(`what "create" returns lacks the method "${method}"`);
      }
      return checked(path, policy, context.experts);
    },
  };
}

/** The same policy, whose victims are checked: a wrong one would make every count wrong in silence. */
function checked(path: string, policy: CachePolicy, experts: number): CachePolicy {
  const resident = new Uint8Array(experts);
  return {
    touch: (id) => policy.touch(id),
    insert(id, used) {
      resident[id] = 1;
      policy.insert(id, used);
    },
    remove(id) {
      resident[id] = 0;
      policy.remove(id);
    },
    victim(incoming, pins) {
      const id = policy.victim(incoming, pins);
      if (id === NONE) return NONE;
      const wrong = !Number.isInteger(id) || resident[id] !== 1 ? 'is not a resident expert' : pins.has(id) ? 'is pinned' : null;
      if (wrong === null) return id;
      throw new UserError(
        `${path}: victim(${incoming}) returned ${String(id)}, which ${wrong}; return a resident that pins.has does not hold, or -1`,
      );
    },
    ...(policy.admits === undefined ? {} : { admits: (incoming: number, victim: number) => policy.admits!(incoming, victim) }),
    ...(policy.bypasses === undefined ? {} : { bypasses: (incoming: number) => policy.bypasses!(incoming) }),
    ...(policy.streamed === undefined ? {} : { streamed: (id: number) => policy.streamed!(id) }),
    ...(policy.preload === undefined ? {} : { preload: () => policy.preload!() }),
    ...(policy.resized === undefined ? {} : { resized: (bytes: number) => policy.resized!(bytes) }),
  };
}
