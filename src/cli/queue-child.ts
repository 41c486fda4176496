// The process side of `run-children.ts`: runs one cell after another and sends back what the store will hold. It leaves signals to its
// parent, which knows what is under way, and ends when that is gone.
import { setImmediate as nextTurn } from 'node:timers/promises';
import { missedFiles, readElsewhere } from '../base/elsewhere.js';
import { messageOf, UserError } from '../base/errors.js';
import { simulateRun } from '../engine/simulate.js';
import { packedEntry } from '../explore/queue/protocol.js';
import type { Ran } from '../explore/queue/worker-side.js';
import type { Outcome } from '../explore/study/outcome.js';
import { entryText } from '../explore/study/store.js';
import type { ChildTask } from './run-children.js';

/** Longest time in ms that a run may keep the parent's end unheard. */
const BREATH = 50;

if (process.send === undefined) throw new Error('queue-child.js runs as a child process only');

for (const signal of ['SIGINT', 'SIGTERM', 'SIGHUP'] as const) process.on(signal, () => undefined);
process.on('disconnect', () => process.exit());
process.on('message', async (task: ChildTask) => {
  process.send!(await ranOf(task));
});

async function ranOf({ absent, elsewhere, fingerprint, run }: ChildTask): Promise<Ran> {
  readElsewhere(elsewhere);
  const before = process.cpuUsage();
  let outcome: Outcome;
  try {
    let last = performance.now();
    const breathe = async (): Promise<void> => {
      if (performance.now() - last < BREATH) return;
      await nextTurn();
      last = performance.now();
    };
    outcome = { status: 'done', result: await simulateRun(run, { breathe }) };
  } catch (error) {
    if (!(error instanceof UserError)) return { kind: 'failed', reason: messageOf(error) };
    // What is not here may be where the sweep is: then the run can be, and must not be refused for good.
    const missed = missedFiles().find((path) => !absent.includes(path));
    if (missed !== undefined)
      return { kind: 'failed', reason: `${missed}: is not on this worker; only files that a run itself names come with it` };
    outcome = { status: 'refused', reason: error.message };
  }
  const { system, user } = process.cpuUsage(before);
  return { kind: 'entry', entry: packedEntry(entryText(fingerprint, outcome)), cpuMs: (user + system) / 1000 };
}
