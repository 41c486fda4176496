// The header of a GGUF file on a server: fetched from the beginning in growing pieces until it is complete, without the data of tensors.

import { UserError } from '../../base/errors.js';
import { joined } from '../../base/host/bytes.js';
import { type GgufHeader, ggufHeaderOf } from '../gguf-header.js';
import type { HubFile } from './client.js';

/** Bytes of the first piece, and of the largest; each but the last is as long as all before it. */
const FIRST = 256 * 2 ** 10;
const LARGEST = 4 * 2 ** 20;

/** Thrown where the reader of headers needs bytes that have not been fetched yet. */
class NotYet extends Error {}

/**
 * Reads the header of a remote file.
 * @param path how messages call it
 * @param range fetches bytes of the file
 * @throws UserError where the file is damaged, or bytes do not come
 */
export async function remoteHeader(
  path: string,
  { bytes }: HubFile,
  range: (from: number, length: number) => Promise<Uint8Array>,
): Promise<GgufHeader> {
  let prefix: Uint8Array = new Uint8Array(0);
  for (;;) {
    const wanted = Math.min(bytes - prefix.length, Math.min(LARGEST, Math.max(FIRST, prefix.length)));
    if (wanted <= 0) throw new UserError(`${path}: is empty`);
    prefix = joined([prefix, await range(prefix.length, wanted)]);
    const header = headerIn(path, bytes, prefix);
    if (header !== null) return header;
  }
}

/** The header that a file begins with; null where `prefix` does not hold all of it. */
function headerIn(path: string, bytes: number, prefix: Uint8Array): GgufHeader | null {
  const part = (position: number, length: number): Uint8Array => {
    const end = Math.min(position + length, bytes);
    if (end > prefix.length) throw new NotYet();
    return prefix.subarray(position, end);
  };
  try {
    return ggufHeaderOf({ path, bytes, part });
  } catch (error) {
    if (error instanceof NotYet) return null;
    throw error;
  }
}
