// llama.cpp's importance matrix as GGUF: how many activations each expert's weights saw. Counts only.
// https://github.com/ggml-org/ggml/blob/master/docs/gguf.md
import { UserError } from '../../base/errors.js';
import type { Popularity } from '../popularity.js';
import type { TraceSource } from '../source.js';
import type { TraceFormat } from './format.js';

/** GGUF importance matrices. */
export const imatrix: TraceFormat = {
  name: 'imatrix',
  summary: 'GGUF with blk.N.ffn_gate_exps.weight.counts; counts only',
  engines: 'llama.cpp',
  turnOn: '`llama-imatrix -m MODEL.gguf -f text -o out.gguf`',
  detect: ({ head }) => Buffer.from(head.buffer, head.byteOffset, Math.min(4, head.length)).toString('latin1') === 'GGUF',
  counts,
};

/** Everything before the tensor data fits in this much: names and a few strings. */
const HEADER_LIMIT = 64 * 1024 * 1024;
const F32 = 0;
/** Bytes of GGUF's scalar value types, by type number. */
const SCALAR_BYTES = [1, 1, 2, 2, 4, 4, 4, 1, 0, 0, 8, 8, 8];
const STRING = 8;
const ARRAY = 9;
const MOST_TENSORS = 1_000_000;

function counts(source: TraceSource): Popularity {
  const { path } = source;
  const reader = new GgufReader(source);
  const { tensors, dataStart } = reader.tensors();
  const byLayer = new Map<number, Float64Array>();
  for (const { name, elements, type, offset } of tensors) {
    const match = /^blk\.(\d+)\.ffn_(?:gate|up|gate_up|down)_exps\.weight\.counts$/.exec(name);
    const layer = Number(match?.[1]);
    // Gate, up and down see the same activations: the first is enough.
    if (match === null || byLayer.has(layer)) continue;
    if (type !== F32) throw new UserError(`${path}: tensor ${name}: type ${type} is not F32`);
    if (dataStart + offset + elements * 4 > source.bytes)
      throw new UserError(`${path}: tensor ${name} goes beyond the end; the file was cut short`);
    const raw = new Uint8Array(elements * 4);
    source.read(dataStart + offset, raw);
    byLayer.set(layer, Float64Array.from(new Float32Array(raw.buffer)));
  }
  if (byLayer.size === 0) {
    throw new UserError(
      `${path}: holds no counts per expert (blk.N.ffn_gate_exps.weight.counts); a model file is given with --model, an imatrix needs an MoE model`,
    );
  }
  const layers = [...byLayer.keys()].sort((a, b) => a - b);
  return { path, format: 'imatrix', model: null, counts: layers.map((layer) => byLayer.get(layer)!) };
}

interface GgufTensor {
  readonly name: string;
  readonly elements: number;
  readonly type: number;
  readonly offset: number;
}

/** Reads the directory of a GGUF file. */
class GgufReader {
  readonly #path: string;
  readonly #bytes: Buffer;
  #at = 4;

  constructor(source: TraceSource) {
    this.#path = source.path;
    this.#bytes = Buffer.alloc(Math.min(source.bytes, HEADER_LIMIT));
    source.read(0, this.#bytes);
  }

  tensors(): { tensors: GgufTensor[]; dataStart: number } {
    const version = this.#take(4).readUInt32LE();
    if (version !== 2 && version !== 3) throw new UserError(`${this.#path}: GGUF version ${version}; 2 and 3 are known`);
    const tensorCount = this.#count(MOST_TENSORS);
    const pairs = this.#count(MOST_TENSORS);
    let alignment = 32;
    for (let i = 0; i < pairs; i++) {
      const key = this.#text();
      const type = this.#take(4).readUInt32LE();
      if (key === 'general.alignment' && type === 4) alignment = this.#take(4).readUInt32LE();
      else this.#skipValue(type);
    }
    if (alignment === 0) throw new UserError(`${this.#path}: an alignment of 0 bytes; the file is damaged`);
    const tensors: GgufTensor[] = [];
    for (let i = 0; i < tensorCount; i++) {
      const name = this.#text();
      const axes = this.#take(4).readUInt32LE();
      if (axes > 4) throw new UserError(`${this.#path}: tensor ${name.slice(0, 60)}: ${axes} axes; the file is damaged`);
      let elements = 1;
      for (let axis = 0; axis < axes; axis++) elements *= this.#count(2 ** 40);
      tensors.push({ name, elements, type: this.#take(4).readUInt32LE(), offset: this.#count(Number.MAX_SAFE_INTEGER) });
    }
    return { tensors, dataStart: Math.ceil(this.#at / alignment) * alignment };
  }

  #skipValue(type: number): void {
    if (type === STRING) {
      this.#text();
      return;
    }
    if (type !== ARRAY) {
      this.#take(this.#scalarBytes(type));
      return;
    }
    const element = this.#take(4).readUInt32LE();
    const count = this.#count(HEADER_LIMIT);
    if (element === STRING) for (let i = 0; i < count; i++) this.#text();
    else this.#take(count * this.#scalarBytes(element));
  }

  #scalarBytes(type: number): number {
    const bytes = SCALAR_BYTES[type] ?? 0;
    if (bytes === 0) throw new UserError(`${this.#path}: a GGUF value of type ${type}; the file is damaged`);
    return bytes;
  }

  #text(): string {
    return this.#take(this.#count(HEADER_LIMIT)).toString('utf8');
  }

  #count(limit: number): number {
    const value = this.#take(8).readBigUInt64LE();
    if (value > BigInt(limit)) throw new UserError(`${this.#path}: a count of ${value} at byte ${this.#at - 8}; the file is damaged`);
    return Number(value);
  }

  #take(length: number): Buffer {
    if (this.#at + length > this.#bytes.length)
      throw new UserError(`${this.#path}: the GGUF directory ends too early; the file was cut short`);
    return this.#bytes.subarray(this.#at, (this.#at += length));
  }
}
