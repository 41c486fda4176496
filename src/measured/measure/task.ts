// The task of a measuring thread, and its loop: it works for a given time, together with other threads, and reports how much it did.
import { fileText, readSync } from '../../base/host/files.js';
import { platform } from '../../base/host/machine.js';
import { Random } from '../../base/random.js';
import { kernelsOn } from './wasm.js';

/** One measurement of one thread. */
export type Task =
  | { readonly kind: 'sum' | 'triad' /** Of all arrays together. */; readonly bytes: number }
  | {
      readonly kind: 'read';
      readonly fd: number /** Of one read. */;
      readonly bytes: number;
      readonly fileBytes: number;
      readonly seed: number;
    };

/** Work of a thread, and the bytes of one round of it. */
interface Work {
  round(): void;
  readonly bytes: number;
}

/** Prepares the work: its memory is touched, so that nothing but the work is timed. */
export function workOf(task: Task): Work {
  switch (task.kind) {
    case 'sum': {
      const { kernels } = touched(task.bytes);
      const bytes = task.bytes - (task.bytes % 64);
      return { bytes, round: () => void kernels.sum(0, bytes) };
    }
    case 'triad': {
      const { kernels } = touched(task.bytes);
      const each = Math.floor(task.bytes / 3 / 64) * 64;
      // STREAM counts two reads and a write; that a line is read before it is written it does not count.
      return { bytes: 3 * each, round: () => void kernels.triad(0, each, 2 * each, each) };
    }
    case 'read':
      return reading(task);
  }
}

function touched(bytes: number): ReturnType<typeof kernelsOn> {
  const made = kernelsOn(bytes);
  new Uint8Array(made.memory.buffer).fill(1);
  return made;
}

/** Reads at places that are drawn, each a whole number of reads from the start, as experts lie in a file. */
function reading({ bytes, fd, fileBytes, seed }: Extract<Task, { kind: 'read' }>): Work {
  // Memory of WebAssembly begins on a page, as O_DIRECT requires.
  const buffer = new Uint8Array(kernelsOn(bytes).memory.buffer, 0, bytes);
  const places = Math.floor(fileBytes / bytes);
  const random = new Random(seed, 'measure/reads');
  return { bytes, round: () => void readSync(fd, buffer, 0, bytes, random.below(places) * bytes) };
}

/** Times between which threads work, ms of the clock that they share. */
export interface Span {
  readonly begin: number;
  readonly end: number;
}

/** Work of a thread: bytes from `begin` to `end` in ms of the clock that threads share. */
export interface ThreadWork extends Span {
  readonly bytes: number;
  /** ms for which it was ready to run, and another program had the processor; null: unknown. */
  readonly waited: number | null;
}

/** Works from one time to another; at least one round. */
export function workBetween(work: Work, { begin, end }: Span): ThreadWork {
  const now = (): number => performance.timeOrigin + performance.now();
  // The kernel is compiled, and the caches are as in the middle of the work.
  work.round();
  while (now() < begin);
  const before = waitedMs();
  const from = now();
  let rounds = 0;
  do {
    work.round();
    rounds++;
  } while (now() < end);
  const to = now();
  const after = waitedMs();
  return { bytes: rounds * work.bytes, begin: from, end: to, waited: before === null || after === null ? null : after - before };
}

/** ms for which this thread has waited for a processor since it began. https://docs.kernel.org/scheduler/sched-stats.html */
function waitedMs(): number | null {
  if (platform !== 'linux') return null;
  try {
    const [, waited] = fileText('/proc/thread-self/schedstat').split(' ');
    return Number(waited) / 1e6;
  } catch {
    return null;
  }
}
