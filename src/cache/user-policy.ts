import { UserError } from '../base/errors.js';
import type { OwnExport } from '../base/user-module.js';
import { type CachePolicy, NONE, type PolicyDefinition } from './policy.js';

const NEEDS = ['expected', 'future', 'popularity', 'predicted', 'weights'];

/** A module's policy, also checked at run time. @throws UserError naming the first fault */
export function ownPolicy(exported: OwnExport): PolicyDefinition {
  exported.requireMethod('create(context, parameters)');
  exported.optionalMethod('needsWith');
  exported.wordsOf('needs', NEEDS);
  const definition = exported.value as PolicyDefinition;
  return {
    ...definition,
    ...exported.described('policy'),
    ...exported.guarded(definition, ['needsWith']),
    create(context, values) {
      const policy = exported.run('create', () => definition.create(context, values));
      return checked(exported, exported.made(policy, ['touch', 'insert', 'remove', 'victim']), context.experts);
    },
  };
}

function checked(exported: OwnExport, policy: CachePolicy, experts: number): CachePolicy {
  const resident = new Uint8Array(experts);
  return {
    touch: (id) => exported.run('touch', () => policy.touch(id)),
    insert(id, used) {
      resident[id] = 1;
      exported.run('insert', () => policy.insert(id, used));
    },
    remove(id) {
      resident[id] = 0;
      exported.run('remove', () => policy.remove(id));
    },
    victim(incoming, pins) {
      const id = exported.run('victim', () => policy.victim(incoming, pins));
      if (id === NONE) return NONE;
      const wrong = !Number.isInteger(id) || resident[id] !== 1 ? 'is not a resident expert' : pins.has(id) ? 'is pinned' : null;
      if (wrong === null) return id;
      throw new UserError(
        `${exported.shown}: victim(${incoming}) returned ${String(id)}, which ${wrong}; return a resident that pins.has does not hold, or -1`,
      );
    },
    ...exported.guarded(policy, ['admits', 'bypasses', 'streamed', 'preload', 'resized', 'demanded']),
  };
}
