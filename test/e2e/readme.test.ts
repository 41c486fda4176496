// Every command of the README works as it is written, one after another in one folder, as a reader would type them.
import { chmodSync, readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { describe, expect, it } from 'vitest';
import { BIN, shell, temporaryFolder } from './moeprof.js';

const readme = readFileSync(new URL('../../README.md', import.meta.url), 'utf8');
const commands = [...readme.matchAll(/^ {4}(moeprof .*)$/gm)].map((match) => match[1]!);

describe('README', () => {
  const folder = temporaryFolder();
  const shim = join(folder, 'moeprof');
  writeFileSync(shim, `#!/bin/sh\nexec ${process.execPath} ${BIN} "$@"\n`);
  chmodSync(shim, 0o755);
  const env = { PATH: `${folder}:${process.env.PATH ?? ''}` };

  it('has commands', () => {
    expect(commands.length).toBeGreaterThan(10);
  });

  it.each(commands)('%s', async (command) => {
    const { stderr, code } = await shell(command, { cwd: folder, env });
    expect([code, stderr.split('\n').filter((line) => /error|internal/.test(line))]).toEqual([0, []]);
  });

  it('shows the quick start as it prints today', async () => {
    const { stdout } = await shell('moeprof run', { cwd: folder, env });
    const screen = stdout.replace(/^(?=.)/gm, '    ');
    expect(readme.includes(screen), `paste the output of \`moeprof run\` into README.md, indented by four:\n${screen}`).toBe(true);
  });

  it('links only to files that exist', () => {
    const links = [...readme.matchAll(/\]\((?!https?:)([^)#]+)/g)].map((match) => match[1]!);
    expect(links.length).toBeGreaterThan(0);
    for (const link of links) expect(() => readFileSync(new URL(`../../${link}`, import.meta.url)), link).not.toThrow();
  });
});
