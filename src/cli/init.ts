// `moeprof init`: a starter profile, a budget file and a CI job, all or none of them, and never over what is there already.
import { existsSync } from 'node:fs';
import { dirname, join } from 'node:path';
import { type Command, Option } from 'commander';
import { UserError } from '../base/errors.js';
import { makeFolder, writeFileAtomic } from '../base/files.js';
import type { CliContext } from './context.js';
import { CI_SYSTEMS, type CiSystem, initFiles } from './init-files.js';

const EXAMPLES = `
Examples:
  moeprof init                  for GitHub
  moeprof init --ci gitlab
`;

/** Defines the command. */
export function define(command: Command, context: CliContext): void {
  command
    .argument('[folder]', 'root of the repository', '.')
    .addOption(new Option('--ci <system>', 'CI system to write a job for').choices(CI_SYSTEMS).default('github'))
    .option('--force', 'replace files that are there already', false)
    .addHelpText('after', EXAMPLES)
    .action((folder: string, { ci, force }: { readonly ci: CiSystem; readonly force: boolean }) => {
      const files = initFiles(ci);
      const there = [...files.keys()].map((path) => join(folder, path)).filter((path) => existsSync(path));
      if (there.length > 0 && !force) throw new UserError(`${there.join(', ')}: there already; pass --force to replace`);
      for (const [path, text] of files) {
        const full = join(folder, path);
        makeFolder(dirname(full));
        writeFileAtomic(full, text);
        context.out(`wrote ${full}\n`);
      }
      context.note(`Next: moeprof baseline save main ${join(folder, 'moeprof/runs')}, then commit all of it.`);
    });
}
