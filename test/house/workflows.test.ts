// Workflows run actions at a commit, the image is built on a digest: a tag is whatever its owner makes of it tomorrow.
import { readdirSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { expect, it } from 'vitest';

const FOLDER = new URL('../../.github/workflows/', import.meta.url).pathname;

it('workflows name actions by commit, with the version beside it', () => {
  const uses = readdirSync(FOLDER).flatMap((name) => readFileSync(join(FOLDER, name), 'utf8').match(/^.*\buses: .*$/gm) ?? []);
  expect(uses.length).toBeGreaterThan(5);
  expect(uses.filter((line) => !/uses: (\.\/|[\w-]+\/[\w-]+@[0-9a-f]{40} # v\d+\.\d+\.\d+$)/.test(line))).toEqual([]);
});

it('the image is built on a digest, named once', () => {
  const bases = [...readFileSync(join(FOLDER, '../../Dockerfile'), 'utf8').matchAll(/^FROM (\S+)/gm)].map(([, base]) => base);
  expect(bases).toEqual([expect.stringMatching(/^node:\d+-slim@sha256:[0-9a-f]{64}$/), 'base', 'base']);
});
