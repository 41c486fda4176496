import { UserError } from '../../base/errors.js';
import { type Environment, env as processEnv } from '../../base/host/process.js';

/** `--queue redis://user:password@host:6379/0`: server and login of a queue. Messages never show a password. */
export interface QueueAddress {
  /** Address without user and password. */
  readonly shown: string;
  readonly host: string;
  readonly port: number;
  readonly db: number;
  /** Encrypted: `rediss://`. */
  readonly tls: boolean;
  readonly username?: string;
  readonly password?: string;
  /** Prefix of all keys; several queues can share a server. */
  readonly prefix: string;
}

/** Default of `--queue-prefix`. */
export const QUEUE_PREFIX = 'moeprof';

/** Environment variable that hides the password from process lists. */
const PASSWORD_VARIABLE = 'MOEPROF_QUEUE_PASSWORD';

const EXAMPLE = 'write e.g. redis://localhost:6379/0, or rediss://user@host:6379/0 with TLS';
const PORT = 6379;
/** Highest database number; ours, above any server's. */
const MOST_DB = 9999;

/** `--queue` and `--queue-prefix`. @throws UserError without passwords */
export function queueAddress(text: string, prefix: string = QUEUE_PREFIX, env: Environment = processEnv): QueueAddress {
  const shownText = text.replace(/\/\/[^/]*@/, '//...@');
  const wrong = (why: string): UserError => new UserError(`--queue ${shownText}: ${why}; ${EXAMPLE}`);
  if (!/^[\w.{}-]{1,64}$/.test(prefix))
    throw new UserError(`--queue-prefix ${prefix}: expected up to 64 letters, digits, dots and dashes, e.g. moeprof-anna`);
  let url: URL;
  try {
    url = new URL(text);
  } catch {
    throw wrong('is no address');
  }
  if (url.protocol !== 'redis:' && url.protocol !== 'rediss:') throw wrong(`${url.protocol}// is not how Valkey and Redis are reached`);
  if (url.hostname === '') throw wrong('names no host');
  const stray = url.search !== '' ? url.search : url.hash;
  if (stray !== '') throw wrong(`${stray} means nothing here`);
  const [, db = '0'] = /^\/?$|^\/(\d{1,4})$/.exec(url.pathname) ?? [undefined, ''];
  if (db === '' || Number(db) > MOST_DB) throw wrong(`${url.pathname} is no number of a database`);
  const given = (part: string): string | undefined => {
    try {
      return part === '' ? undefined : decodeURIComponent(part);
    } catch {
      throw wrong('has a % in user or password that begins no code; write it as %25');
    }
  };
  const port = url.port === '' ? PORT : Number(url.port);
  return {
    shown: `${url.protocol}//${url.hostname}:${port}/${db}`,
    host: url.hostname.replace(/^\[|\]$/g, ''),
    port,
    db: Number(db),
    tls: url.protocol === 'rediss:',
    username: given(url.username),
    password: given(url.password) ?? (env[PASSWORD_VARIABLE] || undefined),
    prefix,
  };
}
