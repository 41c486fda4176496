// Which moeprof a CI job runs: a repository that anybody can clone, at a commit, and never a name on a registry.
import { execFileSync, spawnSync } from 'node:child_process';
import { mkdirSync } from 'node:fs';
import { join } from 'node:path';
import { describe, expect, it } from 'vitest';
import { initFiles, ownSource, parseSource } from '../../../src/cli/init.js';
import { VERSION } from '../../../src/result/version.js';
import { temporaryFolder } from '../../trace/builders.js';

/** A repository with one commit and a remote. */
function clone(remote: string | null): { folder: string; commit: string } {
  const folder = temporaryFolder();
  const inFolder = (...args: string[]): string => execFileSync('git', ['-C', folder, ...args], { encoding: 'utf8' }).trim();
  inFolder('init', '--quiet');
  inFolder('-c', 'user.name=a', '-c', 'user.email=a@b', 'commit', '--quiet', '--allow-empty', '-m', 'x');
  if (remote !== null) inFolder('remote', 'add', 'origin', remote);
  return { folder, commit: inFolder('rev-parse', 'HEAD') };
}

const git = spawnSync('git', ['--version']).error === undefined;

describe.skipIf(!git)(`the source of an installation${git ? '' : ' (skipped: there is no git)'}`, () => {
  it.each([
    ['https://github.com/owner/moeprof.git', 'https://github.com/owner/moeprof.git'],
    ['https://user:secret@example.org:8443/a/moeprof', 'https://example.org:8443/a/moeprof'],
    ['git@github.com:owner/moeprof.git', 'https://github.com/owner/moeprof.git'],
    ['ssh://git@example.org/owner/moeprof', 'https://example.org/owner/moeprof'],
  ])('is %s at its commit', (remote, repository) => {
    const { folder, commit } = clone(remote);
    expect(ownSource(folder)).toEqual({ repository, ref: commit });
  });

  it.each([null, '/srv/git/moeprof', 'file:///srv/moeprof', 'https://x/$(touch evil)', '../moeprof'])('is unknown of %j', (remote) => {
    expect(ownSource(clone(remote).folder)).toEqual({ repository: null, ref: `v${VERSION}` });
  });

  it("is unknown where moeprof is a folder in somebody else's repository, or in none", () => {
    const inside = join(clone('https://github.com/other/project').folder, 'node_modules');
    mkdirSync(inside);
    expect(ownSource(inside).repository).toBeNull();
    expect(ownSource(temporaryFolder()).repository).toBeNull();
  });
});

describe('--source', () => {
  it.each([
    ['https://github.com/owner/moeprof#abc123', { repository: 'https://github.com/owner/moeprof', ref: 'abc123' }],
    ['https://github.com/owner/moeprof', { repository: 'https://github.com/owner/moeprof', ref: `v${VERSION}` }],
  ])('%s', (text, source) => {
    expect(parseSource(text)).toEqual(source);
  });

  it.each([
    'moeprof',
    'http://example.org/a',
    'https://x/a b',
    'https://x/a#',
    'https://x/a#-rf',
    'https://x/a#a..b',
    'https://x/a#a#b',
    'https://x/a#$(x)',
    'https://x/a\nb',
  ])('%j is refused', (text) => {
    expect(() => parseSource(text)).toThrow(/^--source ".*": expected https:/);
  });
});

it.each(['github', 'gitlab'] as const)('a job for %s calls nothing by a name on a registry', (ci) => {
  for (const source of [
    { repository: null, ref: 'v1.2.3' },
    { repository: 'https://example.org/a/moeprof', ref: 'abc' },
  ]) {
    const text = [...initFiles(ci, source).values()].join('\n');
    expect(text).not.toMatch(/npx|moeprof@\d/);
    expect(text).toContain(`MOEPROF_REF: ${source.ref}`);
    if (source.repository !== null) expect(text).toContain(`MOEPROF_REPOSITORY: ${source.repository}`);
  }
});
