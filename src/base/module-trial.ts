// Modules of the user's own that end their process. Each is loaded in a process of its own first, so that one that exits, aborts or runs out of
// memory there takes no sweep with it; and process.exit in its code later is an error of that code.

import { codeOf } from './errors.js';
import { pathToFileURL } from './host/paths.js';
import { refuseExit } from './host/process.js';
import { runScript } from './host/processes.js';
import { inherited, passOn } from './host/threads.js';
import { placeOfThrow } from './thrown.js';

/** Exit code of a trial in which the import came to its end, well or with an error, which the caller then sees itself. */
const LOADED = 97;
/** Most time of a trial, ms. */
const PATIENCE_MS = 60_000;
/** Heap of a trial, MiB: what runs out of memory does so before the machine is out of it. */
const HEAP_MIB = 2048;

/** Name of the outcomes among what threads inherit, so that a thread does not try again what its parent has. */
const TRIED = 'moeprof: tried modules';

/** Outcomes by path and text. */
type Outcomes = Map<string, string | null>;

/**
 * Loads a module in a process of its own, the first time that it is asked for.
 * @param sha256 of its text
 * @returns why it cannot be loaded here, e.g. `it ends its process (exit(7))`; null: it can, or throws
 */
export function loadFailure(path: string, sha256: string): string | null {
  const module = `${path} ${sha256}`;
  const tried = (inherited(TRIED) as Outcomes | undefined) ?? new Map();
  if (!tried.has(module)) passOn(TRIED, tried.set(module, outcomeOf(path)));
  return tried.get(module)!;
}

function outcomeOf(path: string): string | null {
  const script = `const { exit } = process; const end = () => exit.call(process, ${LOADED}); import(${JSON.stringify(pathToFileURL(path).href)}).then(end, end);`;
  const { error, signal, status } = runScript(script, { timeout: PATIENCE_MS, killSignal: 'SIGKILL', heapMib: HEAP_MIB });
  if (codeOf(error) === 'ETIMEDOUT') return `it is still loading after ${PATIENCE_MS / 1000} s`;
  // Where no process can be started, nothing is known.
  if (error !== undefined || status === LOADED) return null;
  return `it ends its process (${signal ?? `process.exit(${status})`})`;
}

let guarded = false;

/** From now on process.exit throws where a module of the user's own calls it. */
export function forbidExit(): void {
  if (guarded) return;
  guarded = true;
  refuseExit((call) => (placeOfThrow(call) === null ? null : call));
}
