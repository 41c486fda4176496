// docs/gallery.md shows what its commands print and draw today, each run where a reader would run it: in one folder, in the order of the
// page. MOEPROF_UPDATE=1 npx vitest run --project e2e test/e2e/gallery.test.ts writes screens and pictures anew.
import { copyFileSync, existsSync, readdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { basename, join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { moeprof, temporaryFolder } from './moeprof.js';
import { screensOf } from './screens.js';

const file = (path: string): string => fileURLToPath(new URL(`../../${path}`, import.meta.url));
const PAGE = file('docs/gallery.md');
const update = process.env.MOEPROF_UPDATE === '1';
const screens = screensOf('docs/gallery.md');

let cwd: string;
beforeAll(() => {
  cwd = temporaryFolder();
  copyFileSync(file('examples/gallery.yaml'), join(cwd, 'gallery.yaml'));
});
afterAll(() => rmSync(cwd, { recursive: true, force: true }));

/** Most lines that a screen of the page shows; what is longer ends with a line `...`. */
const MOST = 28;

/** The screen of a command as the page shows it. */
function shown(stdout: string): string {
  const lines = stdout.trimEnd().split('\n');
  return (lines.length > MOST ? [...lines.slice(0, MOST), '...'] : lines).join('\n');
}

/** Writes what a command printed below it on the page. */
function write(command: string, stdout: string): void {
  const lines = readFileSync(PAGE, 'utf8').split('\n');
  const from = lines.indexOf(`    ${command}`) + 1;
  const end = lines.findIndex((line, i) => i >= from && ((line !== '' && !line.startsWith('    ')) || line.startsWith('    moeprof ')));
  const screen =
    stdout === ''
      ? []
      : [
          '',
          ...shown(stdout)
            .split('\n')
            .map((line) => (line === '' ? '' : `    ${line}`)),
        ];
  const next = lines[end]!.startsWith('    moeprof ') && screen.length === 0 ? [] : [''];
  writeFileSync(PAGE, [...lines.slice(0, from), ...screen, ...next, ...lines.slice(end)].join('\n'));
}

describe('docs/gallery.md', () => {
  it('asks ten questions', () => {
    expect(readFileSync(PAGE, 'utf8').match(/^## /gm)).toHaveLength(10);
  });

  it.each(screens)('$command', async ({ command, screen }) => {
    const words = command.match(/'[^']*'|\S+/g)!.map((word) => word.replaceAll("'", ''));
    const { code, stderr, stdout } = await moeprof(words.slice(1), { cwd });
    // A gate that fails is what the page shows of `compare`.
    expect([stderr, code]).toEqual(['', words[1] === 'compare' ? 1 : 0]);
    if (update) write(command, stdout);
    else expect(shown(stdout).trim()).toBe(screen.trim());
  });

  it('shows the pictures that its commands draw', () => {
    const drawn = readdirSync(cwd).filter((name) => name.endsWith('.svg'));
    expect(drawn.length).toBeGreaterThan(0);
    for (const name of drawn) {
      const kept = file(`docs/images/${basename(name)}`);
      if (update) copyFileSync(join(cwd, name), kept);
      expect(existsSync(kept) && readFileSync(kept, 'utf8') === readFileSync(join(cwd, name), 'utf8'), `docs/images/${name} is stale`).toBe(
        true,
      );
      expect(readFileSync(PAGE, 'utf8')).toContain(`](images/${name})`);
    }
  });
});
