import { type OwnProcess, startProcess } from '../../base/host/children.js';
import { afterThis } from '../../base/host/clock.js';
import type { TrustedModule } from '../queue/module-index.js';
import type { CellTask, Ran } from '../queue/worker-side.js';

/** Messages to a process: permitted modules first, then cells, or a request to return unbegun cells. */
export type ToChild =
  | { readonly trusted: readonly TrustedModule[] }
  | { readonly tasks: readonly (readonly [id: number, task: CellTask])[] }
  | { readonly giveBack: true };

/** Messages of a process: outcomes with processor time in ms, and returned cells. */
export interface FromChild {
  readonly ran: readonly (readonly [id: number, ran: Ran, ms: number])[];
  readonly returned: readonly number[];
}

/** Bytes kept of a process's last output; ours. */
const LAST_WORDS = 4096;

/** A process that runs cells, seen from the parent. */
export class RunChild {
  readonly #process: OwnProcess;
  readonly #outbox: [number, CellTask][] = [];
  #said = '';
  #lost = false;

  /** @param trusted permitted modules @param lost called once at the end, with a reason */
  constructor(trusted: readonly TrustedModule[], hear: (said: FromChild) => void, lost: (how: string) => void) {
    const end = (how: string): void => {
      if (!this.#lost) lost(`${how}${reasonIn(this.#said)}`);
      this.#lost = true;
    };
    this.#process = startProcess('study/workers/queue-child', {
      message: (message) => hear(message as FromChild),
      stderr: (text) => {
        this.#said = `${this.#said}${text}`.slice(-LAST_WORDS);
      },
      error: (error) => end(`failed: ${error.message}`),
      close: (code, signal) => end(signal === null ? `ended with ${String(code)}` : `was ended by ${signal}`),
    });
    this.#send({ trusted });
  }

  /** Queues a cell. Cells of one turn share a message. */
  give(id: number, task: CellTask): void {
    this.#outbox.push([id, task]);
    if (this.#outbox.length > 1) return;
    afterThis(() => this.#send({ tasks: this.#outbox.splice(0) }));
  }

  askBack(): void {
    this.#send({ giveBack: true });
  }

  /** Ends the process when idle. */
  end(): void {
    if (this.#process.connected) this.#process.disconnect();
  }

  kill(): void {
    this.#process.kill();
  }

  #send(message: ToChild): void {
    if (this.#process.connected) this.#process.send(message);
  }
}

function reasonIn(text: string): string {
  const line = text.split('\n').find((candidate) => /FATAL ERROR|Error:/.test(candidate));
  return line === undefined ? '' : `: ${line.replace(/^.*FATAL ERROR: /, '').trim()}`;
}
