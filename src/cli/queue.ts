import type { Command } from 'commander';
import { formatCount } from '../base/units.js';
import { renderTerminal } from '../report/door.js';
import { contentsDocument, contentsOf, emptyQueue, openServer, type QueueServer } from '../study/door.js';
import type { CliContext } from './kit/context.js';
import { type OptionsOf, options, subcommand } from './kit/declared.js';
import { namedQueue, QUEUE, type QueueOption } from './study-options.js';

const SHOW = options({
  ...QUEUE,
  '--json': 'as JSON, for programs',
});

const EMPTY = options({
  ...QUEUE,
  '--force': 'all the same; sweeps that wait put their cells there again',
});

/** Help. */
export const help = `Examples:
  moeprof queue show --queue redis://localhost:6379/0
  moeprof queue show --queue redis://localhost:6379/0 --json
  moeprof queue empty --queue redis://localhost:6379/0 --queue-prefix ann

The password is best given in the environment, as MOEPROF_QUEUE_PASSWORD.`;

/** `moeprof queue`: shows or empties the server of `moeprof sweep --queue`. */
export function define(command: Command, context: CliContext): void {
  subcommand(command, 'show', SHOW, {
    summary: 'what waits, runs and failed, and who is there',
    description: 'Show what a queue holds: cells, workers, sweeps, results and files.',
  }).action((flags: OptionsOf<typeof SHOW>) => withServer(flags, context, (server) => show(server, flags, context)));
  subcommand(command, 'empty', EMPTY, {
    summary: 'remove all cells, results and files of a queue',
    description:
      'Remove all cells, results and files of a queue, of every build of moeprof.\nRefused while sweeps wait for cells, and while results are not taken.',
  }).action((flags: OptionsOf<typeof EMPTY>) => withServer(flags, context, (server) => empty(server, flags, context)));
}

async function withServer(flags: QueueOption, context: CliContext, work: (server: QueueServer) => Promise<void>): Promise<void> {
  const server = await openServer(namedQueue(flags), (line) => context.note(line));
  try {
    await work(server);
  } finally {
    server.close();
  }
}

async function show(server: QueueServer, { json }: OptionsOf<typeof SHOW>, context: CliContext): Promise<void> {
  const contents = await contentsOf(server);
  const { reportOptions } = context;
  context.out(
    json
      ? `${JSON.stringify(contents, null, 2)}\n`
      : renderTerminal(contentsDocument(server.address, contents, reportOptions.verbose), reportOptions),
  );
}

async function empty(server: QueueServer, { force }: OptionsOf<typeof EMPTY>, context: CliContext): Promise<void> {
  const { cells, files, results } = await emptyQueue(server, force);
  const { prefix, shown } = server.address;
  context.out(
    `${formatCount(cells)} cells, ${formatCount(results)} results and ${formatCount(files)} files removed from queue ${prefix} at ${shown}\n`,
  );
}
