import { z } from 'zod';
import { UserError } from '../../base/errors.js';
import { writeFileAtomic } from '../../base/files.js';
import { bytesOf, joined, textOf, viewOf } from '../../base/host/bytes.js';
import { withInput } from '../../base/input-file.js';
import { ownValue } from '../../base/objects.js';
import { Random } from '../../base/random.js';
import { type ParameterSpec, sizeOf } from './network.js';

/** One pass over the data. */
export interface Epoch {
  readonly epoch: number;
  /** Mean loss of its steps, nats per expert. */
  readonly loss: number;
  readonly heldOutLoss: number;
}

interface StateTensor {
  readonly shape: readonly number[];
  readonly data: Float32Array;
}

/** The state of a training between epochs, a safetensors file. Its fingerprint prevents resuming from the weights of another training. */
export interface Checkpoint {
  readonly epochs: Epoch[];
  /** Epoch of the least held-out loss, from 1; 0: none yet. */
  bestEpoch: number;
  /** Parameters and Adam's moments after the last epoch. */
  readonly tensors: ReadonlyMap<string, StateTensor>;
  readonly best: ReadonlyMap<string, Float32Array>;
}

const FORMAT = 'moeprof.checkpoint/1';

/** The state before the first epoch. */
export function freshCheckpoint(parameters: readonly ParameterSpec[], moments: readonly string[], seed: number): Checkpoint {
  const random = new Random(seed, 'predict/train/weights');
  const tensors = new Map<string, StateTensor>();
  const best = new Map<string, Float32Array>();
  for (const parameter of parameters) {
    const { name, shape } = parameter;
    tensors.set(name, { shape, data: parameter.initial(random) });
    for (const ending of moments) tensors.set(name + ending, { shape, data: new Float32Array(sizeOf(shape)) });
    best.set(name, new Float32Array(sizeOf(shape)));
  }
  return { epochs: [], bestEpoch: 0, tensors, best };
}

/** Writes a state. @param fingerprint of its data and options @throws UserError if the path cannot be written */
export function saveCheckpoint(path: string, fingerprint: string, { best, bestEpoch, epochs, tensors }: Checkpoint): void {
  const parts: StateTensor[] = [];
  const header: Record<string, unknown> = {
    __metadata__: { format: FORMAT, fingerprint, bestEpoch: String(bestEpoch), epochs: JSON.stringify(epochs) },
  };
  let offset = 0;
  const add = (name: string, tensor: StateTensor): void => {
    const end = offset + tensor.data.byteLength;
    header[name] = { dtype: 'F32', shape: tensor.shape, data_offsets: [offset, end] };
    offset = end;
    parts.push(tensor);
  };
  for (const [name, tensor] of tensors) add(name, tensor);
  for (const [name, data] of best) add(`${name}.best`, { shape: tensors.get(name)!.shape, data });
  const text = bytesOf(JSON.stringify(header));
  const length = new Uint8Array(8);
  viewOf(length).setBigUint64(0, BigInt(text.length), true);
  writeFileAtomic(path, joined([length, text, ...parts.map(({ data }) => new Uint8Array(data.buffer, data.byteOffset, data.byteLength))]));
}

/** Reads a state. @param like names and shapes that it must have @throws UserError if it is missing, damaged or of another training */
export function loadCheckpoint(path: string, fingerprint: string, like: Checkpoint): Checkpoint {
  const file = withInput(path, 'checkpoint', (open) => open.part(0, open.bytes));
  const damaged = new UserError(`${path}: is not a whole checkpoint of moeprof; delete it to train from the beginning`);
  const header = headerOf(file);
  if (header === null || header.metadata.format !== FORMAT) throw damaged;
  const { epochs, metadata, places, start } = header;
  if (metadata.fingerprint !== fingerprint)
    throw new UserError(`${path}: belongs to a training on other data or with other options; give another path, or delete it`);
  const read = (name: string, into: Float32Array): void => {
    const place = placeSchema.safeParse(ownValue(places, name)).data;
    if (place === undefined) throw damaged;
    const [from, to] = place.data_offsets;
    if (to - from !== into.byteLength || start + to > file.length) throw damaged;
    new Uint8Array(into.buffer).set(file.subarray(start + from, start + to));
  };
  for (const [name, { data }] of like.tensors) read(name, data);
  for (const [name, data] of like.best) read(`${name}.best`, data);
  return { ...like, epochs, bestEpoch: metadata.bestEpoch };
}

const wholeSchema = z.int().nonnegative();
const epochsSchema = z.array(z.object({ epoch: z.int().positive(), loss: z.number(), heldOutLoss: z.number() }));
const metadataSchema = z.object({ format: z.string(), fingerprint: z.string(), bestEpoch: z.string(), epochs: z.string() });
const headerSchema = z.looseObject({ __metadata__: metadataSchema });
const placeSchema = z.object({ data_offsets: z.tuple([wholeSchema, wholeSchema]) });

interface Header {
  readonly metadata: { readonly format: string; readonly fingerprint: string; readonly bestEpoch: number };
  readonly epochs: Epoch[];
  /** Places of the tensors by name, as in the file. */
  readonly places: Readonly<Record<string, unknown>>;
  readonly start: number;
}

/** The metadata of a checkpoint; null: the file is not one. */
function headerOf(file: Uint8Array): Header | null {
  try {
    const start = 8 + Number(viewOf(file).getBigUint64(0, true));
    const places = headerSchema.parse(JSON.parse(textOf(file, 8, start)));
    const metadata = places.__metadata__;
    const epochs = epochsSchema.parse(JSON.parse(metadata.epochs));
    const bestEpoch = wholeSchema.max(epochs.length).parse(Number(metadata.bestEpoch));
    return { metadata: { ...metadata, bestEpoch }, epochs, places, start };
  } catch {
    return null;
  }
}
