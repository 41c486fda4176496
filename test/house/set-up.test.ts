// What a clone needs: two commands, Node and npm. The packages that moeprof is built on are installed with it.
import { readFileSync } from 'node:fs';
import { expect, it } from 'vitest';

const read = (name: string): string => readFileSync(new URL(`../../${name}`, import.meta.url), 'utf8');
const { dependencies, optionalDependencies, scripts } = JSON.parse(read('package.json')) as Record<string, Record<string, string>>;

it('README begins with two commands, the set-up with the demo, and the tests', () => {
  const block = /^(?: {4}.*\n)+/m.exec(read('README.md'))![0];
  const commands = block
    .trimEnd()
    .split('\n')
    .map((line) => line.replace(/#.*/, '').trim());
  expect(commands).toEqual(['npm ci && npm run demo', 'npm test']);
  expect(Object.keys(scripts!)).toEqual(expect.arrayContaining(['demo', 'test']));
});

it('no script of a package runs at installation, nor one of ours around pack', () => {
  expect(read('.npmrc').split('\n')).toContain('ignore-scripts=true');
  // npm would leave these out, too.
  const around = Object.keys(scripts!).filter((name) => /^(?:pre|post|prepare)/.test(name));
  expect(around).toEqual([]);
});

it('the command line, its colours, tables and profiles are dependencies, the runtime of networks is an optional one', () => {
  expect(Object.keys(dependencies!)).toEqual(expect.arrayContaining(['chalk', 'cli-table3', 'commander', 'yaml']));
  expect(Object.keys(optionalDependencies!)).toEqual(['onnxruntime-node']);
});

it('the lock file names no registry', () => {
  expect(read('package-lock.json')).not.toMatch(/"resolved"/);
});
