// What a terminal can show: flags, then NO_COLOR, then FORCE_COLOR, then the stream.
import { describe, expect, it } from 'vitest';
import { detectTerminal } from '../../../src/cli/kit/terminal.js';

const tty = { isTTY: true, columns: 132 };
const pipe = {};

describe('colour', () => {
  it.each([
    ['a terminal', tty, {}, undefined, true],
    ['a pipe', pipe, {}, undefined, false],
    ['a dumb terminal', tty, { TERM: 'dumb' }, undefined, false],
    ['NO_COLOR on a terminal', tty, { NO_COLOR: '1' }, undefined, false],
    ['an empty NO_COLOR', tty, { NO_COLOR: '' }, undefined, true],
    ['NO_COLOR against FORCE_COLOR', tty, { NO_COLOR: '1', FORCE_COLOR: '1' }, undefined, false],
    ['FORCE_COLOR in a pipe', pipe, { FORCE_COLOR: '' }, undefined, true],
    ['FORCE_COLOR=0 on a terminal', tty, { FORCE_COLOR: '0' }, undefined, false],
    ['--color against NO_COLOR', pipe, { NO_COLOR: '1' }, true, true],
    ['--no-color against FORCE_COLOR', tty, { FORCE_COLOR: '1' }, false, false],
  ] as const)('%s', (_, stream, environment, choice, color) => {
    expect(detectTerminal(stream, environment, choice).color).toBe(color);
  });
});

describe('width and glyphs', () => {
  it('is that of a terminal, and 80 elsewhere', () => {
    expect(detectTerminal(tty, {}, undefined).width).toBe(132);
    expect(detectTerminal(pipe, {}, undefined).width).toBe(80);
    expect(detectTerminal({ isTTY: true, columns: 0 }, {}, undefined).width).toBe(80);
  });

  it.each([
    [{}, true],
    [{ LANG: 'de_DE.UTF-8' }, true],
    [{ LANG: 'C.utf8' }, true],
    [{ LANG: 'C' }, false],
    [{ LANG: 'de_DE.UTF-8', LC_ALL: 'POSIX' }, false],
    [{ LC_ALL: '', LANG: 'en_US.ISO-8859-1' }, false],
    [{ LANG: 'C.UTF-8', TERM: 'linux' }, false],
  ])('%j: unicode %s', (environment, unicode) => {
    expect(detectTerminal(tty, environment, undefined).unicode).toBe(unicode);
  });
});
