import { UserError } from '../../base/errors.js';
import { bytesOf } from '../../base/host/bytes.js';
import { hmacOf, sameSecret } from '../../base/host/hmac.js';
import { type Environment, env as processEnv } from '../../base/host/process.js';
import { readText } from '../../base/input-file.js';
import type { QueueAddress } from './address.js';

/** The variable that holds a key, so that no list of processes shows it. */
const KEY_VARIABLE = 'MOEPROF_QUEUE_KEY';

/** Shortest key, characters: 128 bits in base64 have 22. */
const SHORTEST = 16;

const MAKE_ONE = 'make one with: head -c 32 /dev/urandom | base64 > queue.key';

type Sealed = 'cell' | 'result' | 'end' | 'shut' | 'file';

/** Seals of cells and results, by a shared key: what lacks one is not ours. Without a key only a server on this machine is used. */
export interface Seal {
  /** False: there is no key, and every seal is the empty text. */
  readonly isKeyed: boolean;
  over(kind: Sealed, ...parts: readonly (string | Uint8Array)[]): string;
  /** True if `seal` is that of the parts. */
  holds(seal: unknown, kind: Sealed, ...parts: readonly (string | Uint8Array)[]): boolean;
}

/** The seal by a key; null: there is none. */
export function sealBy(key: string | null): Seal {
  const bytes = key === null ? null : bytesOf(key);
  const over: Seal['over'] = (kind, ...parts) => (bytes === null ? '' : hmacOf(bytes, [kind, ...parts]));
  return {
    isKeyed: bytes !== null,
    over,
    holds: (seal, kind, ...parts) => typeof seal === 'string' && sameSecret(seal, over(kind, ...parts)),
  };
}

/** The seal of a queue. @param path of the key; undefined: {@link KEY_VARIABLE}, or none @throws UserError if it is short, or must be there */
export function sealOf({ host, shown }: QueueAddress, path: string | undefined, env: Environment = processEnv): Seal {
  const named = path === undefined ? KEY_VARIABLE : `--queue-key ${path}`;
  const key = (path === undefined ? (env[KEY_VARIABLE] ?? '') : readText(path, 'key')).trim();
  if (key.length >= SHORTEST) return sealBy(key);
  if (key !== '' || path !== undefined)
    throw new UserError(`${named}: a key has at least ${SHORTEST} characters, and this one has ${key.length}; ${MAKE_ONE}`);
  // Addresses of this machine that no other one reaches.
  if (/^(localhost|::1|127\.\d+\.\d+\.\d+)$/.test(host)) return sealBy(null);
  throw new UserError(
    `--queue ${shown}: is not on this machine, so cells and results need a seal; give sweep and workers one key, as --queue-key FILE or ${KEY_VARIABLE}; ${MAKE_ONE}`,
  );
}
