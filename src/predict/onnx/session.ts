import { UserError } from '../../base/errors.js';
import { placeOnDisk } from '../../base/host/files.js';
import { basename } from '../../base/host/paths.js';
import { connection, receiveMessage, startScript, type Thread, type ThreadPort } from '../../base/host/threads.js';
import { withInput } from '../../base/input-file.js';
import type { TensorSignature } from './contract.js';

import { runtimePath, SESSION_OPTIONS, unusable } from './runtime.js';
import { type Binding, type Opened, serve, type WorkerOptions } from './session-worker.js';

/** Longest wait for an answer, ms. Ours. */
const PATIENCE = 120_000;

/** State of the control word (0: idle), repeated in session-worker.ts: a question waits. */
const ASKED = 1;
/** State of the control word: the question failed. */
const FAILED = 2;

/** A synchronous model: a worker runs the session, as the fold over events cannot await. */
export class SyncSession {
  readonly inputs: readonly TensorSignature[];
  readonly outputs: readonly TensorSignature[];
  readonly #path: string;
  readonly #worker: Thread;
  readonly #port: ThreadPort;
  readonly #control: Int32Array;

  private constructor(path: string, worker: Thread, port: ThreadPort, control: Int32Array, opened: Opened) {
    this.#path = path;
    this.#worker = worker;
    this.#port = port;
    this.#control = control;
    this.inputs = opened.inputs;
    this.outputs = opened.outputs;
  }

  /** @throws UserError for an unreadable file, a file without a model, or a missing runtime */
  static async open(path: string): Promise<SyncSession> {
    withInput(path, 'predictor', () => undefined);
    const control = new Int32Array(new SharedArrayBuffer(12));
    const { port1, port2 } = connection();
    const given: WorkerOptions = { runtime: runtimePath(), model: placeOnDisk(path), options: SESSION_OPTIONS, control, port: port2 };
    const worker = startScript(serve, given, [port2]);
    const opened = await new Promise<Opened>((resolve, reject) => {
      port1.once('message', (message: Opened | string) => {
        if (typeof message === 'string') reject(refused(path, message));
        else resolve(message);
      });
      // The worker throws, instead of sending, only when the runtime does not load.
      worker.once('error', (error) => reject(unusable(error)));
    }).catch(async (error: unknown) => {
      port1.close();
      await worker.terminate();
      throw error;
    });
    // An open session must not keep the process alive.
    worker.unref();
    port1.unref();
    return new SyncSession(path, worker, port1, control, opened);
  }

  /** Sets the shared tensors of coming calls. */
  bind(binding: Binding): void {
    this.#port.postMessage(binding);
  }

  /** Runs the first `rows` rows of `steps` steps and waits. @throws UserError if the model fails or takes minutes */
  run(rows: number, steps = 1): void {
    const control = this.#control;
    control[1] = rows;
    control[2] = steps;
    Atomics.store(control, 0, ASKED);
    Atomics.notify(control, 0);
    // The last call's notification may wake this call early.
    while (Atomics.load(control, 0) === ASKED) {
      if (Atomics.wait(control, 0, ASKED, PATIENCE) === 'timed-out')
        throw new UserError(`${this.#path}: the model gives no answer for ${PATIENCE / 1000} s; take a smaller one`);
    }
    if (Atomics.load(control, 0) !== FAILED) return;
    const message = receiveMessage(this.#port)?.message as string;
    throw new UserError(`${this.#path}: the model fails when it runs: ${oneLine(message)}`);
  }

  close(): void {
    this.#port.close();
    void this.#worker.terminate();
  }
}

const refused = (path: string, message: string): UserError =>
  new UserError(`${path}: is not a model that onnxruntime can load: ${oneLine(message).replaceAll(path, basename(path))}`);

const oneLine = (message: string): string =>
  message
    .replace(/\s+/g, ' ')
    .replace(/^Error: /, '')
    .trim()
    .slice(0, 300);
