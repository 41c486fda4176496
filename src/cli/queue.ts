// `moeprof queue`: what the server of `moeprof sweep --queue` holds, and how it is emptied.
import type { Command } from 'commander';
import { UserError } from '../base/errors.js';
import { formatCount } from '../base/units.js';
import { PASSWORD_VARIABLE, QUEUE_PREFIX, queueAddress } from '../explore/queue/address.js';
import { openServer, type QueueServer } from '../explore/queue/connect.js';
import { contentsOf, emptyQueue } from '../explore/queue/contents.js';
import { contentsDocument } from '../explore/queue/contents-report.js';
import { renderTerminal } from '../report/document/terminal.js';
import type { CliContext } from './context.js';

const EXAMPLES = `
Examples:
  moeprof queue show --queue redis://localhost:6379/0
  moeprof queue show --queue redis://localhost:6379/0 --json
  moeprof queue empty --queue redis://localhost:6379/0 --queue-prefix ann

The password is best given in the environment, as ${PASSWORD_VARIABLE}.
`;

interface QueueFlags {
  readonly queue?: string;
  readonly queuePrefix: string;
  readonly json?: boolean;
  readonly force?: boolean;
}

/** Defines the command. */
export function define(command: Command, context: CliContext): void {
  command.addHelpText('after', EXAMPLES);
  onQueue(command.command('show'))
    .summary('what waits, runs and failed, and who is there')
    .description('Show what a queue holds: cells, workers, sweeps, results and files.')
    .option('--json', 'as JSON, for programs')
    .addHelpText('after', EXAMPLES)
    .action((flags: QueueFlags) => withServer(flags, context, (server) => show(server, flags, context)));
  onQueue(command.command('empty'))
    .summary('remove all cells, results and files of a queue')
    .description(
      'Remove all cells, results and files of a queue, of every build of moeprof.\nRefused while sweeps wait for cells, and while results are not taken.',
    )
    .option('--force', 'all the same; sweeps that wait put their cells there again')
    .addHelpText('after', EXAMPLES)
    .action((flags: QueueFlags) => withServer(flags, context, (server) => empty(server, flags, context)));
}

function onQueue(command: Command): Command {
  return command
    .option('--queue <address>', 'server of the queue: redis://host:6379/0, or rediss:// with TLS')
    .option('--queue-prefix <text>', 'prefix of all keys of the queue', QUEUE_PREFIX);
}

async function withServer(
  { queue, queuePrefix }: QueueFlags,
  context: CliContext,
  work: (server: QueueServer) => Promise<void>,
): Promise<void> {
  if (queue === undefined) throw new UserError('--queue: is missing; write e.g. --queue redis://localhost:6379/0');
  const server = await openServer(queueAddress(queue, queuePrefix), (line) => context.note(line));
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
