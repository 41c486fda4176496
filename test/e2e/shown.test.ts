// The gallery shows what their commands print and draw today, each run where a reader would run it: in one folder with the
// examples, in the order of the page. MOEPROF_UPDATE=1 npx vitest run --project e2e test/e2e/shown.test.ts writes screens and pictures anew.
import { copyFileSync, cpSync, existsSync, readdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { inTurn, temporaryFolder } from './moeprof.js';
import { argumentsOf, screensOf } from './screens.js';

const file = (path: string): string => fileURLToPath(new URL(`../../${path}`, import.meta.url));
const update = process.env.MOEPROF_UPDATE === '1';

/** Most lines that a screen of the page shows; what is longer ends with a line `...`. */
const MOST = 32;

/** The screen of a command as the page shows it. */
function shown(stdout: string): string {
  const lines = stdout.trimEnd().split('\n');
  return (lines.length > MOST ? [...lines.slice(0, MOST), '...'] : lines).join('\n');
}

/** Writes what a command printed below it on the page. */
function write(page: string, command: string, stdout: string): void {
  const lines = readFileSync(file(page), 'utf8').split('\n');
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
  writeFileSync(file(page), [...lines.slice(0, from), ...screen, ...next, ...lines.slice(end)].join('\n'));
}

/** Those whose gate is broken, which is what the page shows of them. */
const FAILING: ReadonlySet<string | undefined> = new Set(['compare', 'check']);

describe.each([['docs/gallery.md', 16]] as const)('%s', (page, sections) => {
  let cwd: string;
  beforeAll(() => {
    cwd = temporaryFolder();
    cpSync(file('examples'), cwd, { recursive: true });
  });
  afterAll(() => rmSync(cwd, { recursive: true, force: true }));

  it('has a section for each question and each user', () => {
    expect(readFileSync(file(page), 'utf8').match(/^## /gm)).toHaveLength(sections);
  });

  it.each(screensOf(page))('$command', async ({ command, screen }) => {
    const words = argumentsOf(command);
    const { code, stderr, stdout } = await inTurn(words, { cwd });
    expect([stderr, code]).toEqual(['', FAILING.has(words[0]) ? 1 : 0]);
    // BibTeX is for files: titles stand on one line.
    if (words[0] !== 'cite') for (const line of stdout.split('\n')) expect([...line].length).toBeLessThanOrEqual(80);
    if (update) write(page, command, stdout);
    else expect(shown(stdout).trim()).toBe(screen.trim());
  });

  it('shows the pictures that its commands draw', () => {
    const drawn = readdirSync(cwd).filter((one) => one.endsWith('.svg'));
    const text = readFileSync(file(page), 'utf8');
    expect(drawn.sort()).toEqual([...text.matchAll(/\]\(images\/([\w-]+\.svg)\)/g)].map(([, name]) => name!).sort());
    for (const name of drawn) {
      const kept = file(`docs/images/${name}`);
      if (update) copyFileSync(join(cwd, name), kept);
      expect(existsSync(kept) && readFileSync(kept, 'utf8') === readFileSync(join(cwd, name), 'utf8'), `docs/images/${name} is stale`).toBe(
        true,
      );
    }
  });
});
