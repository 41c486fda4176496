import { UserError } from '../../base/errors.js';
import { realpathSync } from '../../base/host/files.js';
import { basename, dirname, extname, join, resolve } from '../../base/host/paths.js';
import { cwd } from '../../base/host/process.js';
import { listFolder, statOf } from '../../base/input-file.js';
import { remembered } from '../../base/objects.js';
import { isPath, isStdin } from '../../base/profiles.js';
import type { RunSpec } from '../../system/door.js';
import { buildOf } from '../build.js';
import { contentOf, type RunIdentity, runIdentity } from '../fingerprint.js';
import { PROTOCOL } from './protocol.js';
import type { CellFile, CellModule, QueueCell } from './sent-cell.js';

const CODE = /\.[mc]?[jt]s$/;

/** Makes cells from runs. File facts are cached, since runs share files. */
export class CellMaker {
  readonly #known = new Map<string, readonly CellFile[]>();
  readonly #modules = new Map<string, CellModule>();

  /** @throws UserError for a trace from standard input */
  make(run: RunSpec, { modules, read }: RunIdentity = runIdentity(run)): QueueCell {
    if (run.trace.some(isStdin)) throw new UserError('--trace -: no worker has this standard input; give the trace as a file');
    const model = run.model === undefined || !isPath(run.model) ? null : resolve(run.folder, run.model);
    const files = read.filter((path) => !CODE.test(path)).flatMap((path) => this.#filesAt(path, path === model));
    return {
      protocol: PROTOCOL,
      build: buildOf(),
      run,
      folder: cwd(),
      files,
      modules: modules.map((path) => this.#moduleAt(path)),
    };
  }

  #filesAt(path: string, isModel: boolean): readonly CellFile[] {
    return remembered(this.#known, path, () => (isModel ? modelFiles(path) : cellFiles(path)));
  }

  #moduleAt(path: string): CellModule {
    return remembered(this.#modules, path, () => ({ path, sha256: hexOf(contentOf(path)) ?? '' }));
  }
}

/** A file, or a folder with all contents. Missing paths are listed, to save workers a request. */
function cellFiles(path: string, within: readonly string[] = []): readonly CellFile[] {
  const stat = statOf(path);
  if (stat?.isFile() === true) return [{ path, sha256: hexOf(contentOf(path)), bytes: stat.size }];
  const real = stat?.isDirectory() === true ? realpathSync(path) : null;
  if (real === null || within.includes(real)) return [{ path, sha256: null, bytes: 0 }];
  const names = listFolder(path).sort();
  return [{ path, sha256: null, bytes: 0, names }, ...names.flatMap((name) => cellFiles(join(path, name), [...within, real]))];
}

/** Weights stay in place: only headers are read. A profile or lone config.json travels. */
function modelFiles(path: string): readonly CellFile[] {
  const files = cellFiles(path);
  const ending = extname(path).toLowerCase();
  const [{ names, sha256 }] = files as [CellFile];
  if (/^\.ya?ml$/.test(ending) || (sha256 === null && names === undefined)) return files;
  if (ending !== '.json' || listFolder(dirname(path)).some((name) => name.endsWith('.safetensors')))
    return files.map((file) => ({ ...file, stays: true }));
  return [...files, { path: dirname(path), sha256: null, bytes: 0, names: [basename(path)] }];
}

const hexOf = (content: string | null): string | null => (content === null ? null : content.replace(/^sha256:/, ''));
