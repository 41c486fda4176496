import childProcess from 'node:child_process';
import path from 'node:path';
import { CODE_FOLDER } from './modules.js';

/** A process of ours, as the one that has started it sees it. */
export interface OwnProcess {
  /** False if nothing more can be sent. */
  readonly connected: boolean;
  /** Sends a message; one that cannot arrive is dropped. */
  send(message: unknown): void;
  disconnect(): void;
  kill(): void;
}

/** What is heard of a process. */
export interface ProcessEars {
  message(said: unknown): void;
  /** A part of what it writes to standard error. */
  stderr(text: string): void;
  error(error: Error): void;
  close(code: number | null, signal: string | null): void;
}

/** Starts a process that runs a module of ours; its environment is a copy. @param module its path in our code, without an ending */
export function startProcess(module: 'study/workers/queue-child' | 'record/engine-child', ears: ProcessEars): OwnProcess {
  const child = childProcess.fork(path.join(CODE_FOLDER, `${module}.js`), {
    serialization: 'advanced',
    stdio: ['ignore', 'ignore', 'pipe', 'ipc'],
  });
  child.stderr!.on('data', (chunk: { toString(): string }) => ears.stderr(chunk.toString()));
  child.on('message', (message) => ears.message(message));
  child.on('error', (error) => ears.error(error));
  child.on('close', (code, signal) => ears.close(code, signal));
  return {
    get connected() {
      return child.connected;
    },
    send: (message) => void child.send(message as childProcess.Serializable, () => undefined),
    disconnect: () => child.disconnect(),
    kill: () => void child.kill('SIGKILL'),
  };
}

/** The connection to the process that has started this one; null: nothing has. */
export const parentProcess: {
  send(message: unknown): void;
  onMessage(hear: (message: never) => void): void;
  onDisconnect(hear: () => void): void;
} | null =
  process.send === undefined
    ? null
    : {
        send: (message) => void process.send!(message),
        onMessage: (hear) => void process.on('message', hear as (message: unknown) => void),
        onDisconnect: (hear) => void process.on('disconnect', hear),
      };
