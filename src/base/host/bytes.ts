// Texts as bytes and back. Node's Buffer is several times as fast as the web's coders on short texts; what leaves this file is a plain array.

/** UTF-8 of a text. */
export function bytesOf(text: string): Uint8Array {
  return Buffer.from(text);
}

/** The text of UTF-8 in `bytes[from, to)`; what is none becomes U+FFFD. A byte order mark stays. */
export function textOf(bytes: Uint8Array, from = 0, to = bytes.length): string {
  return bufferOf(bytes).toString('utf8', from, to);
}

/** One character of each byte in `bytes[from, to)`. */
export function latin1Of(bytes: Uint8Array, from = 0, to = bytes.length): string {
  return bufferOf(bytes).toString('latin1', from, to);
}

/** The bytes of base64. Characters that are none are left out. */
export function bytesOfBase64(text: string): Uint8Array {
  return Buffer.from(text, 'base64');
}

/** Bytes that hold anything until they are written to: an array of zeros costs a pass over it. */
export function unfilled(length: number): Uint8Array {
  return Buffer.allocUnsafe(length);
}

/** Arrays one behind another, as one. */
export function joined(parts: readonly Uint8Array[]): Uint8Array {
  return Buffer.concat(parts);
}

/** A view of the numbers in bytes. */
export function viewOf(bytes: Uint8Array): DataView {
  return new DataView(bytes.buffer, bytes.byteOffset, bytes.byteLength);
}

function bufferOf(bytes: Uint8Array): Buffer {
  return bytes instanceof Buffer ? bytes : Buffer.from(bytes.buffer, bytes.byteOffset, bytes.byteLength);
}
