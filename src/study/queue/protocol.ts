import type { Redis } from 'ioredis';
import { z } from 'zod';
import { buildOf } from '../build.js';

/** Version of the protocol; changes in `sent-cell.ts` or `sent-result.ts` also raise the version. */
export const PROTOCOL = 3;

/** Tries of a cell whose process dies, or whose files are missing; ours. */
export const TRIES = 3;

/** Seconds that a result waits for a sweep. Ours: a sweep interrupted on Friday can resume. */
export const RESULT_KEPT_S = 7 * 86_400;
/** Seconds that a taken result stays for further sweeps; ours. */
export const RESULT_TAKEN_S = 600;
/** Entries in the stream of finished cells; an absent sweep finds older results by name. Ours. */
export const DONE_KEPT = 100_000;

/** Keys of a queue below a prefix. */
export function keysOf(prefix: string, build: string = buildOf(), protocol: number = PROTOCOL) {
  return {
    prefix,
    /** Queue of cells, by protocol and build. */
    cells: `cells-${protocol}-${build}`,
    done: `${prefix}:done-${protocol}-${build}`,
    /** Sets of ids; an id without its own key is gone. */
    workers: `${prefix}:workers`,
    sweeps: `${prefix}:sweeps`,
    /** SHA-256 of files requested by workers. */
    wanted: `${prefix}:wanted`,
    /** Sealed note that shuts a worker out. */
    shut: (worker: string) => `${prefix}:shut:${worker}`,
    worker: (id: string) => `${prefix}:worker:${id}`,
    sweep: (id: string) => `${prefix}:sweep:${id}`,
    result: (fingerprint: string) => `${prefix}:result:${fingerprint}`,
    file: (sha256: string) => `${prefix}:file:${sha256}`,
    chunk: (sha256: string, index: number) => `${prefix}:file:${sha256}:${index}`,
  } as const;
}

/** Keys made by {@link keysOf}. */
export type QueueKeys = ReturnType<typeof keysOf>;

/** Worker names, used on screens and in keys. */
export const WORKER_NAME = /^[\w.@-]{1,100}$/;

const presence = z.object({
  name: z.string().regex(/^(sweep )?[\w.@-]{1,100}$/),
  build: z.string().regex(/^[\w.+-]{1,100}$/),
  protocol: z.int().nonnegative(),
  /** Current cells of a worker; 0 for a sweep. */
  running: z.int().nonnegative(),
});

/** Presence of a worker or a sweep. */
export type Presence = Readonly<z.infer<typeof presence>>;

/** Text of a presence. */
export const presenceText = (name: string, running: number): string =>
  JSON.stringify({ name, build: buildOf(), protocol: PROTOCOL, running } satisfies Presence);

/** Presences in texts; unreadable texts are skipped. */
export const presencesIn = (texts: readonly (string | null)[]): Presence[] => texts.flatMap((text) => parsed(presence, text) ?? []);

/** Presences of a set of ids; `gone`: ids without a key. */
export async function presentIn(
  redis: Redis,
  set: string,
  keyOf: (id: string) => string,
): Promise<{ readonly present: Presence[]; readonly gone: string[] }> {
  const ids = await redis.smembers(set);
  const texts = ids.length === 0 ? [] : await redis.mget(ids.map(keyOf));
  return { present: presencesIn(texts), gone: ids.filter((_, at) => texts[at] === null) };
}

/** Parses JSON of a shape; null: no match. */
export function parsed<T>(shape: z.ZodType<T>, text: string | null): T | null {
  try {
    const { data, success } = shape.safeParse(JSON.parse(text ?? ''));
    return success ? data : null;
  } catch {
    return null;
  }
}

/** True for cells of the same build and protocol. */
export const isAlike = ({ build, protocol }: Pick<Presence, 'build' | 'protocol'>): boolean => build === buildOf() && protocol === PROTOCOL;
