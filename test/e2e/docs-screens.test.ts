// The pages on workloads, schedulers, plans and faults show what moeprof prints today, where a reader has all that the command needs.
import { readFileSync } from 'node:fs';
import { describe, expect, it } from 'vitest';
import { moeprof } from './moeprof.js';

/** Commands of a page that read no file of the reader's, and the screen below each; empty where none is shown. */
function screensOf(name: string): { command: string; screen: string }[] {
  const page = readFileSync(new URL(`../../docs/${name}`, import.meta.url), 'utf8').replaceAll(/ \\\n +/g, ' ');
  const blocks = [...page.matchAll(/(?:^ {4}.*\n|(?<=^ {4}.*\n)\n(?= {4}))+/gm)].map(([block]) =>
    block.replaceAll(/^ {4}/gm, '').split('\n'),
  );
  return blocks.flatMap((lines) =>
    lines.flatMap((line, at) => {
      if (!line.startsWith('moeprof ') || / \.\/|\.safetensors| -o /.test(line)) return [];
      const next = lines.findIndex((other, i) => i > at && other.startsWith('moeprof '));
      return [
        {
          command: line,
          screen: lines
            .slice(at + 1, next < 0 ? undefined : next)
            .join('\n')
            .trim(),
        },
      ];
    }),
  );
}

describe.each(['workloads.md', 'schedulers.md', 'plan.md', 'parallel.md', 'faults.md'])('docs/%s', (name) => {
  const screens = screensOf(name);

  it('shows commands, and what some of them print', () => {
    expect(screens.length).toBeGreaterThan(1);
    expect(screens.filter(({ screen }) => screen !== '').length).toBeGreaterThan(0);
  });

  it.each(screens)('$command', async ({ command, screen }) => {
    const words = command.match(/'[^']*'|\S+/g)!.map((word) => word.replaceAll("'", ''));
    const { code, stderr, stdout } = await moeprof(words.slice(1));
    expect([code, stderr]).toEqual([0, '']);
    expect(stdout).toContain(screen);
  });
});
