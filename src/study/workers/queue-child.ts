// Process side of `run-child.ts`. The parent handles signals; its end ends the process.
import { messageOf, orUserError, UserError } from '../../base/errors.js';
import { parentProcess } from '../../base/host/children.js';
import { nextTurn } from '../../base/host/clock.js';
import { processorMs } from '../../base/host/command.js';
import { importOnly } from '../../base/host/modules.js';
import { exit, listen } from '../../base/host/process.js';
import { missedFiles, seeAs } from '../../base/host/view.js';
import { breathing } from '../../base/work-watch.js';
import { simulateRun } from '../../engine/simulate.js';
import type { Outcome } from '../../figure/door.js';
import { fingerprintOf, ownModulesOf } from '../fingerprint.js';
import { provenRun } from '../queue/claims.js';
import { ModuleIndex } from '../queue/module-index.js';
import { packedEntry } from '../queue/sent-result.js';
import type { CellTask, Ran } from '../queue/worker-side.js';
import { entryText } from '../store.js';
import type { FromChild, ToChild } from './run-child.js';

/** Longest delay of an outcome to share a message, ms; ours. */
const WAIT = 250;

let modules = new ModuleIndex([]);
importOnly([]);

const parent = parentProcess;
if (parent === null) throw new Error('queue-child.js runs as a child process only');

const tasks: (readonly [number, CellTask])[] = [];
/** Packed on sending: packing between runs would take twice as long. */
const outcomes: (readonly [number, () => Ran, number])[] = [];
let busy = false;
let waiting: ReturnType<typeof setTimeout> | null = null;

for (const signal of ['SIGINT', 'SIGTERM', 'SIGHUP'] as const) listen(signal, () => undefined);
parent.onDisconnect(() => exit(0));
parent.onMessage((message: ToChild) => {
  if ('trusted' in message) {
    modules = new ModuleIndex(message.trusted);
    importOnly(message.trusted.map(([, path]) => path));
    return;
  }
  if ('giveBack' in message) {
    const returned = tasks.splice(0).map(([id]) => id);
    if (returned.length > 0) send(returned);
    return;
  }
  tasks.push(...message.tasks);
  if (!busy) void work();
});

async function work(): Promise<void> {
  busy = true;
  for (let next = tasks.shift(); next !== undefined; next = tasks.shift()) {
    const [id, task] = next;
    const begunMs = processorMs();
    const ran = await ranOf(task);
    outcomes.push([id, ran, processorMs() - begunMs]);
    // Leaves enough cells while the parent handles a message.
    if (outcomes.length >= tasks.length) send();
    else waiting ??= setTimeout(() => send(), WAIT);
    await nextTurn();
  }
  busy = false;
}

function send(returned: readonly number[] = []): void {
  if (waiting !== null) clearTimeout(waiting);
  waiting = null;
  const ran = outcomes.splice(0).map(([id, pack, ms]) => [id, pack(), ms] as const);
  parent!.send({ ran, returned } satisfies FromChild);
}

/** Runs a cell that matches its name. @returns a function that packs the end */
async function ranOf(task: CellTask): Promise<() => Ran> {
  const { files, fingerprint, view } = task;
  seeAs(null);
  const run = provenRun(fingerprint, task);
  if (run === null) return () => ({ kind: 'differs' });
  let beforeMs = processorMs();
  let outcome: Outcome;
  try {
    const claimed = new Map(task.modules.map(({ path, sha256 }) => [path, sha256]));
    const places = ownModulesOf(run).map((path) => [path, modules.find(path, claimed.get(path))] as const);
    seeAs({ ...view, lies: new Map([...view.lies, ...places]) });
    // Files matched on arrival, but a cache can have changed since.
    if (files.length > 0 && fingerprintOf(run) !== fingerprint) return () => ({ kind: 'differs' });
  } catch (error) {
    return failed(messageOf(error));
  }
  try {
    beforeMs = processorMs();
    outcome = { status: 'done', result: await simulateRun(run, { breathe: breathing() }) };
  } catch (error) {
    if (!(error instanceof UserError)) return failed(messageOf(error));
    // A missing file may exist on the sweep's machine, so the run is not refused.
    const absent = files.filter(({ names, sha256 }) => sha256 === null && names === undefined).map(({ path }) => path);
    const missed = missedFiles().find((path) => !absent.includes(path));
    if (missed !== undefined) return failed(`${missed}: is not on this worker; only files that a run itself names come with it`);
    outcome = { status: 'refused', reason: error.message };
  }
  const cpuMs = processorMs() - beforeMs;
  return () => {
    const entry = orUserError(() => packedEntry(entryText(fingerprint, outcome)));
    return entry instanceof UserError ? { kind: 'failed', reason: entry.message } : { kind: 'entry', entry, cpuMs };
  };
}

const failed =
  (reason: string): (() => Ran) =>
  () => ({ kind: 'failed', reason });
