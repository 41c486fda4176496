// A thread of a capacity curve: one policy, so that V8 compiles its code for one policy class only. It replays blocks that another thread has
// read, and computes only while it holds one of the permits that --jobs limits.
import { parentPort, workerData } from '../base/host/threads.js';
import { sentError } from '../base/sent-error.js';
import { blocksOf } from './blocks.js';
import { startJob } from './jobs.js';
import type { FromThread, ThreadData, ToThread } from './messages.js';

const port = parentPort;
if (port === null) throw new Error('worker.js runs in a worker thread only');

const { job: spec, ring, permits } = workerData as ThreadData;
const permit = new Int32Array(permits);
const blocks = blocksOf(ring);
const say = (message: FromThread): void => port.postMessage(message);
const job = startJob(spec);
// A refusal is reported below; it must not count as an unhandled rejection.
job.catch(() => undefined);

/** Runs `work` while holding a permit. */
function withPermit(work: () => void): void {
  for (;;) {
    const free = Atomics.load(permit, 0);
    if (free === 0) Atomics.wait(permit, 0, 0);
    else if (Atomics.compareExchange(permit, 0, free, free - 1) === free) break;
  }
  try {
    work();
  } finally {
    Atomics.add(permit, 0, 1);
    Atomics.notify(permit, 0, 1);
  }
}

/** Messages are handled one after another, also where one waits for the policy to load. */
let queue: Promise<void> = Promise.resolve();
port.on('message', (message: ToThread) => {
  queue = queue.then(() => handle(message)).catch(complain);
});

async function handle(message: ToThread): Promise<void> {
  const running = await job;
  if (message.kind === 'block') {
    withPermit(() => running.rows(blocks[message.block]!, message.rows));
    say({ kind: 'done', block: message.block, rows: message.rows });
    return;
  }
  try {
    withPermit(() => say({ kind: 'counts', counts: running.finish((tokens) => say({ kind: 'progress', tokens })) }));
  } finally {
    running.close?.();
    port!.close();
  }
}

function complain(error: unknown): void {
  say({ kind: 'thrown', error: sentError(error) });
  port!.close();
}
