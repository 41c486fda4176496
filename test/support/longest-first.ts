// Order of test files: those that take longest begin, so that workers end together. Without it the order is by size, and the pages of the
// documentation, whose tests are short files that run a hundred commands, come last.
import { basename } from 'node:path';
import { BaseSequencer, type TestSpecification } from 'vitest/node';

/** Files that take more than half a minute, the longest first. */
const LONGEST = [
  'hub-hostile',
  'docs-screens',
  'hostile',
  'questions',
  'large-models',
  'check',
  'accuracy',
  'encoder',
  'recordings',
  'directions',
  'pages',
  'machine',
  'attack',
  'queue',
  'shown',
  'action',
  'install',
  'interrupt',
  'readme',
  'tutorial',
  'gate',
  'words',
  'token-ids',
  'own-routers',
  'html',
  'predict',
  'plan',
  'trace',
  'study',
  'timeline',
  'kill',
  'sweep',
  'run',
  'reproduce',
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
