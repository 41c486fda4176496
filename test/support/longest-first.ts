// Order of test files: those that take longest begin, so that workers end together. Without it the order is by size, and the pages of the
// documentation, whose tests are short files that run a hundred commands, come last.
import { basename } from 'node:path';
import { BaseSequencer, type TestSpecification } from 'vitest/node';

/** Files that take more than half a minute, the longest first. */
const LONGEST = [
  'readme',
  'docs-screens',
  'attack',
  'hostile',
  'large-models',
  'action',
  'gate',
  'shown',
  'encoder',
  'machine',
  'check',
  'predict',
  'timeline',
  'queue',
  'install',
  'tutorial',
  'run',
  'accuracy',
  'reproduce',
  'words',
  'study',
  'sweep',
  'html',
  'plan',
  'token-ids',
  'cli',
  'own-routers',
  'kill',
];

/** Place of a file in the order. */
function rank({ moduleId }: TestSpecification): number {
  const at = LONGEST.indexOf(basename(moduleId, '.test.ts'));
  return at < 0 || !/\/(e2e|claims)\//.test(moduleId) ? LONGEST.length : at;
}

/** The usual order, behind those that take longest. */
export class LongestFirst extends BaseSequencer {
  override async sort(files: TestSpecification[]): Promise<TestSpecification[]> {
    return (await super.sort(files)).sort((a, b) => rank(a) - rank(b));
  }
}
