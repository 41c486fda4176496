// The protocol of sweeps and workers. Any change here or in `sent-cell.ts`, `sent-result.ts` raises PROTOCOL, so versions never mix.
import type { Redis } from 'ioredis';
import { z } from 'zod';
import { buildOf } from '../build.js';

/** Version of the protocol. */
export const PROTOCOL = 3;

/** Tries of a cell whose process dies, or whose worker cannot take its files: one, and two more. */
export const TRIES = 3;

/** Seconds that a result waits for a sweep to take it: a week, so that a sweep that was interrupted on Friday finds it. */
export const RESULT_KEPT_S = 7 * 86_400;
/** Seconds that a result stays after a sweep took it, for others that wait for it. */
export const RESULT_TAKEN_S = 600;
/** Entries of the list of finished cells; a sweep that was away for longer looks for its results by name. */
export const DONE_KEPT = 100_000;

/** The keys of a queue below a prefix. */
export function keysOf(prefix: string, build: string = buildOf(), protocol: number = PROTOCOL) {
  return {
    prefix,
    /** Name of the queue of cells. Cells of another protocol or build lie in another one, which this process never reads. */
    cells: `cells-${protocol}-${build}`,
    done: `${prefix}:done-${protocol}-${build}`,
    /** Sets of ids; an id without a key of its own is gone. */
    workers: `${prefix}:workers`,
    sweeps: `${prefix}:sweeps`,
    /** Set of the files that workers wait for, by SHA-256. */
    wanted: `${prefix}:wanted`,
    /** The note that shuts a worker out, sealed by a sweep. */
    shut: (worker: string) => `${prefix}:shut:${worker}`,
    worker: (id: string) => `${prefix}:worker:${id}`,
    sweep: (id: string) => `${prefix}:sweep:${id}`,
    result: (fingerprint: string) => `${prefix}:result:${fingerprint}`,
    file: (sha256: string) => `${prefix}:file:${sha256}`,
    chunk: (sha256: string, index: number) => `${prefix}:file:${sha256}:${index}`,
  } as const;
}

/** What {@link keysOf} gives. */
export type QueueKeys = ReturnType<typeof keysOf>;

/** Names of workers: they stand on screens, and in keys. */
export const WORKER_NAME = /^[\w.@-]{1,100}$/;

const presence = z.object({
  name: z.string().regex(/^(sweep )?[\w.@-]{1,100}$/),
  build: z.string().regex(/^[\w.+-]{1,100}$/),
  protocol: z.int().nonnegative(),
  /** Cells that a worker has at the moment; 0 for a sweep. */
  running: z.int().nonnegative(),
});

/** The presence of a worker or a sweep. */
export type Presence = Readonly<z.infer<typeof presence>>;

/** The text of a presence. */
export const presenceText = (name: string, running: number): string =>
  JSON.stringify({ name, build: buildOf(), protocol: PROTOCOL, running } satisfies Presence);

/** The readable presences; others come from versions unknown to this one. */
export const presencesIn = (texts: readonly (string | null)[]): Presence[] => texts.flatMap((text) => parsed(presence, text) ?? []);

/** Who is there, of a set of ids; `gone`: ids without a key of their own. */
export async function presentIn(
  redis: Redis,
  set: string,
  keyOf: (id: string) => string,
): Promise<{ readonly present: Presence[]; readonly gone: string[] }> {
  const ids = await redis.smembers(set);
  const texts = ids.length === 0 ? [] : await redis.mget(ids.map(keyOf));
  return { present: presencesIn(texts), gone: ids.filter((_, at) => texts[at] === null) };
}

/** The value of a JSON text of this shape; null: it is none. */
export function parsed<T>(shape: z.ZodType<T>, text: string | null): T | null {
  try {
    const { data, success } = shape.safeParse(JSON.parse(text ?? ''));
    return success ? data : null;
  } catch {
    return null;
  }
}

/** True if the process runs, or waits for, the same cells as this one. */
export const isAlike = ({ build, protocol }: Pick<Presence, 'build' | 'protocol'>): boolean => build === buildOf() && protocol === PROTOCOL;
