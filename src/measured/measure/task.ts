import { fileText, readSync } from '../../base/host/files.js';
import { platform } from '../../base/host/machine.js';
import { Random } from '../../base/random.js';
import { kernelsOn } from './wasm.js';

/** A measurement of a thread. */
export type Task =
  | { readonly kind: 'sum' | 'triad' /** `bytes`: of all arrays. */; readonly bytes: number }
  | {
      readonly kind: 'read';
      readonly fd: number /** `bytes`: of one read. */;
      readonly bytes: number;
      readonly fileBytes: number;
      readonly seed: number;
    };

interface Work {
  round(): void;
  readonly bytes: number;
}

/** Prepares a task's work; memory is touched before timing. */
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
      // STREAM does not count the read before the write.
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

/** Reads at random multiples of the size, as experts lie in a file. */
function reading({ bytes, fd, fileBytes, seed }: Extract<Task, { kind: 'read' }>): Work {
  // WebAssembly memory begins on a page, as O_DIRECT requires.
  const buffer = new Uint8Array(kernelsOn(bytes).memory.buffer, 0, bytes);
  const places = Math.floor(fileBytes / bytes);
  const random = new Random(seed, 'measure/reads');
  return { bytes, round: () => void readSync(fd, buffer, 0, bytes, random.below(places) * bytes) };
}

/** Working time, ms of a common clock. */
export interface Span {
  readonly begin: number;
  readonly end: number;
}

/** Work of a thread from `begin` to `end`. */
export interface ThreadWork extends Span {
  readonly bytes: number;
  /** Milliseconds ready without a processor; null: unknown. */
  readonly waited: number | null;
}

/** Works for a span, at least one round. */
export function workBetween(work: Work, { begin, end }: Span): ThreadWork {
  const now = (): number => performance.timeOrigin + performance.now();
  // Compiles the kernel and warms the caches.
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

/** Milliseconds without a processor. https://docs.kernel.org/scheduler/sched-stats.html */
function waitedMs(): number | null {
  if (platform !== 'linux') return null;
  try {
    const [, waited] = fileText('/proc/thread-self/schedstat').split(' ');
    return Number(waited) / 1e6;
  } catch {
    return null;
  }
}
