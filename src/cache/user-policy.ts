// A policy of the user's own, checked as it is loaded and while it runs: a wrong victim would make every count wrong in silence.
import { UserError } from '../base/errors.js';
import type { OwnExport } from '../base/user-module.js';
import { type CachePolicy, NONE, type PolicyDefinition } from './policy.js';

const NEEDS = ['expected', 'future', 'popularity', 'predicted', 'weights'];

/** The policy that a module exports. @throws UserError naming the first thing that keeps it from being used */
export function ownPolicy(own: OwnExport): PolicyDefinition {
  own.requireMethod('create(context, parameters)');
  own.optionalMethod('needsWith');
  own.wordsOf('needs', NEEDS);
  const definition = own.value as PolicyDefinition;
  return {
    ...definition,
    ...own.described('policy'),
    ...own.guarded(definition, ['needsWith']),
    create(context, values) {
      const policy = own.run('create', () => definition.create(context, values));
      return checked(own, own.made(policy, ['touch', 'insert', 'remove', 'victim']), context.experts);
    },
  };
}

/** The same policy, whose victims are checked. */
function checked(own: OwnExport, policy: CachePolicy, experts: number): CachePolicy {
  const resident = new Uint8Array(experts);
  return {
    touch: (id) => own.run('touch', () => policy.touch(id)),
    insert(id, used) {
      resident[id] = 1;
      own.run('insert', () => policy.insert(id, used));
    },
    remove(id) {
      resident[id] = 0;
      own.run('remove', () => policy.remove(id));
    },
    victim(incoming, pins) {
      const id = own.run('victim', () => policy.victim(incoming, pins));
      if (id === NONE) return NONE;
      const wrong = !Number.isInteger(id) || resident[id] !== 1 ? 'is not a resident expert' : pins.has(id) ? 'is pinned' : null;
      if (wrong === null) return id;
      throw new UserError(
        `${own.shown}: victim(${incoming}) returned ${String(id)}, which ${wrong}; return a resident that pins.has does not hold, or -1`,
      );
    },
    ...own.guarded(policy, ['admits', 'bypasses', 'streamed', 'preload', 'resized']),
  };
}
