import childProcess from 'node:child_process';
import path from 'node:path';
import { CODE_FOLDER } from './modules.js';

/** Child process with a module of ours, as seen by its starter. */
export interface OwnProcess {
  /** False if sending is no longer possible. */
  readonly connected: boolean;
  /** Sends a message; undeliverable messages are dropped. */
  send(message: unknown): void;
  disconnect(): void;
  kill(): void;
}

/** Listeners of a child process. */
export interface ProcessEars {
  message(said: unknown): void;
  /** Receives parts of standard error. */
  stderr(text: string): void;
  error(error: Error): void;
  close(code: number | null, signal: string | null): void;
}

/** @param module path in our code, without an ending */
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

/** Connection to the parent process; null without one. */
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
