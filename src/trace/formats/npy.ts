import { UserError } from '../../base/errors.js';
import { latin1Of } from '../../base/host/bytes.js';
import { ID_DTYPES } from '../column.js';
import type { TraceSource } from '../source.js';
import type { RoutingTrace } from '../trace.js';
import type { OpenOptions, TraceFormat } from './format.js';
import { looksLikeNpy, npyHeader } from './npy-array.js';
import type { TensorInfo } from './safetensors-header.js';
import { openArray } from './tensor.js';
import { looksLikeZip, ZipArchive, type ZipEntry } from './zip.js';

/** Array names for choices. */
const NAMES = ['routed_experts', 'experts', 'expert_ids', 'topk_ids', 'selected_experts'];

/** NumPy array of choices, as saved by vLLM's offline API, notebooks and routing studies. */
export const npy: TraceFormat = {
  name: 'npy',
  detect: ({ head, bytes }) => looksLikeNpy(head) && ID_DTYPES.includes(kindOf(head, bytes)),
  open(source, options) {
    const header = npyHeader(source.path, source.head, source.bytes);
    return openArray(source, arrayOf(source.path, header), options, { format: 'npy' });
  },
};

/** MoE-Infinity's counts per sequence, layer and expert. */
export const moeInfinityMatrix: TraceFormat = {
  name: 'moe-infinity',
  detect: ({ head, bytes }) => looksLikeNpy(head) && ['F32', 'F64'].includes(kindOf(head, bytes)),
  counts: activationMatrices,
};

/** .npz archive with one array of choices. */
export const npz: TraceFormat = {
  name: 'npz',
  detect: ({ head }) => looksLikeZip(head) && latin1Of(head, 0, 512).includes('.npy'),
  open: openNpz,
};

function kindOf(head: Uint8Array, bytes: number): string {
  try {
    return npyHeader('', head, bytes).dtype;
  } catch {
    return 'I32';
  }
}

function arrayOf(place: string, { dtype, shape, offset }: TensorInfo) {
  if (!ID_DTYPES.includes(dtype)) throw new UserError(`${place}: dtype ${dtype} holds no expert ids; save integers: array.astype("int16")`);
  if (shape.length !== 3 || shape.includes(0))
    throw new UserError(`${place}: shape (${shape.join(', ')}) is not three axes of tokens, layers and choices`);
  return { place, dtype, shape, offset };
}

/** Opens an array: stored in place, deflated through a temporary file. */
async function openNpz(source: TraceSource, options: OpenOptions): Promise<RoutingTrace> {
  const archive = new ZipArchive(source);
  const entry = choiceEntry(source.path, archive);
  const place = `${source.path}: ${entry.name}`;
  const stored = entry.method === 0;
  if (stored) archive.checkStored(entry);
  const from = stored ? archive.dataOffset(entry) : 0;
  const content = stored ? source : await archive.unpacked(entry);
  try {
    const head = new Uint8Array(Math.min(entry.bytes, 64 * 1024));
    content.read(from, head);
    const array = arrayOf(place, npyHeader(place, head, entry.bytes));
    return openArray(content, { ...array, offset: array.offset + from }, options, { format: 'npz' });
  } catch (error) {
    content.close();
    throw error;
  }
}

function choiceEntry(path: string, archive: ZipArchive): ZipEntry {
  const arrays = archive.entries.filter(({ name }) => name.endsWith('.npy'));
  const named = NAMES.map((name) => arrays.find((entry) => entry.name === `${name}.npy`)).find((entry) => entry !== undefined);
  if (named !== undefined) return named;
  if (arrays.length === 1) return arrays[0]!;
  const names = arrays
    .slice(0, 12)
    .map(({ name }) => name.slice(0, -4).slice(0, 40))
    .join(', ');
  throw new UserError(`${path}: none of the arrays ${names} is named ${NAMES.join(', ')}; save the choices under such a name`);
}

function activationMatrices(source: TraceSource): Float64Array[] {
  const { path } = source;
  const { shape, dtype, offset } = npyHeader(path, source.head, source.bytes);
  if (shape.length !== 3 || shape.includes(0))
    throw new UserError(`${path}: shape (${shape.join(', ')}) is not (sequences, layers, experts)`);
  const [sequences, layers, experts] = shape as [number, number, number];
  const counts = Array.from({ length: layers }, () => new Float64Array(experts));
  const matrix = new Uint8Array(layers * experts * (dtype === 'F32' ? 4 : 8));
  for (let sequence = 0; sequence < sequences; sequence++) {
    source.read(offset + sequence * matrix.length, matrix);
    const values = dtype === 'F32' ? new Float32Array(matrix.buffer) : new Float64Array(matrix.buffer);
    for (let i = 0; i < values.length; i++) {
      const value = values[i]!;
      if (!(value >= 0 && value < Number.POSITIVE_INFINITY))
        throw new UserError(`${path}: sequence ${sequence}, layer ${Math.floor(i / experts)}: ${value} is not a count`);
      counts[Math.floor(i / experts)]![i % experts]! += value;
    }
  }
  return counts;
}
