/** UTF-8 of a text. */
export const bytesOf = (text: string): Uint8Array => Buffer.from(text);

/** The text of UTF-8 in `bytes[from, to)`; what is none becomes U+FFFD. A byte order mark stays. */
export const textOf = (bytes: Uint8Array, from = 0, to = bytes.length): string => bufferOf(bytes).toString('utf8', from, to);

/** One character of each byte in `bytes[from, to)`. */
export const latin1Of = (bytes: Uint8Array, from = 0, to = bytes.length): string => bufferOf(bytes).toString('latin1', from, to);

/** The bytes of base64. Characters that are none are left out. */
export const bytesOfBase64 = (text: string): Uint8Array => Buffer.from(text, 'base64');

/** Bytes that hold anything until they are written to: an array of zeros costs a pass over it. */
export const unfilled = (length: number): Uint8Array => Buffer.allocUnsafe(length);

/** Arrays joined in order. */
export const joined = (parts: readonly Uint8Array[]): Uint8Array => Buffer.concat(parts);

/** A view of the numbers in bytes. */
export const viewOf = (bytes: Uint8Array): DataView => new DataView(bytes.buffer, bytes.byteOffset, bytes.byteLength);

const bufferOf = (bytes: Uint8Array): Buffer =>
  bytes instanceof Buffer ? bytes : Buffer.from(bytes.buffer, bytes.byteOffset, bytes.byteLength);
