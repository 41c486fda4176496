// Workflows run actions at a commit: a tag is whatever its owner makes of it tomorrow.
import { readdirSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { expect, it } from 'vitest';

const FOLDER = new URL('../../.github/workflows/', import.meta.url).pathname;

it('workflows name actions by commit, with the version beside it', () => {
  const uses = readdirSync(FOLDER).flatMap((name) => readFileSync(join(FOLDER, name), 'utf8').match(/^.*\buses: .*$/gm) ?? []);
  expect(uses.length).toBeGreaterThan(5);
  expect(uses.filter((line) => !/uses: (\.\/|[\w-]+\/[\w-]+@[0-9a-f]{40} # v\d+\.\d+\.\d+$)/.test(line))).toEqual([]);
});
