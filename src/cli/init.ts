// `moeprof init`: a starter profile, a budget file and a CI job. It writes all of them or none, and never over a file that exists.

import { type Command, Option } from 'commander';
import { UserError } from '../base/errors.js';
import { makeFolder, writeFileAtomic } from '../base/files.js';
import { existsSync } from '../base/host/files.js';
import { dirname, join } from '../base/host/paths.js';
import { CI_SYSTEMS, type CiSystem, initFiles } from './init-files.js';
import type { CliContext } from './kit/context.js';
import { ownSource, parseSource } from './kit/source.js';

const EXAMPLES = `
Examples:
  moeprof init                  for GitHub
  moeprof init --ci gitlab --source https://github.com/OWNER/moeprof#v0.1.0
`;

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
    .addOption(new Option('--ci <system>', 'CI system to write a job for').choices(CI_SYSTEMS).default('github'))
    .option('--source <url#ref>', 'git repository of moeprof, and the commit that the job runs', OWN)
    .option('--force', 'replace files that are there already', false)
    .addHelpText('after', EXAMPLES)
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
