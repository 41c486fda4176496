import { UserError } from '../../base/errors.js';
import { bytesOf } from '../../base/host/bytes.js';
import { hmacOf, sameSecret } from '../../base/host/hmac.js';
import { type Environment, env as processEnv } from '../../base/host/process.js';
import { readText } from '../../base/input-file.js';
import type { QueueAddress } from './address.js';

/** Environment variable that hides the key from process lists. */
const KEY_VARIABLE = 'MOEPROF_QUEUE_KEY';

/** Shortest key, characters: 128 bits in base64 have 22. */
const SHORTEST = 16;

const MAKE_ONE = 'make one with: head -c 32 /dev/urandom | base64 > queue.key';

type Sealed = 'cell' | 'result' | 'end' | 'shut' | 'file';

/** Seals of cells and results by a shared key. A queue without a key must be on the local machine. */
export interface Seal {
  /** False: no key, and every seal is empty. */
  readonly isKeyed: boolean;
  over(kind: Sealed, ...parts: readonly (string | Uint8Array)[]): string;
  holds(seal: unknown, kind: Sealed, ...parts: readonly (string | Uint8Array)[]): boolean;
}

/** Seal of a key; null: no key. */
export function sealBy(key: string | null): Seal {
  const bytes = key === null ? null : bytesOf(key);
  const over: Seal['over'] = (kind, ...parts) => (bytes === null ? '' : hmacOf(bytes, [kind, ...parts]));
  return {
    isKeyed: bytes !== null,
    over,
    holds: (seal, kind, ...parts) => typeof seal === 'string' && sameSecret(seal, over(kind, ...parts)),
  };
}

/** @param path of the key; undefined: {@link KEY_VARIABLE}, or no key @throws UserError for a short or missing key */
export function sealOf({ host, shown }: QueueAddress, path: string | undefined, env: Environment = processEnv): Seal {
  const named = path === undefined ? KEY_VARIABLE : `--queue-key ${path}`;
  const key = (path === undefined ? (env[KEY_VARIABLE] ?? '') : readText(path, 'key')).trim();
  if (key.length >= SHORTEST) return sealBy(key);
  if (key !== '' || path !== undefined)
    throw new UserError(`${named}: a key has at least ${SHORTEST} characters, and this one has ${key.length}; ${MAKE_ONE}`);
  // Loopback addresses, unreachable from outside.
  if (/^(localhost|::1|127\.\d+\.\d+\.\d+)$/.test(host)) return sealBy(null);
  throw new UserError(
    `--queue ${shown}: is not on this machine, so cells and results need a seal; give sweep and workers one key, as --queue-key FILE or ${KEY_VARIABLE}; ${MAKE_ONE}`,
  );
}
