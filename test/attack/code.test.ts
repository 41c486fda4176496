// A YAML file runs no code: the name of a module in it is an error, wherever the file is used, unless the command line says otherwise.
import { readdirSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { beforeEach, describe, expect, it } from 'vitest';
import { runOf } from '../../src/cli/run-options.js';
import { checkRun, loadRun } from '../../src/system/load-run.js';
import { temporaryFolder } from '../support/folder.js';

const PROFILE = 'model: mini-mixtral-8x8l\nhardware: t4\nworkload: { tokens: 64 }\n';
const FLAGS = { variant: [], trace: [], fault: [], set: [], bounds: true } as const;
const REFUSED = 'is code, which no file may run';

let folder = '';
const file = (name: string, text: string): string => {
  writeFileSync(join(folder, name), text);
  return join(folder, name);
};
beforeEach(() => {
  folder = temporaryFolder();
  file('evil.mjs', `import fs from 'node:fs'; fs.writeFileSync(new URL('PWNED', import.meta.url), ''); export default {};`);
});

describe('a module that a file names', () => {
  it.each([
    ['as the policy of its system', 'system: { name: x, cache: { policy: ./evil.mjs } }\n', ':4:37: system.cache.policy: ./evil.mjs'],
    ['with parameters', 'system: { name: x, cache: { policy: "./evil.mjs:a=1" } }\n', 'system.cache.policy: ./evil.mjs'],
    ['as the policy of DRAM', 'system: { name: x, dram: { policy: ./evil.mjs } }\n', 'system.dram.policy: ./evil.mjs'],
    ['in the system that it names', 'system: ./system.yaml\n', 'system.yaml:2:18: system.cache.policy: ./evil.mjs'],
  ])('is refused %s', (_, system, place) => {
    file('system.yaml', 'name: x\ncache: { policy: ./evil.mjs }\n');
    const profile = file('run.yaml', PROFILE + system);
    expect(() => loadRun(profile)).toThrow(place);
    expect(() => loadRun(profile)).toThrow(REFUSED);
    // Another flag does not make it the user's own.
    expect(() => runOf(profile, { ...FLAGS, cache: '25%', set: ['seed=2'] })).toThrow(REFUSED);
    expect(() => runOf(profile, { ...FLAGS, allowCode: true })).not.toThrow();
    expect(readdirSync(folder)).not.toContain('PWNED');
  });

  it('is refused in a system that the command line names as a file', () => {
    const system = file('system.yaml', 'name: x\ncache: { policy: ./evil.mjs }\n');
    expect(() => runOf(undefined, { ...FLAGS, system })).toThrow(REFUSED);
  });

  it('is the user’s own where the command line names it, or a program', () => {
    const profile = file('run.yaml', PROFILE);
    expect(runOf(profile, { ...FLAGS, policy: './evil.mjs' }).system.cache.policy).toHaveProperty('path');
    expect(runOf(profile, { ...FLAGS, set: ['system.dram.policy=./evil.mjs'] }).system.dram.policy).toHaveProperty('path');
    const system = { name: 'x', cache: { policy: './evil.mjs' } };
    expect(checkRun({ system }, 'simulate').system.cache.policy).toHaveProperty('path');
  });
});
