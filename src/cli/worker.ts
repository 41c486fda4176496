// `moeprof worker`: runs cells of studies that `moeprof sweep --queue` put on a server.

import type { Command } from 'commander';
import { EXIT, UserError } from '../base/errors.js';
import { availableParallelism, hostname } from '../base/host/machine.js';
import { exit, listen, pid } from '../base/host/process.js';
import { BYTES, formatCount, parseQuantity } from '../base/units.js';
import { CACHE_SIZE, cacheFolder, FileCache, ModuleIndex, openServer, QueueWorker, RunChildren } from '../study/door.js';
import type { CliContext } from './kit/context.js';
import { collect, jobsOption, parseJobs, type Texts } from './kit/options.js';
import { addQueueOption, namedQueue, type QueueOption } from './queue-option.js';

interface WorkerFlags extends QueueOption, Texts<'jobs' | 'name' | 'fileCache' | 'exitIdle'> {
  readonly modules: readonly string[];
  readonly fileCacheSize: string;
}

/** Defines the command. */
export function define(command: Command, context: CliContext): void {
  addQueueOption(command)
    .addOption(jobsOption('cells'))
    .option('--name <name>', 'as sweeps show it; host and process id unless said')
    .option('--modules <folder>', 'modules of your own that cells may name, by their content; repeatable', collect, [])
    .option('--file-cache <folder>', "where traces are kept that came through the server; the user's folder for caches unless said")
    .option('--file-cache-size <size>', 'most bytes there; what was not used for longest goes first', CACHE_SIZE)
    .option('--exit-idle <seconds>', 'end after so long without a cell; otherwise it waits for ever')
    .action((flags: WorkerFlags) => work(flags, context));
}

async function work(flags: WorkerFlags, context: CliContext): Promise<void> {
  const address = namedQueue(flags);
  const jobs = parseJobs(flags.jobs) ?? availableParallelism();
  const idleS = secondsIn(flags.exitIdle);
  const modules = new ModuleIndex(flags.modules);
  const cache = new FileCache(flags.fileCache ?? cacheFolder(), parseQuantity(BYTES, flags.fileCacheSize, '--file-cache-size'));
  const name = flags.name ?? `${hostname()}-${pid}`;
  if (!/^[\w.@-]{1,100}$/.test(name))
    throw new UserError(`--name ${name}: expected up to 100 letters, digits, dots and dashes, e.g. ann-1`);
  const tell = (line: string): void => context.note(line);
  const server = await openServer(address, tell);
  const processes = new RunChildren(jobs);
  const worker = new QueueWorker(server, { name, cache, modules, tell, processes });
  const ends = (
    [
      ['SIGINT', EXIT.interrupted],
      ['SIGTERM', EXIT.terminated],
    ] as const
  ).map(([signal, code]) => {
    let asked = 0;
    const end = (): void => {
      if (asked++ > 0) exit(code);
      tell('takes no more cells; ends when those under way have (again: at once)');
      worker.drain();
    };
    return listen(signal, end);
  });
  tell(`worker ${name} at ${address.shown}, ${formatCount(jobs)} at a time`);
  try {
    await worker.work(idleS);
  } finally {
    for (const end of ends) end();
    processes.close();
    server.close();
  }
  const { failed, ran, runMs } = worker.counts;
  tell(`worker ${name}: ran ${formatCount(ran)} cells in ${(runMs / 1000).toFixed(1)} s of processor time, ${formatCount(failed)} failed`);
}

function secondsIn(text: string | undefined): number {
  if (text === undefined) return Number.POSITIVE_INFINITY;
  const seconds = Number(text);
  if (text.trim() !== '' && seconds > 0) return seconds;
  throw new UserError(`--exit-idle ${text}: expected seconds, e.g. 60`);
}
