import type { Command } from 'commander';
import { UserError } from '../base/errors.js';
import { makeFolder, writeFileAtomic } from '../base/files.js';
import { existsSync } from '../base/host/files.js';
import { PACKAGE_FOLDER } from '../base/host/modules.js';
import { dirname, join } from '../base/host/paths.js';
import { outputOf } from '../base/host/processes.js';
import { bundledText } from '../base/profiles.js';
import { pasted } from '../base/shell.js';
import { quoted } from '../base/text.js';
import { VERSION } from '../result/version.js';
import type { CliContext } from './kit/context.js';
import { declared, type OptionsOf, options } from './kit/declared.js';
import { BUDGETS } from './scenarios.js';
import { schemaText } from './schema.js';

/** CI job: template, path, and a line for an unknown moeprof repository. */
const JOBS = {
  github: {
    template: 'github.yml',
    path: '.github/workflows/moeprof.yml',
    // biome-ignore lint/suspicious/noTemplateCurlyInString: an expression of GitHub, a variable of the project
    unknown: '  MOEPROF_REPOSITORY: ${{ vars.MOEPROF_REPOSITORY }}\n',
  },
  // GitLab sets project variables without a line.
  gitlab: { template: 'gitlab.yml', path: 'moeprof/gitlab-ci.yml', unknown: '' },
} as const;

type CiSystem = keyof typeof JOBS | 'none';

const INIT = options({
  '[folder]': ['root of the repository', { default: '.' }],
  '--ci <system>': [
    'CI system to write a job for',
    { choices: [...(Object.keys(JOBS) as (keyof typeof JOBS)[]), 'none'], default: 'github' },
  ],
  '--source <url#ref>': ['git repository of moeprof, and the commit that the job runs', { shown: 'that of this installation' }],
  '--force': 'replace files that are there already',
});

/** Help. */
export const help = `Examples:
  moeprof init                  for GitHub
  moeprof init --ci gitlab --source https://github.com/OWNER/moeprof#v0.1.0`;

/** `moeprof init`: all or nothing, never overwriting. */
export function define(command: Command, context: CliContext): void {
  declared(command, INIT).action((folder: string, { ci, force, source: given }: OptionsOf<typeof INIT>) => {
    const source = given === undefined ? ownSource() : parseSource(given);
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
      context.note('The job needs MOEPROF_REPOSITORY: set that variable of your project to a git repository of moeprof, or give --source.');
    context.note(`Next: moeprof baseline save main ${pasted(join(folder, 'moeprof/runs'))}, then commit all of it.`);
  });
}

/** Texts by path in the user's repository. @param source moeprof for the job */
export function initFiles(ci: CiSystem, { ref, repository }: Source): ReadonlyMap<string, string> {
  const template = (name: string): string => bundledText(`init/${name}`);
  const files = new Map([
    ['moeprof/runs/example.yaml', template('run.yaml')],
    [BUDGETS, template('budgets.yaml')],
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

/** A repository and a commit or tag. */
interface Source {
  /** https address; null: unknown. */
  readonly repository: string | null;
  readonly ref: string;
}

const REPOSITORY = /^https:\/\/[\w.-]+(:\d+)?\/[\w.~/-]+$/;
const REF = /^\w[\w./-]{0,99}$/;

/** `https://host/owner/repo#ref`; default ref: the version's tag. @throws UserError for another form */
export function parseSource(text: string): Source {
  const [repository = '', ref = `v${VERSION}`, ...more] = text.split('#');
  if (!REPOSITORY.test(repository) || !REF.test(ref) || ref.includes('..') || more.length > 0)
    throw new UserError(
      `--source ${quoted(text)}: expected https://host/owner/repo#commit, e.g. https://github.com/OWNER/moeprof#v${VERSION}`,
    );
  return { repository, ref };
}

/** Remote and commit of a clone; else the version's tag, repository unknown. */
export function ownSource(root = PACKAGE_FOLDER): Source {
  const unknown = { repository: null, ref: `v${VERSION}` };
  const top = git(root, ['rev-parse', '--show-prefix']);
  // An empty prefix: the package is the clone, not a folder in a user's repository.
  if (top !== '') return unknown;
  const [remote, commit] = [git(root, ['remote', 'get-url', 'origin']), git(root, ['rev-parse', 'HEAD'])];
  const repository = remote === null ? null : httpsOf(remote);
  return repository === null || commit === null || !REF.test(commit) ? unknown : { repository, ref: commit };
}

/** https address without user and password; null: no such address. */
function httpsOf(remote: string): string | null {
  const ssh = /^(?:ssh:\/\/)?(?:[\w.-]+@)([\w.-]+)[:/](.+)$/.exec(remote);
  const address = ssh === null ? remote.replace(/^https:\/\/[^/@]*@/, 'https://') : `https://${ssh[1]}/${ssh[2]}`;
  return REPOSITORY.test(address) ? address : null;
}

/** Output of git; null: failed or not installed. */
function git(folder: string, args: readonly string[]): string | null {
  try {
    return outputOf('git', ['-C', folder, ...args]).trim();
  } catch {
    return null;
  }
}
