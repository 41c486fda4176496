// Profiles by name and by path.
import { existsSync } from 'node:fs';
import { resolve } from 'node:path';
import { describe, expect, it } from 'vitest';
import { UserError } from '../../src/base/errors.js';
import { findProfile, isPath, isStdin, listProfiles, splitRows } from '../../src/base/profiles.js';

describe('findProfile', () => {
  it('finds every bundled profile by its name', () => {
    const names = listProfiles('models');
    expect(names).toContain('mixtral-8x7b');
    expect(names).toEqual([...names].sort());
    for (const name of names) expect(existsSync(findProfile('models', name).replace(/#.*/, ''))).toBe(true);
  });

  it('takes words with a separator or an ending as paths, relative to the given folder', () => {
    expect(findProfile('models', 'mine.yaml', '/tmp/x')).toBe(resolve('/tmp/x/mine.yaml'));
    expect(findProfile('models', '../mine', '/tmp/x')).toBe(resolve('/tmp/mine'));
    expect(findProfile('traces', './t.safetensors')).toBe(resolve('t.safetensors'));
    expect(isPath('granite-3.0-1b-a400m')).toBe(false);
    expect(isPath('config.json')).toBe(true);
  });

  it('answers an unknown name with the nearest', () => {
    expect(() => findProfile('models', 'mixtral-8x7')).toThrow(UserError);
    expect(() => findProfile('models', 'mixtral-8x7')).toThrow(
      /^unknown model "mixtral-8x7": did you mean "mixtral-8x7b".*\(a file needs its path, e\.g\. \.\/mixtral-8x7\.yaml\)$/,
    );
    expect(() => findProfile('traces', 'routing')).toThrow(
      /^unknown bundled trace "routing": known: .*\(a file needs its path, e\.g\. \.\/routing\)$/,
    );
    expect(() => findProfile('runtimes', 'zzzz')).toThrow('more, all in moeprof profiles list runtime');
    expect(() => findProfile('runs', 'src', process.cwd())).toThrow('what is in the folder needs its path: ./src');
    expect(() => findProfile('hardware', '')).toThrow(/^unknown hardware profile "": name its parts, e\.g\. rtx-3060\+32GB/);
  });
});

describe('rows of a trace behind its name', () => {
  it.each([
    ['t.safetensors#6000:8000', 't.safetensors', '#6000:8000'],
    ['mini#:10', 'mini', '#:10'],
    ['mini#10:', 'mini', '#10:'],
    ['-#1:2', '-', '#1:2'],
    ['a#b', 'a#b', ''],
    ['#1:2', '#1:2', ''],
    ['mini#1:2:3', 'mini#1:2:3', ''],
  ])('%s', (named, path, rows) => expect(splitRows(named)).toEqual({ path, rows }));

  it('stay where the trace is found by name or by path', () => {
    expect(findProfile('traces', 't.safetensors#1:2', '/tmp/x')).toBe(resolve('/tmp/x/t.safetensors#1:2'));
    expect(findProfile('traces', 'mini-mixtral-8x8l#1:2')).toBe(`${findProfile('traces', 'mini-mixtral-8x8l')}#1:2`);
    expect(findProfile('traces', '-#1:2')).toBe('-#1:2');
    expect(() => findProfile('traces', 'mini-mixtral#1:2')).toThrow(
      'unknown bundled trace "mini-mixtral": did you mean "mini-mixtral-8x8l"',
    );
    expect([isPath('t.safetensors#1:2'), isPath('mini#1:2'), isStdin('-#:5'), isStdin('-')]).toEqual([true, false, true, true]);
  });
});
