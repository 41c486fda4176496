// Connection to a server. BullMQ is loaded only for a queue.
import type * as Bull from 'bullmq';
import type { Redis, RedisOptions } from 'ioredis';
import { unloadable } from '../../base/errors.js';
import { sleep } from '../../base/host/clock.js';
import { requirePackage } from '../../base/host/modules.js';
import { isIP } from '../../base/host/network.js';
import type { QueueAddress } from './address.js';
import { keysOf } from './protocol.js';
import { serverError } from './server-error.js';

/** Time for a server's first answer, ms; ours. */
const PATIENCE_MS = 5000;
/** Longest wait between reconnections, ms; ours. */
const LONGEST_WAIT_MS = 2000;

const QUEUE_INSTALL = 'npm install bullmq@6 ioredis@5';

/** A connection to a server, with the library. */
export interface QueueServer {
  readonly address: QueueAddress;
  readonly bull: typeof Bull;
  /** For commands answered at once. */
  readonly redis: Redis;
  /** Opens a further connection, for commands that wait. */
  another(): Redis;
  close(): void;
}

/** @param tell receives a line per loss and return @throws UserError without connection or library */
export async function openServer(address: QueueAddress, tell: (line: string) => void): Promise<QueueServer> {
  const { bull, Client } = libraries();
  const { db, host, password, port, tls, username } = address;
  const options: RedisOptions = {
    ...{ host, port, db, username, password },
    connectTimeout: PATIENCE_MS,
    maxRetriesPerRequest: null,
    lazyConnect: true,
    enableReadyCheck: true,
    ...(tls ? { tls: isIP(host) === 0 ? { servername: host } : {} } : {}),
  };
  await tryOnce(new Client({ ...options, retryStrategy: () => null }), address);
  const all: Redis[] = [];
  const another = (): Redis => {
    const redis = new Client({ ...options, lazyConnect: false, retryStrategy: (times) => Math.min(100 * times, LONGEST_WAIT_MS) });
    redis.on('error', () => undefined);
    all.push(redis);
    return redis;
  };
  const redis = another();
  let gone = false;
  redis.on('close', () => {
    if (!gone && redis.status !== 'end') tell(`${address.shown}: the server has gone; waiting for it`);
    gone = true;
  });
  redis.on('ready', () => {
    if (gone) tell(`${address.shown}: the server is back`);
    gone = false;
  });
  return {
    address,
    bull,
    redis,
    another,
    close: () => {
      gone = true;
      for (const client of all) client.disconnect();
    },
  };
}

function libraries(): { readonly bull: typeof Bull; readonly Client: typeof Redis } {
  try {
    // Requiring CommonJS halves the load time: no search for exports.
    const bull = requirePackage('bullmq') as typeof Bull;
    const { Redis: Client } = requirePackage('ioredis') as { readonly Redis: typeof Redis };
    return { bull, Client };
  } catch (error) {
    throw unloadable(error, 'bullmq and ioredis', 'a queue needs them', QUEUE_INSTALL);
  }
}

async function tryOnce(redis: Redis, address: QueueAddress): Promise<void> {
  let first: unknown;
  redis.on('error', (error) => {
    first ??= error;
  });
  const late = new AbortController();
  try {
    await Promise.race([
      // Needs permission to write, but writes nothing.
      redis.connect().then(() => redis.srem(keysOf(address.prefix).workers, '')),
      sleep(PATIENCE_MS + 1000, late.signal).then(() => {
        throw Object.assign(new Error('no answer'), { code: 'ETIMEDOUT' });
      }),
    ]);
  } catch (error) {
    throw serverError(address, first ?? error);
  } finally {
    late.abort();
    redis.disconnect();
  }
}
