import { createHash, randomBytes } from 'node:crypto';

/** Running hash. */
export interface Sha256 {
  /** Adds bytes, or the UTF-8 of a text. */
  update(data: string | Uint8Array): Sha256;
  /** Hash of all data so far; ends the hash. */
  digest(form: 'hex' | 'base64'): string;
}

/** Begins a SHA-256 hash. */
export const newSha256 = (): Sha256 => createHash('sha256');

/** Random bytes in hex. */
export const randomHex = (bytes: number): string => randomBytes(bytes).toString('hex');
