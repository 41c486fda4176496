// The library from outside: the example of docs/extend.md runs, and mistakes are UserErrors that end no process.
import { execFile } from 'node:child_process';
import { mkdirSync, readFileSync, rmSync, symlinkSync, writeFileSync } from 'node:fs';
import { join, resolve } from 'node:path';
import { promisify } from 'node:util';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { temporaryFolder } from './moeprof.js';

const exec = promisify(execFile);
const root = resolve(import.meta.dirname, '../..');

let cwd: string;
beforeAll(() => {
  cwd = temporaryFolder();
  mkdirSync(join(cwd, 'node_modules'));
  symlinkSync(root, join(cwd, 'node_modules/moeprof'));
});
afterAll(() => rmSync(cwd, { recursive: true, force: true }));

async function printed(script: string): Promise<string[]> {
  writeFileSync(join(cwd, 'script.mjs'), script);
  const { stderr, stdout } = await exec(process.execPath, ['script.mjs'], { cwd });
  expect(stderr).toBe('');
  return stdout.trim().split('\n');
}

it('docs/extend.md: each command as a function', async () => {
  const page = readFileSync(join(root, 'docs/extend.md'), 'utf8');
  expect(await printed(/```js\n(\/\/ library\.mjs.*?)```/s.exec(page)![1]!)).toEqual([
    'run 0.363 true',
    'compare true',
    'curve lru 2381, belady 3822',
    'sweep 1, 4',
    'plan rtx-3090 54%, t4 54%',
    'predict 1',
    'advise true',
  ]);
});

it('a result that is written and read again is the same', async () => {
  const script = `
    import { isDeepStrictEqual } from 'node:util';
    import { parseResult, resultText, simulate } from 'moeprof';
    const text = resultText(await simulate({ model: 'mini-mixtral-8x8l', workload: { tokens: 50 } }));
    console.log(isDeepStrictEqual(parseResult(text, 'again'), JSON.parse(text)));`;
  expect(await printed(script)).toEqual(['true']);
});

describe('mistakes', () => {
  it.each([
    ["simulate({ modell: 'x' })", 2, /^simulate: "modell"|modell/],
    ["simulate({ model: 'mini-mixtral-8x8l', system: { name: 'x', scheduler: './none.mjs' } })", 2, /none\.mjs: there is no such file/],
    ["curve({ model: 'mini-mixtral-8x8l' }, { policies: ['lruu'] })", 2, /^policies: unknown policy "lruu"; did you mean "lru"/],
    ["curve({ model: 'mini-mixtral-8x8l' }, { quotas: 'optimal' })", 2, /^quotas optimal: only caches of their own have quotas/],
    ["sweep({ model: 'mini-mixtral-8x8l' }, { 'workload.bach': [1] })", 2, /workload\.bach/],
    ["sweep({ model: 'mini-mixtral-8x8l' }, {})", 2, /nothing varies/],
    ["plan({ model: 'mini-mixtral-8x8l' }, {})", 2, /nothing says what must hold/],
    ["predict({ judged: ['mini-mixtral-8x8l'], predictors: ['none'] })", 2, /predicts nothing, so there is nothing to judge/],
    ["advise('olmoe-1b-7b', 'rtx-9999')", 2, /rtx-9999/],
    ["openTrace('none.jsonl')", 2, /none\.jsonl: there is no such file/],
  ])('%s', async (call, exitCode, message) => {
    const script = `
      import * as moeprof from 'moeprof';
      const { ${call.replace(/\(.*/s, '')}, UserError } = moeprof;
      try {
        await ${call};
      } catch (error) {
        console.log(JSON.stringify([error instanceof UserError, error.exitCode, error.message]));
      }
      console.log('still here');`;
    const [told, last] = await printed(script);
    const [isUserError, code, text] = JSON.parse(told!) as [boolean, number, string];
    expect([isUserError, code, last]).toEqual([true, exitCode, 'still here']);
    expect(text).toMatch(message);
    expect(text).not.toContain('\n');
  });
});
