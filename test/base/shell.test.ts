// Words that come out of each shell as they went in, and lines of it that its own rules split.
import { describe, expect, it } from 'vitest';
import { LINE_SHELLS, POSIX, pasted, shellNamed, usualShell } from '../../src/base/shell.js';
import { wrapped } from '../../src/runtime/flags/dialect.js';
import { cmdWords, powershellWords, SPLITS } from '../runtime/flags/command.js';

const WORDS = [
  'plain',
  'blk\\.23\\.ffn_(gate|up)_exps=CPU',
  "it's here.gguf",
  'C:\\Program Files\\a model.gguf',
  'C:\\models\\',
  '{"method":"mtp","num_speculative_tokens":2}',
  'say "so"',
  'back\\\\"slash',
  '12,13',
  '$HOME',
  'a;b&c',
  '`tick`',
  '50%',
  '@list',
  '{}',
  'code.safetensors#0:40',
];

describe.each(LINE_SHELLS.map((shell) => [shell.name, shell] as const))('%s', (name, shell) => {
  it.each(WORDS)('hands on %s', (word) => {
    expect(SPLITS[name]!(`program ${shell.quoted(word)} last`)).toEqual(['program', word, 'last']);
  });

  it('joins the lines of a long command', () => {
    const groups = Array.from({ length: 30 }, (_, i) => [`--flag-${i}`, shell.quoted(`value ${i}`)]);
    const lines = wrapped([['program'], ...groups], shell);
    expect(lines.length).toBeGreaterThan(5);
    expect(Math.max(...lines.map(({ length }) => length))).toBeLessThanOrEqual(76);
    expect(SPLITS[name]!(lines.join('\n'))).toEqual(['program', ...groups.flatMap(([flag], i) => [flag, `value ${i}`])]);
  });
});

describe('the splitters of the tests', () => {
  it('refuse what their shells take apart', () => {
    for (const line of ['program 1,2', 'program $HOME', 'program a;b']) expect(() => powershellWords(line)).toThrow('takes this apart');
    for (const line of ['program a|b', 'program a^b', 'program (a)']) expect(() => cmdWords(line)).toThrow('takes this apart');
    expect(() => cmdWords('program "%PATH%"')).toThrow('percent signs');
  });
});

it('is PowerShell under Windows, and one of three by name', () => {
  expect([usualShell(true).name, usualShell(false).name]).toEqual(['powershell', 'sh']);
  expect(shellNamed('cmd').continued).toBe(' ^');
  expect(() => shellNamed('fish')).toThrow('unknown shell; use sh, powershell, cmd');
});

it('a word that would begin a comment is quoted, rows of a recording are not', () => {
  expect([POSIX.quoted('#a'), POSIX.quoted('a#0:40')]).toEqual(["'#a'", 'a#0:40']);
});

it.skipIf(process.platform === 'win32')('a path that a message names for a line is one word', () => {
  expect(pasted('a b;$(reboot).json')).toBe("'a b;$(reboot).json'");
});
