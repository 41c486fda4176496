// Processes that run one cell after another. A cell that takes its process down takes down no other, and a new process takes the place.
import { type ChildProcess, fork } from 'node:child_process';
import { fileURLToPath } from 'node:url';
import type { Execute, Ran } from '../explore/queue/worker-side.js';

/** What a process is asked to do. */
export type ChildTask = Parameters<Execute>[0];

const CHILD = fileURLToPath(new URL('./queue-child.js', import.meta.url));

/** What a process says last, bytes: enough to hold why it died. */
const LAST_WORDS = 4096;

/** A cell under way. */
interface Running {
  resolve(ran: Ran): void;
  reject(error: Error): void;
}

/** So many processes, each made when it is first needed. */
export class RunChildren {
  readonly #most: number;
  readonly #idle: ChildProcess[] = [];
  readonly #running = new Map<ChildProcess, Running>();
  readonly #waiting: (() => void)[] = [];
  #closed = false;

  constructor(most: number) {
    this.#most = most;
  }

  /** Runs a cell when a process is free. Rejects where the process dies, with what it said. */
  async run(task: ChildTask): Promise<Ran> {
    while (this.#idle.length === 0 && this.#running.size >= this.#most) {
      await new Promise<void>((resolve) => {
        this.#waiting.push(resolve);
      });
    }
    const child = this.#idle.pop() ?? this.#start();
    try {
      return await new Promise<Ran>((resolve, reject) => {
        this.#running.set(child, { resolve, reject });
        child.send(task);
      });
    } finally {
      this.#running.delete(child);
      if (child.connected && !this.#closed) this.#idle.push(child);
      this.#waiting.shift()?.();
    }
  }

  /** Ends all processes. */
  close(): void {
    this.#closed = true;
    for (const child of [...this.#idle, ...this.#running.keys()]) if (child.connected) child.disconnect();
  }

  #start(): ChildProcess {
    const child = fork(CHILD, { serialization: 'advanced', stdio: ['ignore', 'ignore', 'pipe', 'ipc'] });
    let said = '';
    child.stderr!.on('data', (chunk: Buffer) => {
      said = `${said}${chunk.toString()}`.slice(-LAST_WORDS);
    });
    child.on('message', (ran) => this.#running.get(child)?.resolve(ran as Ran));
    const lost = (how: string): void => {
      const at = this.#idle.indexOf(child);
      if (at >= 0) this.#idle.splice(at, 1);
      this.#running.get(child)?.reject(new Error(`its process ${how}${reasonIn(said)}`));
    };
    child.on('error', (error) => lost(`failed: ${error.message}`));
    child.on('close', (code, signal) => lost(signal === null ? `ended with ${String(code)}` : `was ended by ${signal}`));
    return child;
  }
}

/** Why a process died, as Node says it; nothing where it said nothing of it. */
function reasonIn(said: string): string {
  const line = said.split('\n').find((one) => /FATAL ERROR|Error:/.test(one));
  return line === undefined ? '' : `: ${line.replace(/^.*FATAL ERROR: /, '').trim()}`;
}
