// Naming policies: built-in ones, parameters, modules of the user's own, and every mistake in one line.
import { writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { beforeAll, describe, expect, it } from 'vitest';
import { UserError } from '../../../src/base/errors.js';
import { POLICIES, parsePolicy, resolvePolicy } from '../../../src/cache/policies/index.js';
import { Pins } from '../../../src/cache/policy.js';
import { temporaryFolder } from '../../support/folder.js';
import { withoutTrials } from '../../support/own-parts.js';

let folder = '';
beforeAll(() => {
  folder = temporaryFolder();
});

function module(name: string, text: string): string {
  writeFileSync(join(folder, name), text);
  return `./${name}`;
}

describe('the registry', () => {
  it('has each name once, cites a source and explains every parameter', () => {
    expect(new Set(POLICIES.map((policy) => policy.name)).size).toBe(POLICIES.length);
    for (const policy of POLICIES) {
      expect(policy.name).toMatch(/^[a-z0-9-]+$/);
      expect(policy.summary.length).toBeGreaterThan(10);
      expect(policy.cites.length).toBeGreaterThan(5);
      for (const parameter of Object.values(policy.parameters ?? {})) expect(parameter.description.length).toBeGreaterThan(5);
    }
  });
});

const policyOf = async (text: string) => resolvePolicy(parsePolicy(text), folder);

describe('resolvePolicy', () => {
  it('reads parameters, with defaults for the others', async () => {
    const { definition, parameters } = await policyOf('s3-fifo:small=0.2,ghost=1');
    expect(definition.name).toBe('s3-fifo');
    expect(parameters).toEqual({ small: 0.2, ghost: 1, promoteAt: 2 });
  });

  it.each([
    ['lruu', 'did you mean "lru"'],
    ['s3-fifo:smal=0.1', 'smal'],
    ['s3-fifo:small=2', 'out of range'],
    ['s3-fifo:small=much', 'expected a number'],
    ['static:by=size', 'not one of popularity, layer'],
    ['lru:depth=3', 'there are none'],
    ['./absent.mjs', '/absent.mjs: there is no such file'],
  ])('refuses %s', async (spec, message) => {
    const error = await policyOf(spec).catch((thrown: unknown) => thrown);
    expect(error).toBeInstanceOf(UserError);
    expect(String(error)).toContain(message);
    expect(String(error)).not.toContain('\n');
  });

  const body = 'touch() {}, insert() {}, remove() {}, victim: () => -1';

  it('loads a module of the user’s own, with parameters', async () => {
    const path = module(
      'mine.mjs',
      `export default { name: 'mine', parameters: { rate: { default: 1, description: 'rate', min: 0 } }, create: (context, { rate }) => ({ ${body} }) };`,
    );
    const { definition, parameters } = await policyOf(`${path}:rate=3`);
    expect(definition).toMatchObject({ name: 'mine', cites: expect.stringMatching(/mine\.mjs$/) as unknown });
    expect(parameters).toEqual({ rate: 3 });
    await expect(policyOf(`${path}:rat=3`)).rejects.toThrow('rate');
  });
});

describe('a module of the user’s own', () => {
  withoutTrials();

  it.each([
    ['none.mjs', 'export const policy = 1;', 'there is no default export; it must be a policy definition'],
    ['nameless.mjs', 'export default { create() {} };', 'lacks "name"'],
    ['idle.mjs', 'export default { name: "idle" };', 'lacks "create(context, parameters)"'],
    [
      'needy.mjs',
      'export default { name: "needy", create() {}, needs: ["luck"] };',
      '"needs" must be a list of expected, future, popularity, predicted, weights',
    ],
    ['plain.mjs', 'export default { name: "plain", create() {}, parameters: { rate: 3 } };', 'parameter "rate" lacks a default'],
    ['broken.mjs', 'export default {', 'cannot be loaded as a policy'],
  ])('says what is wrong with %s', async (name, text, message) => {
    await expect(policyOf(module(name, text))).rejects.toThrow(message);
  });

  it('says which method a policy object lacks', async () => {
    const path = module('partial.mjs', 'export default { name: "partial", create: () => ({ touch() {}, insert() {}, remove() {} }) };');
    const { definition } = await policyOf(path);
    expect(() => definition.create({} as never, {})).toThrow('lacks the method "victim"');
  });

  it.each([
    ['7', 'returned 7, which is not a resident expert'],
    ['undefined', 'returned undefined, which is not a resident expert'],
    ['0', 'returned 0, which is pinned'],
  ])('says when a victim is none: %s', async (victim, message) => {
    const text = `export default { name: 'v', create: () => ({ touch() {}, insert() {}, remove() {}, victim: () => ${victim} }) };`;
    const { definition } = await policyOf(module(`victim-${victim}.mjs`, text));
    const policy = definition.create({ experts: 9 } as never, {});
    policy.insert(0, true);
    expect(() => policy.victim(1, new Pins(new Int32Array(9).fill(-1)))).toThrow(message);
  });
});
