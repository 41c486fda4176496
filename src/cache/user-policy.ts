// A policy of the user's own: a module whose default export is a PolicyDefinition, checked so that a mistake is told in one line.
import { isAbsolute, resolve } from 'node:path';
import { pathToFileURL } from 'node:url';
import { messageOf, UserError } from '../base/errors.js';
import type { Parameters } from '../base/parameters.js';
import type { PolicyDefinition } from './policy.js';

/**
 * Loads a policy module of the user's own.
 * @param path path to a module whose default export is a {@link PolicyDefinition}
 * @param baseFolder what a relative path is relative to
 * @throws UserError naming the first thing that keeps it from being used
 */
export async function loadPolicy(path: string, baseFolder: string): Promise<PolicyDefinition> {
  const absolute = isAbsolute(path) ? path : resolve(baseFolder, path);
  let module: unknown;
  try {
    module = await import(pathToFileURL(absolute).href);
  } catch (error) {
    throw new UserError(`${path}: cannot be loaded as a policy: ${messageOf(error).split('\n')[0]}`);
  }
  return checkDefinition(path, (module as { default?: unknown }).default);
}

const NEEDS = ['future', 'popularity', 'predicted'];

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
  const definition = value as PolicyDefinition;
  return {
    name,
    summary: typeof summary === 'string' ? summary : `the policy of ${path}`,
    cites: typeof cites === 'string' ? cites : path,
    parameters: definition.parameters ?? {},
    needs: definition.needs ?? [],
    ...(definition.needsWith === undefined ? {} : { needsWith: (values: Parameters) => definition.needsWith!(values) }),
    create(context, values) {
      const policy = definition.create(context, values);
      for (const method of ['touch', 'insert', 'remove', 'victim'] as const) {
        if (typeof policy?.[method] !== 'function') throw wrong(`what "create" returns lacks the method "${method}"`);
      }
      return policy;
    },
  };
}
