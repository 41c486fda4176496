// An installed package has no docs/: no message of src or profiles names a page of ours, so that all remedies work offline.
import { readdirSync, readFileSync } from 'node:fs';
import { expect, it } from 'vitest';

const root = new URL('../../', import.meta.url);
const pages = readdirSync(new URL('docs', root))
  .filter((name) => name.endsWith('.md'))
  .join('|')
  .replaceAll('.', '\\.');

/** A page of ours; pages of other programs stand behind a repository, or before a commit or a build. */
const PAGE = new RegExp(`(?<!github\\.com\\S*[ ,].*)\\bdocs/(?:${pages})(?! of [0-9a-f]{7})`);

const files = ['src', 'profiles']
  .flatMap((folder) => readdirSync(new URL(folder, root), { recursive: true, encoding: 'utf8' }).map((name) => `${folder}/${name}`))
  .filter((name) => /\.(?:ts|js|txt|ya?ml)$/.test(name));

/** Lines that a user may see: no comments. */
const shown = (file: string): string[] =>
  readFileSync(new URL(file, root), 'utf8')
    .split('\n')
    .filter((line) => !/^\s*(?:\/\/|\/?\*|#)/.test(line))
    .map((line) => line.replace(/\s\/\/ .*|\/\*\*.*\*\/|\s# .*/, ''));

it('a message names no page under docs/', () => {
  expect(PAGE.test("'see docs/models.md'")).toBe(true);
  expect(PAGE.test('cites: github.com/FlashML-org/FreeToken, docs/models.md')).toBe(false);
  expect(files.flatMap((file) => shown(file).flatMap((line) => (PAGE.test(line) ? [`${file}: ${line.trim()}`] : [])))).toEqual([]);
});
