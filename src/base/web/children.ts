// Pages start no processes.
import type { OwnProcess } from '../host/children.js';
import { notOnPages } from './modules.js';

export function startProcess(module: string): OwnProcess {
  throw notOnPages(module);
}
export const parentProcess = null;
