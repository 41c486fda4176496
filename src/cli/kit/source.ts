// The origin of this moeprof, for CI jobs that run it: a git repository and a commit. No package registry has moeprof, and a job must not
// install a package name that a stranger could still register.

import { UserError } from '../../base/errors.js';
import { PACKAGE_FOLDER } from '../../base/host/modules.js';
import { outputOf } from '../../base/host/processes.js';
import { quoted } from '../../base/text.js';
import { VERSION } from '../../result/version.js';

/** A repository and the commit or tag to check out. */
export interface Source {
  /** https address; null: unknown. */
  readonly repository: string | null;
  /** Commit or tag. */
  readonly ref: string;
}

const REPOSITORY = /^https:\/\/[\w.-]+(:\d+)?\/[\w.~/-]+$/;
const REF = /^\w[\w./-]{0,99}$/;

/**
 * Reads `https://host/owner/repo#ref`; the tag of this version where no ref is given.
 * @throws UserError where it is not written so
 */
export function parseSource(text: string): Source {
  const [repository = '', ref = `v${VERSION}`, ...more] = text.split('#');
  if (!REPOSITORY.test(repository) || !REF.test(ref) || ref.includes('..') || more.length > 0)
    throw new UserError(
      `--source ${quoted(text)}: expected https://host/owner/repo#commit, e.g. https://github.com/OWNER/moeprof#v${VERSION}`,
    );
  return { repository, ref };
}

/** The source of this installation: of a clone its remote and commit; of anything else the tag of its version, of an unknown repository. */
export function ownSource(root = PACKAGE_FOLDER): Source {
  const unknown = { repository: null, ref: `v${VERSION}` };
  const top = git(root, ['rev-parse', '--show-prefix']);
  // An empty prefix: the package is the clone, not a folder in somebody's repository.
  if (top !== '') return unknown;
  const [remote, commit] = [git(root, ['remote', 'get-url', 'origin']), git(root, ['rev-parse', 'HEAD'])];
  const repository = remote === null ? null : httpsOf(remote);
  return repository === null || commit === null || !REF.test(commit) ? unknown : { repository, ref: commit };
}

/** The address of a remote without user and password, so that anybody can clone it; null: it is a folder, or no such address. */
function httpsOf(remote: string): string | null {
  const ssh = /^(?:ssh:\/\/)?(?:[\w.-]+@)([\w.-]+)[:/](.+)$/.exec(remote);
  const address = ssh === null ? remote.replace(/^https:\/\/[^/@]*@/, 'https://') : `https://${ssh[1]}/${ssh[2]}`;
  return REPOSITORY.test(address) ? address : null;
}

/** Output of git without the line break; null: it failed, or is not installed. */
function git(folder: string, args: readonly string[]): string | null {
  try {
    return outputOf('git', ['-C', folder, ...args]).trim();
  } catch {
    return null;
  }
}
