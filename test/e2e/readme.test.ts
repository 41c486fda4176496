// Every command of the README works as it is written, one after another in one folder, as a reader would type them.
import { readFileSync } from 'node:fs';
import { describe, expect, it } from 'vitest';
import { moeprof, temporaryFolder } from './moeprof.js';
import { screensOf, typed } from './screens.js';

const readme = readFileSync(new URL('../../README.md', import.meta.url), 'utf8');
const commands = screensOf('README.md').map(({ command }) => command);

describe('README', () => {
  const folder = temporaryFolder();

  it('has commands', () => {
    expect(commands.length).toBeGreaterThan(10);
  });

  it.each(commands)('%s', async (command) => {
    const { stderr, code } = await typed(command, folder);
    expect([code, stderr.split('\n').filter((line) => /error|internal/.test(line))]).toEqual([0, []]);
  });

  it('shows the quick start as it prints today', async () => {
    const { stdout } = await moeprof(['run']);
    const screen = stdout.replace(/^(?=.)/gm, '    ');
    expect(readme.includes(screen), `paste the output of \`moeprof run\` into README.md, indented by four:\n${screen}`).toBe(true);
  });

  it('links only to files that exist', () => {
    const links = [...readme.matchAll(/\]\((?!https?:)([^)#]+)/g)].map((match) => match[1]!);
    expect(links.length).toBeGreaterThan(0);
    for (const link of links) expect(() => readFileSync(new URL(`../../${link}`, import.meta.url)), link).not.toThrow();
  });
});
