import { grown } from '../../base/grown.js';

/** Wire type of Protocol Buffers: a variable-length number. */
const VARINT = 0;
/** Wire type of Protocol Buffers: bytes after a length. */
const LENGTH = 2;
/** Wire type of Protocol Buffers: 4 bytes. */
const FIXED32 = 5;

const encoder = new TextEncoder();

/** Appends Protocol Buffers fields to a growing buffer. */
export class ProtobufWriter {
  #bytes = new Uint8Array(256);
  #length = 0;

  finish(): Uint8Array {
    return this.#bytes.subarray(0, this.#length);
  }

  /** An int32, int64 or enum field; negative values take ten bytes by the format. */
  integer(field: number, value: number | bigint): void {
    this.#varint(BigInt((field << 3) | VARINT));
    this.#varint(BigInt(value));
  }

  float(field: number, value: number): void {
    this.#varint(BigInt((field << 3) | FIXED32));
    this.#append(new Uint8Array(Float32Array.of(value).buffer));
  }

  string(field: number, value: string): void {
    this.bytes(field, encoder.encode(value));
  }

  bytes(field: number, value: Uint8Array): void {
    this.#varint(BigInt((field << 3) | LENGTH));
    this.#varint(BigInt(value.length));
    this.#append(value);
  }

  message(field: number, write: (inner: ProtobufWriter) => void): void {
    const inner = new ProtobufWriter();
    write(inner);
    this.bytes(field, inner.finish());
  }

  #varint(value: bigint): void {
    let left = BigInt.asUintN(64, value);
    this.#reserve(10);
    while (left > 0x7fn) {
      this.#bytes[this.#length++] = Number(left & 0x7fn) | 0x80;
      left >>= 7n;
    }
    this.#bytes[this.#length++] = Number(left);
  }

  #append(bytes: Uint8Array): void {
    this.#reserve(bytes.length);
    this.#bytes.set(bytes, this.#length);
    this.#length += bytes.length;
  }

  #reserve(extra: number): void {
    const needed = this.#length + extra;
    if (needed > this.#bytes.length) this.#bytes = grown(this.#bytes, needed);
  }
}
