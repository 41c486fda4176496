// Pages beyond memory go to a temporary file; where there is none to be had, the user is told which.
import { readdirSync } from 'node:fs';
import { join } from 'node:path';
import { afterEach, describe, expect, it } from 'vitest';
import { UserError } from '../../src/base/errors.js';
import { PageStore } from '../../src/cache/pages.js';
import { temporaryFolder } from '../support/folder.js';

const before = process.env.TMPDIR;
const folder = temporaryFolder();
afterEach(() => {
  if (before === undefined) delete process.env.TMPDIR;
  else process.env.TMPDIR = before;
});

describe('PageStore', () => {
  it('gives pages back from memory and from its file, which has no name', () => {
    process.env.TMPDIR = folder;
    const store = new PageStore(4, 1);
    for (let page = 0; page < 4; page++) store.write(page, Uint8Array.of(page, 1, 2, 3));
    expect(readdirSync(folder)).toEqual([]);
    const page = new Uint8Array(4);
    for (const number of [3, 0, 2]) {
      store.read(number, page);
      expect([...page]).toEqual([number, 1, 2, 3]);
    }
    store.close();
  });

  it('says in one line where its file cannot be made', () => {
    process.env.TMPDIR = join(folder, 'none');
    const store = new PageStore(4, 0);
    expect(() => store.write(0, new Uint8Array(4))).toThrow(UserError);
    expect(() => store.write(0, new Uint8Array(4))).toThrow(/\.tmp: cannot be written: its folder does not exist; create it first/);
    store.close();
  });
});
