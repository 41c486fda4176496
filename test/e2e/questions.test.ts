// The questions of docs/advise.md: 42 of 44 have a command, and every one that needs no server or log of the reader runs.
import { readFileSync } from 'node:fs';
import { describe, expect, it } from 'vitest';
import { inTurn } from './moeprof.js';

const page = readFileSync(new URL('../../docs/advise.md', import.meta.url), 'utf8');
const [section] = /^## Forty-four questions[\s\S]*?(?=^## )/m.exec(page)!;
const questions = [...section.matchAll(/^\| (?!question |---|\*\*)(.+?) \| (?:`moeprof (.+?)`)? ?\| (.+?) \|$/gm)].map(
  ([, question, command, answer]) => ({
    question: question!,
    command,
    answer: answer!,
  }),
);
const standing = questions.filter(({ command }) => command !== undefined);

/** Words as a shell takes them: what stands in double quotes is one. */
const wordsOf = (command: string): string[] => command.match(/"[^"]*"|\S+/g)!.map((word) => word.replaceAll('"', ''));

describe('questions of 2026', () => {
  it('are 44, of which 42 are answered', () => {
    expect(questions.length).toBe(44);
    expect(standing.length).toBe(42);
    const without = questions.filter(({ command }) => command === undefined);
    expect(without.every(({ answer }) => answer.startsWith('not answered: '))).toBe(true);
  });

  const commands = new Set(standing.filter(({ answer }) => !answer.startsWith('needs ')).map(({ command }) => command!));
  it.each([...commands])('moeprof %s', async (command) => {
    const words = wordsOf(command);
    // A short prompt is priced soon.
    const short = words[0] === 'advise' && !words.includes('--prompt') ? ['--prompt', '512'] : [];
    const { code, stderr, stdout } = await inTurn([...words, ...short]);
    expect([code, stderr]).toEqual([0, '']);
    expect(stdout).not.toBe('');
  });
});
