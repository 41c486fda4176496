import { viewedFolder } from './view.js';

/** Environment variables by name. */
export type Environment = Readonly<Record<string, string | undefined>>;

/** Environment variables of this process. */
export const env: Environment = process.env;
/** Sets an environment variable if unset. */
export function setDefaultEnv(name: string, value: string): void {
  process.env[name] ??= value;
}
/** Process id. */
export const pid: number = process.pid;
/** Working directory of visible files. */
export const cwd: () => string = () => viewedFolder() ?? process.cwd();

/** Events of this process, external or internal. */
export type ProcessEvent = 'SIGHUP' | 'SIGINT' | 'SIGTERM' | 'exit' | 'uncaughtException';

/** Listens for an event. @returns function that stops listening */
export function listen(event: ProcessEvent, hear: (value: unknown) => void): () => void {
  process.on(event, hear);
  return () => process.off(event, hear);
}

/** Ends this process. */
export const exit: (code: number) => never = (code) => process.exit(code);
/** True if a local process runs. */
export function isRunning(other: number): boolean {
  try {
    return process.kill(other, 0);
  } catch (error) {
    return (error as { readonly code?: string }).code !== 'ESRCH';
  }
}
/** Makes `process.exit` throw the error returned by `refusal`, if any. */
export function refuseExit(refusal: (call: Error) => Error | null): void {
  const { exit: exitProcess } = process;
  process.exit = (code) => {
    const refused = refusal(new Error(`process.exit(${code ?? ''}) would end all runs`));
    if (refused !== null) throw refused;
    return exitProcess.call(process, code);
  };
}
