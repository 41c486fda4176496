// A member's functions take the values of its own parameters: another name, or another kind of value, is an error of the compiler.
import { expect, it } from 'vitest';
import { type Member, memberOf, type Parameters, resolveParameters } from '../../src/base/parameters.js';

interface Definition extends Member {
  create(scale: number, parameters: Parameters): unknown;
}

const make = memberOf<Definition>();
const about = { name: 'sample', summary: 'a sample', cites: '' };
const parameters = {
  window: { default: 16, description: 'a number' },
  preload: { default: true, description: 'a switch' },
  by: { default: 'id', values: ['id', 'layer'], description: 'one of two words' },
  cost: { default: 'measured', orNumber: true, description: 'a number, or a word' },
} as const;

it('a member takes numbers, switches and words by the names of its parameters', () => {
  const member = make({
    ...about,
    parameters,
    create: (scale, { by, cost, preload, window }): [number, boolean, 'id' | 'layer', string | number] => [
      scale * window,
      preload,
      by,
      cost,
    ],
  });
  expect(member.create(2, resolveParameters('sample', member.parameters, { by: 'layer', cost: '7' }))).toEqual([32, true, 'layer', 7]);
});

it('no other names, words or kinds of values', () => {
  // @ts-expect-error: there is no parameter of this name.
  const named = make({ ...about, parameters, create: (_scale, { windows }) => windows });
  // @ts-expect-error: a switch is no number.
  const kind = make({ ...about, parameters, create: (scale, { preload }) => scale * preload });
  // @ts-expect-error: none of the words.
  const word = make({ ...about, parameters, create: (_scale, { by }) => by === 'size' });
  const values = resolveParameters('sample', parameters);
  expect([named, kind, word].map((member) => member.create(1, values))).toEqual([undefined, 1, false]);
});
