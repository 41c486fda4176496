import { codeOf, messageOf, UserError } from './errors.js';
import { nextTurn } from './host/clock.js';
import { parentPort, startThread, type Thread, type ThreadModule, workerData } from './host/threads.js';

/** Message of a thread: a note, an answer or an error. */
type Reply<Answer, Note> =
  | { readonly kind: 'note'; readonly note: Note }
  | { readonly kind: 'answer'; readonly answer: Answer }
  | { readonly kind: 'thrown'; readonly error: SentError };

interface Asked<Answer, Note> {
  readonly name: string;
  readonly note?: (note: Note) => void;
  resolve(answer: Answer): void;
  reject(error: Error): void;
}

/** Thread that answers tasks in sequence. Its module calls {@link serveTasks}. */
export class TaskThread<Task, Answer, Note = never> {
  readonly #worker: Thread;
  readonly #asked: Asked<Answer, Note>[] = [];
  #lost: Error | null = null;

  /** @param data for the thread's start */
  constructor(module: ThreadModule, data?: unknown) {
    this.#worker = startThread(module, data, true);
    this.#worker.on('message', (reply: Reply<Answer, Note>) => {
      if (reply.kind === 'note') this.#asked[0]?.note?.(reply.note);
      else if (reply.kind === 'answer') this.#asked.shift()?.resolve(reply.answer);
      else this.#asked.shift()?.reject(receivedError(reply.error));
    });
    // Deferred until earlier messages are received.
    this.#worker.on('error', (error: Error) => this.#lose(error));
    this.#worker.on('exit', () => this.#lose(new Error('a thread ended before its work was done')));
  }

  /** True if the thread has ended by itself. */
  get lost(): boolean {
    return this.#lost !== null;
  }

  /** Several tasks may wait. @param name in errors @throws the task's error */
  ask(task: Task, name: string, note?: (note: Note) => void): Promise<Answer> {
    return new Promise((resolve, reject) => {
      if (this.#lost !== null) {
        reject(named(this.#lost, name));
        return;
      }
      this.#asked.push({ name, note, resolve, reject });
      this.#worker.postMessage(task);
    });
  }

  /** Ends the thread; its tasks stay unanswered. */
  async end(): Promise<void> {
    this.#asked.length = 0;
    await this.#worker.terminate();
  }

  #lose(error: Error): void {
    this.#lost ??= error;
    for (const { name, reject } of this.#asked.splice(0)) reject(named(error, name));
  }
}

/** Error with the lost task. */
function named(error: Error, name: string): Error {
  const code = /\bE[MN]FILE\b/.exec(error.message)?.[0] ?? codeOf(error) ?? undefined;
  return Object.assign(new Error(`${error.message} (${name})`), { stack: error.stack, code });
}

/** Outcome of a task. */
export type TaskEnd<Answer> = { readonly answer: Answer } | { readonly error: Error };

interface PoolOf<Task, Answer, Note> {
  readonly module: ThreadModule;
  readonly data?: unknown;
  readonly threads: number;
  nameOf(task: Task): string;
  note?(task: Task, note: Note): void;
  /** Receives each outcome, in order of completion. An exception ends the pool. */
  settle(task: Task, end: TaskEnd<Answer>): void;
  /** Ends the pool; running tasks are not settled. */
  readonly signal?: AbortSignal;
}

/** Gives tasks to free threads, then ends the threads. @param tasks null: a turn for signals @throws a task's error */
export async function runInPool<Task, Answer, Note>(tasks: Iterable<Task | null>, pool: PoolOf<Task, Answer, Note>): Promise<void> {
  const { data, module, nameOf, note, settle, signal, threads } = pool;
  const left = tasks[Symbol.iterator]();
  const stopped = (): boolean => signal?.aborted === true;
  const open = new Set<TaskThread<Task, Answer, Note>>();
  const work = async (): Promise<void> => {
    let thread: TaskThread<Task, Answer, Note> | null = null;
    while (!stopped()) {
      const next = left.next();
      if (next.done === true) return;
      const task = next.value;
      if (task === null) {
        await nextTurn();
        continue;
      }
      if (thread === null || thread.lost) open.add((thread = new TaskThread<Task, Answer, Note>(module, data)));
      const end = await thread
        .ask(task, nameOf(task), (message) => note?.(task, message))
        .then(
          (answer) => ({ answer }),
          (error: Error) => ({ error }),
        );
      if (!stopped()) settle(task, end);
    }
  };
  try {
    const aborted = new Promise<void>((resolve) => signal?.addEventListener('abort', () => resolve(), { once: true }));
    await Promise.race([aborted, Promise.all(Array.from({ length: threads }, work))]);
  } finally {
    await Promise.all([...open].map((thread) => thread.end()));
  }
}

/** @param start makes the task handler from the thread's data @throws Error outside a thread */
export function serveTasks<Data, Task, Answer, Note = never>(
  start: (data: Data) => (task: Task, note: (note: Note) => void) => Answer | Promise<Answer>,
): void {
  const port = parentPort;
  if (port === null) throw new Error('this module runs in a worker thread only');
  const say = (reply: Reply<Answer, Note>): void => port.postMessage(reply);
  const answer = start(workerData as Data);
  let last: Promise<void> = Promise.resolve();
  port.on('message', (task: Task) => {
    last = last
      .then(async () => say({ kind: 'answer', answer: await answer(task, (note) => say({ kind: 'note', note })) }))
      .catch((error: unknown) => say({ kind: 'thrown', error: sentError(error) }));
  });
}

/** Thrown value in a message. */
export interface SentError {
  readonly message: string;
  readonly stack: string;
  /** Exit code of a {@link UserError}, else null. */
  readonly exitCode: number | null;
}

/** Message form of a thrown value. */
export function sentError(error: unknown): SentError {
  const stack = error instanceof Error ? (error.stack ?? '') : '';
  return { message: messageOf(error), stack, exitCode: error instanceof UserError ? error.exitCode : null };
}

/** Error from a message: a UserError if sent as such. */
export const receivedError = ({ exitCode, message, stack }: SentError): Error =>
  exitCode === null ? Object.assign(new Error(message), { stack }) : new UserError(message, exitCode);
