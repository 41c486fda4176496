// Measurements that no constant has seen: rows of machines that were collected after the constants had been fitted. Nothing is fitted on them,
// so their errors say how far predictions are off on machines that nobody calibrated.

import { UserError } from '../../base/errors.js';
import { realpathSync } from '../../base/host/files.js';
import { findProfile, isPath, listProfiles } from '../../base/profiles.js';

/** Name of the bundled file of these rows. */
export const UNSEEN = 'unseen';

/** Bundled files of measurements that constants may be fitted on, and of memory. */
export function seenFiles(): string[] {
  return listProfiles('measurements').filter((name) => name !== UNSEEN);
}

/** Refuses to fit on the rows that no constant has seen, by their name or by their path. @throws UserError */
export function refuseFitOn(files: readonly string[]): void {
  const ours = realpathSync(findProfile('measurements', UNSEEN));
  const isOurs = (name: string): boolean => name === UNSEEN || (isPath(name) && realPath(name) === ours);
  if (files.some(isOurs))
    throw new UserError(`validate: nothing is fitted on ${UNSEEN}, whose machines no constant has seen; leave it or --fit out`);
}

/** The file behind a path; a path that does not exist is itself, and reading it says what is wrong. */
function realPath(path: string): string {
  try {
    return realpathSync(path);
  } catch {
    return path;
  }
}
