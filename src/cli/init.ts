// `moeprof init`: a starter profile, a budget file and a CI job, from the templates of profiles/init. It writes all of them or none, and never
// over a file that exists.

import { type Command, Option } from 'commander';
import { UserError } from '../base/errors.js';
import { makeFolder, writeFileAtomic } from '../base/files.js';
import { existsSync, fileText } from '../base/host/files.js';
import { dirname, join } from '../base/host/paths.js';
import { bundledFile } from '../base/profiles.js';
import type { CliContext } from './kit/context.js';
import { ownSource, parseSource, type Source } from './kit/source.js';
import { schemaText } from './schema.js';

/** The job of a CI system: its template, its place in a repository, and its line for moeprof's repository where that is unknown. */
const JOBS = {
  github: {
    template: 'github.yml',
    path: '.github/workflows/moeprof.yml',
    // biome-ignore lint/suspicious/noTemplateCurlyInString: an expression of GitHub, a variable of the project
    unknown: '  MOEPROF_REPOSITORY: ${{ vars.MOEPROF_REPOSITORY }}\n',
  },
  // Variables of the project are there without a line.
  gitlab: { template: 'gitlab.yml', path: 'moeprof/gitlab-ci.yml', unknown: '' },
} as const;

type CiSystem = keyof typeof JOBS | 'none';

interface InitOptions {
  readonly ci: CiSystem;
  readonly source: string;
  readonly force: boolean;
}

/** Value of --source where none is given. */
const OWN = 'that of this installation';

/** Defines the command. */
export function define(command: Command, context: CliContext): void {
  command
    .argument('[folder]', 'root of the repository', '.')
    .addOption(new Option('--ci <system>', 'CI system to write a job for').choices([...Object.keys(JOBS), 'none']).default('github'))
    .option('--source <url#ref>', 'git repository of moeprof, and the commit that the job runs', OWN)
    .option('--force', 'replace files that are there already', false)
    .action((folder: string, { ci, force, source: given }: InitOptions) => {
      const source = given === OWN ? ownSource() : parseSource(given);
      const files = initFiles(ci, source);
      const there = [...files.keys()].map((path) => join(folder, path)).filter((path) => existsSync(path));
      if (there.length > 0 && !force) throw new UserError(`${there.join(', ')}: there already; pass --force to replace`);
      for (const [path, text] of files) {
        const full = join(folder, path);
        makeFolder(dirname(full));
        writeFileAtomic(full, text);
        context.out(`wrote ${full}\n`);
      }
      if (ci !== 'none' && source.repository === null)
        context.note(
          'The job needs MOEPROF_REPOSITORY: set that variable of your project to a git repository of moeprof, or give --source.',
        );
      context.note(`Next: moeprof baseline save main ${join(folder, 'moeprof/runs')}, then commit all of it.`);
    });
}

/**
 * Texts by path, relative to the root of the user's repository.
 * @param source moeprof that the job runs
 */
export function initFiles(ci: CiSystem, { ref, repository }: Source): ReadonlyMap<string, string> {
  const template = (name: string): string => fileText(bundledFile(`init/${name}`));
  const files = new Map([
    ['moeprof/runs/example.yaml', template('run.yaml')],
    ['moeprof/budgets.yaml', template('budgets.yaml')],
    ['moeprof/schemas/run.schema.json', schemaText('run')],
    ['moeprof/schemas/budgets.schema.json', schemaText('budgets')],
  ]);
  if (ci === 'none') return files;
  const { path, template: name, unknown } = JOBS[ci];
  const ofRepository = (line: string): string => (repository === null ? unknown : line.replace('@REPOSITORY@', repository));
  return files.set(
    path,
    template(name)
      .replace(/^.*@REPOSITORY@\n/m, ofRepository)
      .replace('@REF@', ref),
  );
}
