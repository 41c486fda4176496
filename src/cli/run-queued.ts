import { EXIT, orUserError, UserError } from '../base/errors.js';
import { exit, listen } from '../base/host/process.js';
import {
  CellMaker,
  type Enqueued,
  MissingCells,
  openServer,
  QueueSweep,
  queueAddress,
  queueAside,
  type SettleCell,
  type Store,
  type SweepHooks,
  sealOf,
} from '../study/door.js';
import type { RunSpec } from '../system/door.js';
import type { CliContext } from './kit/context.js';
import { noteUnsealed } from './study-options.js';
import type { SweepFlags } from './sweep-flags.js';

/** `--queue`, `--queue-prefix` and `--queue-key`. */
export type QueueFlags = Pick<SweepFlags, 'queue' | 'queuePrefix' | 'queueKey'>;

/**
 * Workers on any machine execute cells, and results go into the store; equal fingerprints run once.
 * @param settle called for each cell
 * @throws UserError if the server is unusable
 */
export async function runQueued(
  count: number,
  cells: Iterable<() => RunSpec>,
  context: Pick<CliContext, 'note' | 'progress'>,
  { flags, store }: { readonly flags: QueueFlags; readonly store: Store },
  settle: SettleCell,
): Promise<void> {
  const address = queueAddress(flags.queue!, flags.queuePrefix);
  const seal = sealOf(address, flags.queueKey);
  const server = await openServer(address, (line) => context.note(line));
  noteUnsealed(seal, address, context);
  const bar = context.progress('queue', count, 'cells');
  const interrupted = (): void => {
    bar.finish();
    context.note('the workers go on; the same command takes up their results');
    exit(EXIT.interrupted);
  };
  const deaf = listen('SIGINT', interrupted);
  let settled = 0;
  let failed = 0;
  let aside = '';
  const missing = new MissingCells(cells, store, (index, fingerprint, outcome) => {
    settle(index, fingerprint, outcome);
    settled++;
    if (outcome.status === 'failed') failed++;
    bar.update(settled, aside);
  });
  const maker = new CellMaker();
  function* enqueued(): Generator<Enqueued> {
    for (const missed of missing.runs()) {
      if (missed === null) yield null;
      else {
        const { identity, run } = missed;
        const { fingerprint } = identity;
        const cell = orUserError(() => maker.make(run, identity));
        if (cell instanceof UserError) missing.settle(fingerprint, { status: 'refused', reason: cell.message });
        yield cell instanceof UserError ? null : { fingerprint, cell };
      }
    }
  }
  const hooks: SweepHooks = {
    settled: (fingerprint, outcome) => missing.settle(fingerprint, outcome),
    progress: (status) => {
      aside = queueAside({ ...status, total: count, settled, failed });
      bar.update(settled, aside);
    },
    tell: (line) => context.note(line),
  };
  try {
    await new QueueSweep(server, seal, store, hooks).run(enqueued());
  } finally {
    deaf();
    bar.finish();
    server.close();
  }
}
