// Pages start no programs. Only a user's module would, for its trial before loading.
import type { ProgramEnd, ScriptEnd, ScriptOptions } from '../host/processes.js';
import { notOnPages } from './modules.js';

export const OWN_PROGRAM: string = '';
export function runScript(_script: string, _options: ScriptOptions): ScriptEnd {
  throw notOnPages("a module of one's own");
}
export function outputOf(program: string, _args: readonly string[], _complains = false): string {
  throw notOnPages(program);
}
export const programEnd = (program: string): Promise<ProgramEnd> => Promise.reject(notOnPages(program));
