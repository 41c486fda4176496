import { UserError } from '../../base/errors.js';
import { latin1Of } from '../../base/host/bytes.js';
import { isCount, isObject } from '../../base/objects.js';
import { dataOffsets, looksLikeSafetensors, safetensorsHeader } from '../../model/door.js';
import { DTYPE_BYTES } from '../column.js';
import type { TraceSource } from '../source.js';

/** A tensor of a file. */
export interface TensorInfo {
  readonly dtype: string;
  readonly shape: readonly number[];
  /** Byte offset in the file. */
  readonly offset: number;
  readonly bytes: number;
}

/** Safetensors container: header length, JSON, raw data. https://github.com/huggingface/safetensors#format */
export interface SafetensorsHeader {
  readonly metadata: Readonly<Record<string, string>>;
  readonly tensors: ReadonlyMap<string, TensorInfo>;
}

/** True for a safetensors file whose header start contains all texts. */
export function headerHolds({ head }: TraceSource, texts: readonly string[]): boolean {
  if (!looksLikeSafetensors(head)) return false;
  const text = latin1Of(head);
  return texts.every((part) => text.includes(part));
}

/** A required tensor. @param shape null: any size @throws UserError if missing, or of wrong dtype or shape */
export function requireTensor(
  path: string,
  { tensors }: SafetensorsHeader,
  name: string,
  dtypes: readonly string[],
  shape: readonly (number | null)[],
): TensorInfo {
  const tensor = tensors.get(name);
  if (tensor === undefined) throw new UserError(`${path}: tensor ${name} is missing`);
  if (!dtypes.includes(tensor.dtype))
    throw new UserError(`${path}: tensor ${name}: dtype ${tensor.dtype}; it is one of ${dtypes.join(', ')}`);
  if (tensor.shape.length !== shape.length || shape.some((side, axis) => side !== null && side !== tensor.shape[axis]))
    throw new UserError(
      `${path}: tensor ${name}: shape [${tensor.shape.join(', ')}] is not [${shape.map((side) => side ?? '…').join(', ')}]`,
    );
  return tensor;
}

/** @throws UserError if malformed, or a tensor is outside, overlaps, or has a wrong shape */
export function readSafetensorsHeader(source: TraceSource): SafetensorsHeader {
  const { path } = source;
  const { dataBytes, entries } = safetensorsHeader(source);
  const tensors = new Map<string, TensorInfo>();
  let metadata: Record<string, string> = {};
  for (const [name, entry] of Object.entries(entries)) {
    if (name === '__metadata__') metadata = metadataOf(path, entry);
    else tensors.set(name, tensorOf(`${path}: tensor ${name}`, entry, source.bytes, dataBytes));
  }
  refuseOverlap(path, tensors);
  return { metadata, tensors };
}

function metadataOf(path: string, entry: unknown): Record<string, string> {
  if (!isObject(entry)) throw new UserError(`${path}: __metadata__ is not an object of strings`);
  for (const [key, value] of Object.entries(entry)) {
    if (typeof value !== 'string') throw new UserError(`${path}: __metadata__.${key} is not a string; safetensors metadata are strings`);
  }
  return entry as Record<string, string>;
}

function tensorOf(place: string, entry: unknown, fileBytes: number, dataBytes: number): TensorInfo {
  const { dtype, shape, data_offsets: offsets } = isObject(entry) ? entry : {};
  const size = typeof dtype === 'string' ? DTYPE_BYTES.get(dtype) : undefined;
  if (typeof dtype !== 'string' || size === undefined) throw new UserError(`${place}: unknown dtype ${JSON.stringify(dtype)}`);
  if (!Array.isArray(shape) || !shape.every(isCount)) throw new UserError(`${place}: shape is not a list of sizes`);
  const [begin, end] = dataOffsets(place, offsets, dataBytes);
  const bytes = shape.reduce((product, side) => product * side, size);
  if (bytes !== end - begin)
    throw new UserError(`${place}: ${dtype} [${shape.join(', ')}] takes ${bytes} bytes, data_offsets give ${end - begin}`);
  return { dtype, shape, offset: fileBytes - dataBytes + begin, bytes };
}

function refuseOverlap(path: string, tensors: ReadonlyMap<string, TensorInfo>): void {
  const inOrder = [...tensors].sort(([, a], [, b]) => a.offset - b.offset || a.bytes - b.bytes);
  for (let i = 1; i < inOrder.length; i++) {
    const [before, { offset, bytes }] = inOrder[i - 1]!;
    const [name, tensor] = inOrder[i]!;
    if (tensor.offset < offset + bytes) throw new UserError(`${path}: tensor ${name}: its data lie over those of tensor ${before}`);
  }
}
