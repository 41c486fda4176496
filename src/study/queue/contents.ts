// Contents of a queue's server, of any build. Keys are found by name, so no foreign key is touched.
import type { Redis } from 'ioredis';
import { UserError } from '../../base/errors.js';
import { sum } from '../../base/statistics.js';
import { formatCounted } from '../../base/units.js';
import type { QueueServer } from './connect.js';
import { keysOf, type Presence, presentIn, RESULT_TAKEN_S } from './protocol.js';
import { type CellEnd, doneOf } from './sent-result.js';
import { orServerError } from './server-error.js';
import { answersTo, valuesOf } from './together.js';

/** Keys or entries per command; ours. */
const AT_ONCE = 1000;

/** Cells of one build, run only by workers of the build. */
export interface BuildCells {
  readonly protocol: number;
  readonly build: string;
  readonly waiting: number;
  readonly running: number;
  /** Cells with a missing file, or in retry. */
  readonly delayed: number;
  /** Recently ended cells. */
  readonly done: number;
  readonly failed: number;
}

/** Everything on a server below one prefix. */
export interface QueueContents {
  readonly cells: readonly BuildCells[];
  readonly workers: readonly Presence[];
  readonly sweeps: readonly Presence[];
  /** Latest first. */
  readonly failures: readonly CellEnd[];
  /** Results; `untaken`: in no sweep's store yet. */
  readonly results: { readonly count: number; readonly untaken: number; readonly bytes: number };
  readonly files: { readonly count: number; readonly bytes: number };
}

type Emptied = Readonly<Record<'cells' | 'results' | 'files', number>>;

/** @throws UserError for an unexpected answer */
export const contentsOf = (server: QueueServer): Promise<QueueContents> =>
  withServerErrors(server, async () => contentsBehind(server, await keysBelow(server)));

/** Running cells still leave results. @param force removes pending work of sweeps @throws UserError without `force` */
export function emptyQueue(server: QueueServer, force: boolean): Promise<Emptied> {
  return withServerErrors(server, async () => {
    const keys = await keysBelow(server);
    const { cells, files, results, sweeps } = await contentsBehind(server, keys);
    const waits = [
      ...(sweeps.length > 0 ? [`${formatCounted(sweeps.length, 'sweep')} ${sweeps.length === 1 ? 'waits' : 'wait'} for its cells`] : []),
      ...(results.untaken > 0 ? [`no sweep has taken ${formatCounted(results.untaken, 'result')}`] : []),
    ];
    if (waits.length > 0 && !force) {
      const instead = sweeps.length > 0 ? 'end what waits' : 'start the sweep again to take them';
      throw new UserError(`--queue ${server.address.shown}: ${waits.join(', and ')}; ${instead}, or say --force`);
    }
    const { redis } = server;
    const { sweeps: attached, workers } = keysOf(server.address.prefix);
    // Presences stay: heartbeats would restore each in seconds.
    const present = (key: string): boolean => [attached, workers].some((set) => key === set || key.startsWith(`${set.slice(0, -1)}:`));
    const gone = keys.filter((key) => !present(key));
    for (const some of batchesOf(gone)) await redis.unlink(...some);
    const left = cells.reduce((sum, { delayed, running, waiting }) => sum + delayed + running + waiting, 0);
    return { cells: left, results: results.count, files: files.count };
  });
}

async function contentsBehind(server: QueueServer, keys: readonly string[]): Promise<QueueContents> {
  const { redis } = server;
  const { prefix } = server.address;
  const { sweep, sweeps, worker, workers } = keysOf(prefix);
  const failures: CellEnd[] = [];
  const cells: BuildCells[] = [];
  for (const { build, protocol } of buildsIn(prefix, keys)) {
    const keys = keysOf(prefix, build, protocol);
    const ends = await endsOf(redis, keys.done);
    const failed = [...ends.values()].filter(({ failure }) => failure !== null);
    failures.push(...failed.reverse());
    cells.push({ protocol, build, ...(await countsOf(server, keys.cells)), done: ends.size - failed.length, failed: failed.length });
  }
  const results = keys.filter((key) => key.startsWith(`${prefix}:result:`));
  const chunks = keys.filter((key) => /:file:[0-9a-f]{64}:\d+$/.test(key));
  const bytesOf = async (some: readonly string[]): Promise<number> => sum(await numbersOf(redis, 'strlen', some));
  const secondsLeft = await numbersOf(redis, 'ttl', results);
  return {
    cells,
    workers: (await presentIn(redis, workers, worker)).present,
    sweeps: (await presentIn(redis, sweeps, sweep)).present,
    failures,
    // Untaken results are kept longer.
    results: { count: results.length, untaken: secondsLeft.filter((left) => left > RESULT_TAKEN_S).length, bytes: await bytesOf(results) },
    files: { count: keys.filter((key) => /:file:[0-9a-f]{64}$/.test(key)).length, bytes: await bytesOf(chunks) },
  };
}

async function keysBelow({ address, redis }: QueueServer): Promise<string[]> {
  const keys = new Set<string>();
  let cursor = '0';
  do {
    const [next, some] = await redis.scan(cursor, 'MATCH', `${address.prefix}:*`, 'COUNT', AT_ONCE);
    for (const key of some) keys.add(key);
    cursor = next;
  } while (cursor !== '0');
  return [...keys];
}

function buildsIn(prefix: string, keys: readonly string[]): Pick<BuildCells, 'build' | 'protocol'>[] {
  const found = new Map<string, Pick<BuildCells, 'build' | 'protocol'>>();
  for (const key of keys) {
    const [, protocol, build] = /^(?:cells|done)-(\d+)-([^:]+)/.exec(key.slice(prefix.length + 1)) ?? [];
    if (protocol !== undefined) found.set(`${protocol}-${build}`, { protocol: Number(protocol), build: build! });
  }
  return [...found].sort(([a], [b]) => (a < b ? -1 : 1)).map(([, cells]) => cells);
}

async function countsOf({ address, bull, redis }: QueueServer, name: string): Promise<Pick<BuildCells, 'delayed' | 'running' | 'waiting'>> {
  const queue = new bull.Queue(name, { connection: redis, prefix: address.prefix, skipMetasUpdate: true });
  queue.on('error', () => undefined);
  const { active = 0, delayed = 0, waiting = 0 } = await queue.getJobCounts('active', 'waiting', 'delayed');
  return { delayed, running: active, waiting };
}

async function endsOf(redis: Redis, stream: string): Promise<Map<string, CellEnd>> {
  const ends = new Map<string, CellEnd>();
  for (let from = '-'; ; ) {
    const entries = await redis.xrange(stream, from, '+', 'COUNT', AT_ONCE);
    for (const [, fields] of entries) {
      const end = doneOf(fields, null);
      if (end === null || end.again === true) continue;
      ends.delete(end.fingerprint);
      ends.set(end.fingerprint, end);
    }
    if (entries.length < AT_ONCE) return ends;
    from = `(${entries.at(-1)![0]}`;
  }
}

async function numbersOf(redis: Redis, command: 'strlen' | 'ttl', keys: readonly string[]): Promise<number[]> {
  const numbers: number[] = [];
  for (const some of batchesOf(keys)) {
    const answers = await answersTo(
      redis,
      some.map((key) => [command, key]),
    );
    numbers.push(...valuesOf(answers).map(Number));
  }
  return numbers;
}

function* batchesOf(keys: readonly string[]): Generator<readonly string[]> {
  for (let from = 0; from < keys.length; from += AT_ONCE) yield keys.slice(from, from + AT_ONCE);
}

const withServerErrors = <T>({ address }: QueueServer, work: () => Promise<T>): Promise<T> =>
  work().catch((error: unknown) => {
    throw orServerError(address, error);
  });
