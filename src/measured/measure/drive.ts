import { UserError } from '../../base/errors.js';
import { attempt } from '../../base/files.js';
import { closeSync, constants, freeBytes, fstatSync, fsyncSync, openSync, unlinkSync, writeSync } from '../../base/host/files.js';
import { platform } from '../../base/host/machine.js';
import { join } from '../../base/host/paths.js';
import { pid } from '../../base/host/process.js';
import { Random } from '../../base/random.js';
import { formatBytes, MIB } from '../../base/units.js';

/** The name is removed before the first write, or at the end. */
export interface DriveFile {
  readonly fd: number;
  readonly bytes: number;
  /** True if reads bypass the system's cache. */
  readonly direct: boolean;
  close(): void;
}

/** Bytes of the file, and bytes to leave free; ours. */
const SIZE = 1024 * MIB;
const LEFT = 512 * MIB;

/** Incompressible bytes. @param step called after each part @throws UserError if writing fails */
export async function openDriveFile(folder: string, step: () => Promise<void>): Promise<DriveFile> {
  const path = join(folder, `.moeprof-read-${pid}`);
  const file = attempt(path, () => openSync(path, constants.O_RDWR | constants.O_CREAT | constants.O_EXCL, 0o600));
  const nameless = platform !== 'win32';
  if (nameless) unlinkSync(path);
  const open = [file];
  const close = (): void => {
    for (const fd of open.splice(0)) closeSync(fd);
    if (!nameless) unlinkSync(path);
  };
  try {
    const free = freeBytes(folder);
    if (free < SIZE + LEFT)
      throw new UserError(
        `${folder}: has ${formatBytes(free)} left, and ${formatBytes(SIZE + LEFT)} are needed to measure the drive; name another folder with --folder`,
      );
    const part = randomBytes(4 * MIB);
    for (let at = 0; at < SIZE; at += part.length) {
      part[at % 4096] = at & 255;
      attempt(folder, () => writeSync(file, part, 0, part.length, at));
      await step();
    }
    fsyncSync(file);
    const direct = directly(nameless ? `/proc/self/fd/${file}` : path);
    if (direct !== null) open.push(direct);
    return { fd: direct ?? file, bytes: fstatSync(file).size, direct: direct !== null, close };
  } catch (error) {
    close();
    throw error;
  }
}

/** Opens past the cache; null: unsupported. */
function directly(path: string): number | null {
  if (platform !== 'linux') return null;
  try {
    return openSync(path, constants.O_RDONLY | constants.O_DIRECT);
  } catch {
    return null;
  }
}

function randomBytes(length: number): Uint8Array {
  const random = new Random(1, 'measure/drive-file');
  const words = new Uint32Array(length / 4).map(() => random.uint32());
  return new Uint8Array(words.buffer);
}
