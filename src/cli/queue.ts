import type { Command } from 'commander';
import { formatCount } from '../base/units.js';
import { renderTerminal } from '../report/door.js';
import { contentsDocument, contentsOf, emptyQueue, openServer, QUEUE_PREFIX, type QueueServer } from '../study/door.js';
import type { CliContext } from './kit/context.js';
import { subcommand } from './kit/declared.js';
import type { Switches } from './kit/options.js';
import { namedQueue, type QueueOption } from './study-options.js';

type QueueFlags = QueueOption & Switches<'json' | 'force'>;

/** `moeprof queue`: shows or empties the server of `moeprof sweep --queue`. */
export function define(command: Command, context: CliContext): void {
  const words = { prefix: QUEUE_PREFIX };
  subcommand(command, 'show', { words }).action((flags: QueueFlags) =>
    withServer(flags, context, (server) => show(server, flags, context)),
  );
  subcommand(command, 'empty', { words }).action((flags: QueueFlags) =>
    withServer(flags, context, (server) => empty(server, flags, context)),
  );
}

async function withServer(flags: QueueFlags, context: CliContext, work: (server: QueueServer) => Promise<void>): Promise<void> {
  const server = await openServer(namedQueue(flags), (line) => context.note(line));
  try {
    await work(server);
  } finally {
    server.close();
  }
}

async function show(server: QueueServer, { json = false }: QueueFlags, context: CliContext): Promise<void> {
  const contents = await contentsOf(server);
  const { reportOptions } = context;
  context.out(
    json
      ? `${JSON.stringify(contents, null, 2)}\n`
      : renderTerminal(contentsDocument(server.address, contents, reportOptions.verbose), reportOptions),
  );
}

async function empty(server: QueueServer, { force = false }: QueueFlags, context: CliContext): Promise<void> {
  const { cells, files, results } = await emptyQueue(server, force);
  const { prefix, shown } = server.address;
  context.out(
    `${formatCount(cells)} cells, ${formatCount(results)} results and ${formatCount(files)} files removed from queue ${prefix} at ${shown}\n`,
  );
}
