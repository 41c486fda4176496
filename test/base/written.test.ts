// What is made of a text keeps the text, and what is wrong with it is told where it stands.
import { describe, expect, it } from 'vitest';
import { z } from 'zod';
import { UserError } from '../../src/base/errors.js';
import { asWritten, known, written } from '../../src/base/written.js';
import { locateYaml } from '../../src/base/yaml.js';

/** A pair such as `2x3`. */
function parsePair(text: string): { text: string; area: number } {
  const match = /^(\d+)x(\d+)$/.exec(text);
  if (match === null) throw new UserError(`"${text}" is no pair; write e.g. 2x3`);
  return { text, area: Number(match[1]) * Number(match[2]) };
}

const names = known((name) => {
  if (name !== 'desk') throw new UserError(`unknown name "${name}"; write desk`);
});
const schema = z.strictObject({
  name: z.string().superRefine(names),
  size: written(parsePair, z.string()),
  rest: z.array(written(parsePair, z.string())).default([]),
});
const read = (text: string) => locateYaml(text, 'a.yaml', schema);

describe('a text that is parsed where it is read', () => {
  it('is a value beside its text, and prints as it was written', () => {
    const { value } = read('name: desk\nsize: 2x3\nrest: [4x5]\n');
    expect(value.size).toEqual({ text: '2x3', area: 6 });
    expect(asWritten(value)).toEqual({ name: 'desk', size: '2x3', rest: ['4x5'] });
    expect(asWritten([null, 1, { size: null }])).toEqual([null, 1, { size: null }]);
  });

  it.each([
    ['name: desk\nsize: 2by3\n', 'a.yaml:2:7: size: "2by3" is no pair; write e.g. 2x3'],
    ['name: desk\nsize: 2x3\nrest: [1x1, 2]\n', 'a.yaml:3:13: rest.1: expected text, not 2'],
    ['name: dask\nsize: 2x3\n', 'a.yaml:1:7: name: unknown name "dask"; write desk'],
    // What is wrong comes before what is missing.
    ['rest: [1]\nsize: 2x\n', 'a.yaml:1:8: rest.0: expected text, not 1 (2 more)'],
  ])('%j is refused with its place', (text, message) => {
    expect(() => read(text)).toThrow(new UserError(message));
  });

  it('lets errors of ours pass', () => {
    const broken = z.strictObject({ size: written((): unknown => JSON.parse('{'), z.string()) });
    expect(() => locateYaml('size: x', 'a.yaml', broken)).toThrow(SyntaxError);
  });
});

describe('places', () => {
  it('are those of all that is given, the flag where one gave it', () => {
    const override = { path: ['rest'], value: ['7x7'], label: '--rest' };
    const { places } = locateYaml('name: desk\nsize: 2x3\nrest: [1x1]\n', 'a.yaml', schema, [override]);
    expect(places).toEqual({ name: 'a.yaml:1:7', size: 'a.yaml:2:7', rest: '--rest', 'rest.0': '--rest' });
  });

  it('of a part are those of the whole, and paths in messages start at the root', () => {
    const whole = locateYaml('desk:\n  name: desk\n  size: 2x\n', 'a.yaml', z.looseObject({}));
    expect(() => whole.part(['desk'], schema)).toThrow(new UserError('a.yaml:3:9: desk.size: "2x" is no pair; write e.g. 2x3'));
    const amended = whole.part(['desk'], schema, [{ path: ['size'], value: '1x2', label: '--size' }]);
    expect(amended.places).toEqual({ name: 'a.yaml:2:9', size: '--size' });
  });
});
