// Files as they were at a commit, for operands like `git:main:results/code.json`. Read through git itself, so that every name of a commit
// works.

import { EXIT, messageOf, UserError } from '../base/errors.js';
import { outputOf } from '../base/host/processes.js';

/** A path at a commit: a file or a folder. */
type GitObject =
  | { readonly kind: 'file'; readonly text: string }
  | { readonly kind: 'folder'; readonly names: readonly string[]; read(name: string): string };

/** Takes `git:<ref>:<path>` apart; null where the text does not start with `git:`. @throws UserError where a part is missing */
export function parseGitOperand(text: string): { readonly ref: string; readonly path: string } | null {
  if (!text.startsWith('git:')) return null;
  const match = /^git:([^:]+):(.+)$/.exec(text);
  if (match === null || match[1]!.startsWith('-'))
    throw new UserError(`${text}: expected git:<commit>:<path>, e.g. git:main:results/code.json`);
  return { ref: match[1]!, path: match[2]! };
}

/**
 * Reads a path as it was at a commit.
 * @param ref a branch, a tag, `HEAD~1` ...
 * @param path relative to the working directory
 * @throws UserError with exit code 3 where the commit does not have it, with 2 where git cannot be asked
 */
export function readFromGit(ref: string, path: string): GitObject {
  const place = `git:${ref}:${path}`;
  const relative = path.startsWith('/') || path.startsWith('./') || path.startsWith('../') ? path : `./${path}`;
  const object = `${ref}:${relative.replace(/(?<=.)\/+$/, '')}`;
  const commit = tryGit(place, ['rev-parse', '--verify', '--quiet', `${ref}^{commit}`]);
  if (commit === null)
    throw new UserError(`${place}: git knows no commit "${ref}"; fetch it (git fetch --depth=1 origin <branch>)`, EXIT.notComparable);
  const type = tryGit(place, ['cat-file', '-t', object])?.trim();
  if (type === undefined) throw new UserError(`${place}: commit "${ref}" has no ${path}`, EXIT.notComparable);
  if (type === 'blob') return { kind: 'file', text: git(place, ['cat-file', 'blob', object]) };
  const names = git(place, ['ls-tree', '-r', '-z', '--name-only', '--full-tree', object])
    .split('\0')
    .filter((name) => name !== '');
  return { kind: 'folder', names, read: (name) => git(place, ['cat-file', 'blob', `${object}/${name}`]) };
}

/** Output of git, or null where it fails. */
function tryGit(place: string, args: readonly string[]): string | null {
  try {
    return outputOf('git', args, true);
  } catch (error) {
    const { code, stderr } = error as { readonly code?: string; readonly stderr?: string };
    if (code === 'ENOENT') throw new UserError(`${place}: git is not installed; give a file instead`);
    if (stderr?.includes('not a git repository')) throw new UserError(`${place}: the working directory is in no git repository`);
    if (stderr === undefined) throw new UserError(`${place}: git failed: ${messageOf(error)}`);
    return null;
  }
}

function git(place: string, args: readonly string[]): string {
  const output = tryGit(place, args);
  if (output === null) throw new UserError(`${place}: git ${args[0]} failed`);
  return output;
}
