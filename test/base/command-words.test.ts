// Words of a command line that no shell runs: those of a shell where it expands nothing.
import { execFileSync } from 'node:child_process';
import { describe, expect, it } from 'vitest';
import { commandWords } from '../../src/base/command-words.js';

describe('words of a command', () => {
  it.each([
    'llama-bench -m model.gguf',
    `  a  'b c' "d e"f '' "" g\\ h  `,
    `"it's" 'say "x"' "a\\"b\\\\c" d\\'e`,
    '-ot "blk\\.1\\.ffn_(gate|up)_exps=CPU"',
    "'$HOME' 'a;b' 'a*b' '~'",
  ])('%s is parted as a shell parts it', (text) => {
    const shell = execFileSync('/bin/sh', ['-c', `for word in ${text}; do printf '%s\\0' "$word"; done`], { encoding: 'utf8' });
    expect(commandWords(text, '--tune')).toEqual(shell.split('\0').slice(0, -1));
  });

  it('a backslash of a path of Windows stands', () => {
    expect(commandWords('C:\\llama\\llama-bench.exe -m D:\\m.gguf', '--tune')).toEqual(['C:\\llama\\llama-bench.exe', '-m', 'D:\\m.gguf']);
  });

  it.each([
    ['llama-bench | tee log', '--tune: "| tee log": | is for a shell'],
    ['llama-bench -m ~/m.gguf', '~ is for a shell'],
    ['llama-bench -m "$HOME/m.gguf"', '$ is for a shell'],
    ['llama-bench -m *.gguf', '* is for a shell'],
    ['`which llama-bench`', '` is for a shell'],
    ['llama-bench "-m', 'a quote " is open'],
    ['  ', 'names no program'],
  ])('%s is refused', (text, message) => {
    expect(() => commandWords(text, '--tune')).toThrow(message);
  });
});
