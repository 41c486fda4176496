import { createHash, randomBytes } from 'node:crypto';

/** A hash under way. */
export interface Sha256 {
  /** Takes more: bytes, or the UTF-8 of a text. */
  update(data: string | Uint8Array): Sha256;
  /** The hash of what was taken; nothing can be taken after it. */
  digest(form: 'hex' | 'base64'): string;
}

/** Begins a hash. */
export const newSha256 = (): Sha256 => createHash('sha256');

/** Random bytes in hex. */
export const randomHex = (bytes: number): string => randomBytes(bytes).toString('hex');
