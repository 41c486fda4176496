import { orUserError, UserError } from '../../base/errors.js';
import { join } from '../../base/host/paths.js';
import { isWithin } from '../../base/host/view.js';
import type { RunSpec } from '../../system/door.js';
import { contentOfFolder, runIdentity } from '../fingerprint.js';
import { runOfText, type SentCell } from './sent-cell.js';

/** Claimed contents of a cell's files and modules, proved by the cell's name: a fingerprint over all contents. */
export type Claims = Pick<SentCell, 'files' | 'modules' | 'run' | 'system'>;

/** Null: the name does not match the claims, or the text is no run. */
export function provenRun(fingerprint: string, cell: Claims): RunSpec | null {
  try {
    const run = runOfText(cell);
    const identity = orUserError(() => runIdentity(run, claimedContents(cell)));
    if (identity instanceof UserError || identity.fingerprint !== fingerprint) return null;
    // The fingerprint proves nothing about unread files.
    const isRead = (path: string): boolean => identity.read.some((read) => isWithin(read, path));
    return cell.files.every(({ path, sha256 }) => sha256 === null || isRead(path)) ? run : null;
  } catch (error) {
    if (error instanceof TypeError || error instanceof RangeError || error instanceof SyntaxError) return null;
    throw error;
  }
}

function claimedContents({ files, modules }: Claims): (path: string) => string | null {
  const names = new Map(files.map(({ names, path }) => [path, names]));
  const contents = new Map([...files, ...modules].map(({ path, sha256 }) => [path, sha256 === null ? null : `sha256:${sha256}`]));
  const contentAt = (path: string): string | null => {
    const below = names.get(path);
    return below === undefined ? (contents.get(path) ?? null) : contentOfFolder(below, (name) => contentAt(join(path, name)));
  };
  return contentAt;
}
