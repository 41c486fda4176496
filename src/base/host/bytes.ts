/** UTF-8 of a text. */
export const bytesOf = (text: string): Uint8Array => Buffer.from(text);

/** `bytes[from, to)`; invalid bytes become U+FFFD. A byte order mark stays. */
export const textOf = (bytes: Uint8Array, from = 0, to = bytes.length): string => bufferOf(bytes).toString('utf8', from, to);

/** One character per byte of `bytes[from, to)`. */
export const latin1Of = (bytes: Uint8Array, from = 0, to = bytes.length): string => bufferOf(bytes).toString('latin1', from, to);

/** Bytes of base64; skips invalid characters. */
export const bytesOfBase64 = (text: string): Uint8Array => Buffer.from(text, 'base64');

/** Uninitialised bytes: an array of zeros costs a pass over memory. */
export const unfilled = (length: number): Uint8Array => Buffer.allocUnsafe(length);

/** Arrays joined in order. */
export const joined = (parts: readonly Uint8Array[]): Uint8Array => Buffer.concat(parts);

/** View of bytes as numbers. */
export const viewOf = (bytes: Uint8Array): DataView => new DataView(bytes.buffer, bytes.byteOffset, bytes.byteLength);

const bufferOf = (bytes: Uint8Array): Buffer =>
  bytes instanceof Buffer ? bytes : Buffer.from(bytes.buffer, bytes.byteOffset, bytes.byteLength);
