// Errors that one thread sends another, as messages copy them: what was a mistake of the user's is one still, with its exit code.
import { expect, it } from 'vitest';
import { EXIT, UserError } from '../../src/base/errors.js';
import { receivedError, sentError } from '../../src/base/worker-pool.js';

const passedOn = (error: unknown): Error => receivedError(structuredClone(sentError(error)));

it('keeps a UserError and its exit code', () => {
  const error = passedOn(new UserError('run.yaml: no such model', EXIT.notComparable));
  expect(error).toBeInstanceOf(UserError);
  expect(error).toMatchObject({ message: 'run.yaml: no such model', exitCode: 3 });
});

it('keeps message and stack of any other error, and what was thrown that is none', () => {
  const thrown = new TypeError('x is not a function');
  const error = passedOn(thrown);
  expect(error).not.toBeInstanceOf(UserError);
  expect([error.message, error.stack]).toEqual([thrown.message, thrown.stack]);
  expect(passedOn('a text')).toMatchObject({ message: 'a text', stack: '' });
});
