import { type OwnProcess, startProcess } from '../../base/host/children.js';
import { afterThis } from '../../base/host/clock.js';
import type { TrustedModule } from '../queue/module-index.js';
import type { CellTask, Ran } from '../queue/worker-side.js';

/** Messages to a process: the modules that it may run, first; cells to run one after another; a request to give back those not begun. */
export type ToChild =
  | { readonly trusted: readonly TrustedModule[] }
  | { readonly tasks: readonly (readonly [id: number, task: CellTask])[] }
  | { readonly giveBack: true };

/** Messages of a child: outcomes of cells and the processor time of each, ms; and cells that it gives back. */
export interface FromChild {
  readonly ran: readonly (readonly [id: number, ran: Ran, ms: number])[];
  readonly returned: readonly number[];
}

/** Bytes kept of a process's last output: enough to hold why it died. */
const LAST_WORDS = 4096;

/** One process that runs cells, as its parent sees it. Cells go there and come back several in one message. */
export class RunChild {
  readonly #process: OwnProcess;
  readonly #outbox: [number, CellTask][] = [];
  #said = '';
  #lost = false;

  /** Starts it. @param trusted modules that it may run @param hear takes its messages @param lost is called once, when it has ended, with a reason */
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

  /** Gives it a cell to run after its others. Cells of one turn share a message. */
  give(id: number, task: CellTask): void {
    this.#outbox.push([id, task]);
    if (this.#outbox.length > 1) return;
    afterThis(() => this.#send({ tasks: this.#outbox.splice(0) }));
  }

  /** Requests back the cells that it has not begun. */
  askBack(): void {
    this.#send({ giveBack: true });
  }

  /** Lets it end when it has nothing to do. */
  end(): void {
    if (this.#process.connected) this.#process.disconnect();
  }

  kill(): void {
    this.#process.kill();
  }

  /** Sends a message. If the process has ended already, `lost` is called soon. */
  #send(message: ToChild): void {
    if (this.#process.connected) this.#process.send(message);
  }
}

/** The reason of a process's death in Node's output; empty if there is none. */
function reasonIn(text: string): string {
  const line = text.split('\n').find((candidate) => /FATAL ERROR|Error:/.test(candidate));
  return line === undefined ? '' : `: ${line.replace(/^.*FATAL ERROR: /, '').trim()}`;
}
