import { mkdirSync, mkdtempSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, describe, expect, it } from 'vitest';
import { missedFiles, readElsewhere, whereLies, workingFolder } from '../../src/base/elsewhere.js';
import { isFolder, listFolder, readText } from '../../src/base/input-file.js';
import { shownPath } from '../../src/base/profiles.js';

const here = mkdtempSync(join(tmpdir(), 'elsewhere-'));
writeFileSync(join(here, 'copy'), 'text');
mkdirSync(join(here, 'names'));
writeFileSync(join(here, 'names', 'a.yaml'), '');

describe('files of another machine', () => {
  afterEach(() => readElsewhere(null));

  it('are read where they lie, and named as they were', () => {
    const lies = new Map([
      ['/their/study/a.yaml', join(here, 'copy')],
      ['/their/study', join(here, 'names')],
    ]);
    readElsewhere({ folder: '/their', lies });
    expect(workingFolder()).toBe('/their');
    expect([readText('study/a.yaml'), readText('/their/study/a.yaml')]).toEqual(['text', 'text']);
    expect([isFolder('/their/study'), listFolder('study')]).toEqual([true, ['a.yaml']]);
    expect(shownPath('/their/study/a.yaml')).toBe('study/a.yaml');
    expect(missedFiles()).toEqual([]);
  });

  it('that are not here are told as the other machine names them', () => {
    readElsewhere({ folder: '/their', lies: new Map() });
    expect(() => readText('b.yaml')).toThrow('b.yaml: there is no such file');
    expect(() => listFolder('/their/none')).toThrow('/their/none: there is no such file');
    expect(missedFiles()).toEqual(['/their/b.yaml', '/their/none']);
  });

  it('do not move what this machine names', () => {
    expect([whereLies('a/b'), whereLies('-'), workingFolder()]).toEqual(['a/b', '-', process.cwd()]);
    expect(() => readText(join(here, 'none'))).toThrow('there is no such file');
    expect(missedFiles()).toEqual([]);
    readElsewhere({ folder: '/their', lies: new Map() });
    expect(whereLies('-')).toBe('-');
  });
});
