import { UserError } from '../../base/errors.js';
import { latin1Of } from '../../base/host/bytes.js';
import { DTYPE_BYTES } from '../column.js';
import type { TraceSource } from '../source.js';
import { numbersOf } from './npy-array.js';
import { type Pickled, PickledTensor, readPickle } from './pickle.js';
import { looksLikeZip, ZipArchive, type ZipEntry } from './zip.js';

/** Maximum pickle (some hundred bytes per pass) and storage in memory, bytes. */
const PICKLE_LIMIT = 32 * 1024 * 1024;
const STORAGE_LIMIT = 64 * 1024 * 1024;

/** Dtypes of integer storages. */
const DTYPES = new Map([
  ['ByteStorage', 'U8'],
  ['CharStorage', 'I8'],
  ['ShortStorage', 'I16'],
  ['IntStorage', 'I32'],
  ['LongStorage', 'I64'],
  ['FloatStorage', 'F32'],
  ['DoubleStorage', 'F64'],
]);

/** True for a torch.save archive whose pickle start contains `word`. */
export const looksLikeTorch = (head: Uint8Array, word: string): boolean =>
  looksLikeZip(head) && latin1Of(head, 0, 256).includes('data.pkl') && latin1Of(head).includes(word);

/** Open .pt file, a zip of torch.save: NAME/data.pkl, and storages under NAME/data/. */
export class TorchFile {
  readonly #source: TraceSource;
  readonly #archive: ZipArchive;
  readonly #byName: ReadonlyMap<string, ZipEntry>;
  readonly #folder: string;

  /** @throws UserError without data.pkl, or if big-endian */
  constructor(source: TraceSource) {
    this.#source = source;
    this.#archive = new ZipArchive(source);
    this.#byName = new Map(this.#archive.entries.map((entry) => [entry.name, entry]));
    const pickle = this.#archive.entries.find(({ name }) => name.endsWith('/data.pkl'));
    if (pickle === undefined) throw new UserError(`${source.path}: holds no data.pkl; it was not written by torch.save`);
    this.#folder = pickle.name.slice(0, -'data.pkl'.length);
    const order = this.#byName.get(`${this.#folder}byteorder`);
    if (order !== undefined && latin1Of(this.#archive.read(order, 16)).trim() !== 'little')
      throw new UserError(`${source.path}: big-endian tensors; save it on a little-endian machine`);
  }

  value(): Pickled {
    const name = `${this.#folder}data.pkl`;
    return readPickle(this.#archive.read(this.#byName.get(name)!, PICKLE_LIMIT), `${this.#source.path}: ${name}`);
  }

  /** Size, and elements in row-major order. @throws UserError if not a tensor of `axes` axes, or cut */
  tensor(value: Pickled | undefined, what: string, axes: number): { size: readonly number[]; values: Float64Array | Int32Array } {
    const { path } = this.#source;
    if (!(value instanceof PickledTensor) || value.size.length !== axes)
      throw new UserError(`${path}: ${what} is missing or no tensor of ${axes} axes`);
    const { storage, offset, size, stride } = value;
    const name = `${this.#folder}data/${storage.key}`;
    const entry = this.#byName.get(name);
    const dtype = DTYPES.get(storage.type);
    if (entry === undefined) throw new UserError(`${path}: ${name} is missing; the file was cut short`);
    if (dtype === undefined) throw new UserError(`${path}: ${name}: ${storage.type} holds no whole numbers`);
    const count = size.reduce((product, side) => product * side, 1);
    const last = size.reduce((at, side, axis) => at + (side - 1) * stride[axis]!, offset);
    const raw = this.#archive.read(entry, STORAGE_LIMIT);
    const held = raw.length / DTYPE_BYTES.get(dtype)!;
    if (!Number.isInteger(held)) throw new UserError(`${path}: ${name} has ${raw.length} bytes, no whole number of elements`);
    if (count > 0 && (last >= held || count > held))
      throw new UserError(`${path}: ${name} has ${raw.length} bytes, too few for a tensor [${size.join(', ')}]`);
    const elements = numbersOf(dtype, raw);
    const values = dtype === 'F32' || dtype === 'F64' || dtype === 'I64' ? new Float64Array(count) : new Int32Array(count);
    const index = new Array<number>(size.length).fill(0);
    for (let i = 0, at = offset; i < count; i++) {
      values[i] = elements[at]!;
      for (let axis = size.length - 1; axis >= 0; axis--) {
        at += stride[axis]!;
        if (++index[axis]! < size[axis]!) break;
        at -= stride[axis]! * size[axis]!;
        index[axis] = 0;
      }
    }
    return { size, values };
  }
}
