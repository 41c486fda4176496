import { mkdirSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { afterEach, describe, expect, it } from 'vitest';
import { closeSync, existsSync, fileState, openSync, placeOnDisk, statIfAny } from '../../../src/base/host/files.js';
import { cwd } from '../../../src/base/host/process.js';
import { missedFiles, seeAs } from '../../../src/base/host/view.js';
import { isFolder, listFolder, readText } from '../../../src/base/input-file.js';
import { shownPath } from '../../../src/base/profiles.js';
import { temporaryFolder } from '../../support/folder.js';

const here = temporaryFolder();
writeFileSync(join(here, 'copy'), 'text');
mkdirSync(join(here, 'names'));
writeFileSync(join(here, 'names', 'a.yaml'), '');

describe('files of another machine', () => {
  afterEach(() => seeAs(null));

  it('are read where they lie, and named as they were', () => {
    const lies = new Map([
      ['/their/study/a.yaml', join(here, 'copy')],
      ['/their/study', join(here, 'names')],
    ]);
    seeAs({ folder: '/their', lies, own: [] });
    expect(cwd()).toBe('/their');
    expect([readText('study/a.yaml'), readText('/their/study/a.yaml')]).toEqual(['text', 'text']);
    expect([isFolder('/their/study'), listFolder('study')]).toEqual([true, ['a.yaml']]);
    expect(shownPath('/their/study/a.yaml')).toBe('study/a.yaml');
    expect([existsSync('study/a.yaml'), statIfAny('/their/study')?.isDirectory(), fileState('study/a.yaml').size]).toEqual([
      true,
      true,
      4n,
    ]);
    expect(missedFiles()).toEqual([]);
  });

  it('that are not here are told as the other machine names them', () => {
    seeAs({ folder: '/their', lies: new Map(), own: [] });
    expect(() => readText('b.yaml')).toThrow('b.yaml: there is no such file');
    expect(() => listFolder('/their/none')).toThrow('/their/none: there is no such file');
    expect([existsSync('c'), statIfAny('c')]).toEqual([false, null]);
    expect(() => openSync('d', 'r')).toThrow('ENOENT');
    expect(missedFiles()).toEqual(['/their/b.yaml', '/their/none', '/their/d']);
  });

  it('hide all others of this one, but for folders of its own and what is made anew', () => {
    const made = join(here, 'made');
    seeAs({ folder: here, lies: new Map(), own: [join(here, 'names')] });
    expect([existsSync('copy'), statIfAny(join(here, 'copy')), existsSync(join(here, 'names', 'a.yaml'))]).toEqual([false, null, true]);
    expect([existsSync(join(here, 'names-not')), existsSync(join(here, 'names', '..', 'copy'))]).toEqual([false, false]);
    expect(() => placeOnDisk('/proc/kmsg')).toThrow('ENOENT');
    expect(() => readText(join(here, 'copy'))).toThrow('there is no such file');
    closeSync(openSync(made, 'wx+'));
    seeAs(null);
    expect(existsSync(made)).toBe(true);
  });

  it('do not move what this machine names', () => {
    expect([placeOnDisk('a/b'), cwd()]).toEqual(['a/b', process.cwd()]);
    expect(() => readText(join(here, 'none'))).toThrow('there is no such file');
    expect(missedFiles()).toEqual([]);
  });
});
