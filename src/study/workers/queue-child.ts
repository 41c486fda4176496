// The process side of `run-child.ts`: runs one cell after another and sends back what the store will hold. It leaves signals to its
// parent, which knows what is under way, and ends when that is gone.

import { messageOf, orUserError, UserError } from '../../base/errors.js';
import { parentProcess } from '../../base/host/children.js';
import { nextTurn } from '../../base/host/clock.js';
import { processorMs } from '../../base/host/command.js';
import { exit, listen } from '../../base/host/process.js';
import { missedFiles, seeAs } from '../../base/host/view.js';
import { breathing } from '../../base/work-watch.js';
import { simulateRun } from '../../engine/simulate.js';
import type { Outcome } from '../../figure/door.js';
import { fingerprintOf } from '../fingerprint.js';
import { packedEntry, runOfText } from '../queue/protocol.js';
import type { CellTask, Ran } from '../queue/worker-side.js';
import { entryText } from '../store.js';
import type { FromChild, ToChild } from './run-child.js';

/** Longest time in ms that an outcome waits for others, to share a message. */
const WAIT = 250;

const parent = parentProcess;
if (parent === null) throw new Error('queue-child.js runs as a child process only');

const tasks: (readonly [number, CellTask])[] = [];
/** Finished cells, which are packed together when they are sent: each alone, between two runs, would take twice as long. */
const outcomes: (readonly [number, () => Ran, number])[] = [];
let busy = false;
let waiting: ReturnType<typeof setTimeout> | null = null;

for (const signal of ['SIGINT', 'SIGTERM', 'SIGHUP'] as const) listen(signal, () => undefined);
parent.onDisconnect(() => exit(0));
parent.onMessage((message: ToChild) => {
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
    // While the parent handles these, no more cells than these are left to run.
    if (outcomes.length >= tasks.length) send();
    else waiting ??= setTimeout(() => send(), WAIT);
    await nextTurn();
  }
  busy = false;
}

/** Sends the finished outcomes. */
function send(returned: readonly number[] = []): void {
  if (waiting !== null) clearTimeout(waiting);
  waiting = null;
  const ran = outcomes.splice(0).map(([id, pack, ms]) => [id, pack(), ms] as const);
  parent!.send({ ran, returned } satisfies FromChild);
}

/** Runs a cell, unless its files or the build here are not those of the sweep. @returns what packs its end */
async function ranOf(task: CellTask): Promise<() => Ran> {
  const { absent, elsewhere, fingerprint } = task;
  seeAs(elsewhere);
  let beforeMs = processorMs();
  let outcome: Outcome;
  try {
    const run = runOfText(task);
    // The proof that run, files, bundled profiles and build are those of the sweep.
    if (fingerprintOf(run) !== fingerprint) return () => ({ kind: 'differs' });
    beforeMs = processorMs();
    outcome = { status: 'done', result: await simulateRun(run, { breathe: breathing() }) };
  } catch (error) {
    if (!(error instanceof UserError)) return failed(messageOf(error));
    // A file that is not here may be where the sweep is: then the run is possible, and must not be refused for good.
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

function failed(reason: string): () => Ran {
  return () => ({ kind: 'failed', reason });
}
