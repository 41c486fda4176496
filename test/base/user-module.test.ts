// Modules of the user's own: how they are named, and that each mistake in one is told in one line that says where it stands.
import { writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { describe, expect, it } from 'vitest';
import { importOwn, loadedChoice, locatedModule, moduleChoice } from '../../src/base/user-module.js';
import { ownFolder, refusal } from '../support/own-parts.js';

const folder = ownFolder();

function file(name: string, text: string): string {
  writeFileSync(join(folder, name), text);
  return join(folder, name);
}

describe('names', () => {
  it('tells paths from names, and takes parameters behind a colon', () => {
    expect(moduleChoice('policy', 'lru')).toBeNull();
    expect(moduleChoice('policy', 's3-fifo:small=0.1')).toBeNull();
    expect(moduleChoice('predictor', 'p.onnx')).toBeNull();
    expect(moduleChoice('policy', './a b.mjs:rate=2,by=x', { size: 3 })).toEqual({
      text: './a b.mjs:rate=2,by=x',
      name: './a b.mjs',
      path: './a b.mjs',
      parameters: { rate: '2', by: 'x', size: 3 },
    });
    expect(() => moduleChoice('policy', './a.mjs:rate=2', { rate: 1 })).toThrow('"rate" stands in "./a.mjs:rate=2", too; keep one of them');
    for (const ending of ['js', 'mjs', 'cjs', 'ts', 'mts', 'cts'])
      expect(moduleChoice('policy', `C:/own.${ending}`)?.path).toBe(`C:/own.${ending}`);
    expect([locatedModule('./own.ts:a=1', '/there'), locatedModule('lru', '/there')]).toEqual(['/there/own.ts:a=1', 'lru']);
  });

  it('loads once, and reads parameters by the table of the module', async () => {
    const path = file('good.mjs', "export default { name: 'good', parameters: { rate: { default: 1, description: '' } } };");
    const chosen = moduleChoice<{ name: string }>('policy', `${path}:rate=2`)!;
    const loaded = await loadedChoice('policy', chosen, (own) => own.value as { name: string });
    expect([loaded.name, loaded.parameters]).toEqual(['good', { rate: 2 }]);
    expect(await loadedChoice('policy', loaded, () => expect.unreachable())).toBe(loaded);
  });
});

describe('what is no member of a family is told in one line', () => {
  it.each([
    [
      'none.mjs',
      'export const policy = {};\n',
      /none\.mjs: there is no default export; it must be a policy definition \(an object\); the contract is in the types of the package \(moeprof\/dist\/index\.d\.ts\)$/,
    ],
    ['number.mjs', 'export default 3;\n', /number\.mjs: the default export must be a policy definition \(an object\)/],
    ['nameless.mjs', 'export default { create() {} };\n', /nameless\.mjs: the default export lacks "name" \(text\)/],
    ['parameters.mjs', "export default { name: 'own', parameters: { a: {} } };\n", /parameters\.mjs: parameter "a" lacks a default/],
  ])('%s', async (name, text, message) => {
    const path = file(name, text);
    const said = await refusal(() => importOwn('policy', path));
    expect(said).toMatch(/^UserError: [^\n]*$/);
    expect(said).toMatch(message);
  });

  it('a module that is not there, and one of the wrong kind', async () => {
    expect(await refusal(() => importOwn('policy', join(folder, 'nowhere.mjs')))).toMatch(/nowhere\.mjs: there is no such file$/);
    expect(await refusal(() => importOwn('policy', folder))).toMatch(/is a folder, not a file; name a \.mjs, \.js or \.ts file$/);
  });
});
