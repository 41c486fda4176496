import type { Command } from 'commander';
import { EXIT, UserError } from '../base/errors.js';
import { realpathSync } from '../base/host/files.js';
import { availableParallelism, hostname } from '../base/host/machine.js';
import { PACKAGE_FOLDER } from '../base/host/modules.js';
import { cwd, exit, listen, pid } from '../base/host/process.js';
import { isFolder } from '../base/input-file.js';
import { BYTES, formatCount, parseQuantity } from '../base/units.js';
import { hubFolder } from '../model/door.js';
import {
  CACHE_SIZE,
  cacheFolder,
  FileCache,
  modulesBelow,
  openServer,
  QueueWorker,
  RunChild,
  RunChildren,
  sealOf,
  WORKER_NAME,
} from '../study/door.js';
import type { CliContext } from './kit/context.js';
import { declared, type OptionsOf, options } from './kit/declared.js';
import { parseJobs } from './kit/options.js';
import { namedQueue, noteUnsealed, QUEUE } from './study-options.js';

/** Time to return pending cells, ms. Ours. */
const GRACE_MS = 700;

const WORKER = options({
  ...QUEUE,
  '--queue-key <file>': 'file with the key that seals cells and results; the same for sweep and workers',
  '-j, --jobs <n>': 'cells at a time (default: the machine’s cores)',
  '--name <name>': 'as sweeps show it; host and process id unless said',
  '--modules <folder>...': 'modules of your own that cells may name, by their content; repeatable',
  '--files <folder>...': 'where cells may read files in place, by content; repeatable; else the working directory',
  '--file-cache <folder>': "where traces are kept that came through the server; the user's folder for caches unless said",
  '--file-cache-size <size>': ['most bytes there; what was not used for longest goes first', { default: CACHE_SIZE }],
  '--exit-idle <seconds>': 'end after so long without a cell; otherwise it waits for ever',
});

type WorkerFlags = OptionsOf<typeof WORKER>;

/** Help. */
export const help = `Examples:
  moeprof worker --queue redis://localhost:6379/0
  moeprof worker --queue rediss://ann@queue.example.org:6379/0 -j 8
  moeprof worker --queue redis://10.0.0.1:6379/0 --queue-key key --modules own

Password and key are best given in the environment, as MOEPROF_QUEUE_PASSWORD
and MOEPROF_QUEUE_KEY. A server of another machine needs a key.`;

/** `moeprof worker`: runs cells that `moeprof sweep --queue` put on a server. */
export function define(command: Command, context: CliContext): void {
  declared(command, WORKER, { first: ['--queue', '-j', '--queue-key'] }).action((flags: WorkerFlags) => work(flags, context));
}

async function work(flags: WorkerFlags, context: CliContext): Promise<void> {
  const address = namedQueue(flags);
  const jobs = parseJobs(flags.jobs) ?? availableParallelism();
  const idleS = secondsIn(flags.exitIdle);
  const cache = new FileCache(flags.fileCache ?? cacheFolder(), parseQuantity(BYTES, flags.fileCacheSize, '--file-cache-size'));
  const trusted = modulesBelow(flags.modules, cache.folder);
  const roots = (flags.files.length === 0 ? [cwd()] : flags.files).map(realFolder);
  const name = flags.name ?? `${hostname()}-${pid}`;
  if (!WORKER_NAME.test(name)) throw new UserError(`--name ${name}: expected up to 100 letters, digits, dots and dashes, e.g. ann-1`);
  const tell = (line: string): void => context.note(line);
  const seal = sealOf(address, flags.queueKey);
  const server = await openServer(address, tell);
  noteUnsealed(seal, address, context);
  const processes = new RunChildren(jobs, (hear, lost) => new RunChild(trusted, hear, lost));
  const folders = [PACKAGE_FOLDER, hubFolder()];
  const worker = new QueueWorker(server, { name, seal, cache, roots, own: folders, tell, processes });
  const ends = [listen('SIGINT', atInterrupt(worker, tell)), listen('SIGTERM', atTermination(worker, tell))];
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

/** Lets pending cells end; a second signal ends at once. */
function atInterrupt(worker: QueueWorker, tell: (line: string) => void): () => void {
  let asked = 0;
  return () => {
    if (asked++ > 0) exit(EXIT.interrupted);
    tell('takes no more cells; ends when those under way have (again: at once)');
    worker.drain();
  };
}

/** Ends within a second even without an answer: the server soon misses the worker. */
function atTermination(worker: QueueWorker, tell: (line: string) => void): () => void {
  return () => {
    tell('takes no more cells; gives those under way back to the queue');
    worker.leave();
    setTimeout(() => exit(EXIT.terminated), GRACE_MS).unref();
  };
}

/** Resolves links. @throws UserError unless a folder */
function realFolder(path: string): string {
  if (!isFolder(path)) throw new UserError(`--files ${path}: is no folder; name one that holds traces or models`);
  return realpathSync(path);
}
