import { viewedFolder } from './view.js';

/** Environment variables. */
export type Environment = Readonly<Record<string, string | undefined>>;

/** Environment variables of this process. */
export const env: Environment = process.env;
/** Sets an environment variable, for libraries that read it, if nobody has. */
export function setDefaultEnv(name: string, value: string): void {
  process.env[name] ??= value;
}
/** Number of this process. */
export const pid: number = process.pid;
/** The working directory of the files that this process sees. */
export const cwd: () => string = () => viewedFolder() ?? process.cwd();

/** What may come to this process from outside, or from within. */
export type ProcessEvent = 'SIGHUP' | 'SIGINT' | 'SIGTERM' | 'exit' | 'uncaughtException';

/** Hears of an event. @returns what ends that */
export function listen(event: ProcessEvent, hear: (value: unknown) => void): () => void {
  process.on(event, hear);
  return () => process.off(event, hear);
}

/** Ends this process. */
export const exit: (code: number) => never = (code) => process.exit(code);
/** True if a process of this machine runs. */
export function isRunning(other: number): boolean {
  try {
    return process.kill(other, 0);
  } catch (error) {
    return (error as { readonly code?: string }).code !== 'ESRCH';
  }
}
/** From now on a call of `process.exit` throws the error that `refusal` makes of it, if it makes one. */
export function refuseExit(refusal: (call: Error) => Error | null): void {
  const { exit: exitProcess } = process;
  process.exit = (code) => {
    const refused = refusal(new Error(`process.exit(${code ?? ''}) would end all runs`));
    if (refused !== null) throw refused;
    return exitProcess.call(process, code);
  };
}
