// Searches from outside: the page on them as it prints today, what they write, and profiles of points that run alone.
import { copyFileSync, mkdirSync, readdirSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { expect, it } from 'vitest';
import { moeprof, temporaryFolder } from './moeprof.js';
import { argumentsOf, screensOf } from './screens.js';

it('docs/plan.md prints what it shows, and its front runs alone', async () => {
  const cwd = temporaryFolder();
  mkdirSync(join(cwd, 'examples'));
  copyFileSync(new URL('../../examples/search.yaml', import.meta.url), join(cwd, 'examples', 'search.yaml'));
  const screens = screensOf('docs/plan.md').filter(({ command }) => /search\.yaml|front\//.test(command));
  expect(screens.map(({ command }) => command.split(' ')[1])).toEqual(['search', 'search', 'run']);
  for (const { command, screen } of screens) {
    const { code, stderr, stdout } = await moeprof(argumentsOf(command), { cwd });
    expect([code, stderr], command).toEqual([0, '']);
    expect(stdout).toContain(screen.trim());
    for (const line of stdout.split('\n')) expect([...line].length, line).toBeLessThanOrEqual(80);
  }
  const [head, ...points] = readFileSync(join(cwd, 'front.csv'), 'utf8').trimEnd().split('\n');
  expect(head).toMatch(/^point,speed\.decode \[tokens\/s\],price \[count\],confidence \[ratio\],hardware,/);
  expect(readdirSync(join(cwd, 'front'))).toEqual(points.map((_, at) => `${at + 1}.yaml`));
  expect(readFileSync(join(cwd, 'runs.jsonl'), 'utf8').trimEnd().split('\n').length).toBe(48);
  // A short run comes again, too.
  const short = readFileSync(join(cwd, 'runs.jsonl'), 'utf8')
    .split('\n')
    .filter((line) => line !== '')
    .map((line) => JSON.parse(line) as Record<string, unknown>)
    .find((row) => row.short === true && row.status === 'done')!;
  const again = await moeprof([...argumentsOf(String(short.again)), '--json'], { cwd });
  expect((JSON.parse(again.stdout) as { metrics: Record<string, { value: number }> }).metrics['speed.decode']!.value).toBe(
    short['speed.decode [tokens/s]'],
  );
  // A figure of the page is the one that is written now.
  const drawn = readFileSync(new URL('../../docs/images/search-front.svg', import.meta.url), 'utf8');
  expect(readFileSync(join(cwd, 'front.svg'), 'utf8')).toBe(drawn);
  // What the profile gives is what the table says.
  const { stdout } = await moeprof(['run', 'front/1.yaml', '--json'], { cwd });
  const decode = (JSON.parse(stdout) as { metrics: Record<string, { value: number }> }).metrics['speed.decode']!.value;
  expect(decode).toBe(Number(points[0]!.split(',')[1]));
}, 120_000);
