import { Command, CommanderError, Option } from 'commander';
import { codeOf, EXIT, messageOf, UserError } from '../base/errors.js';
import { openFilesLimit, stderr, stdout } from '../base/host/command.js';
import { env, setDefaultEnv } from '../base/host/process.js';
import { capital, shortened, visible } from '../base/text.js';
import { VERSION } from '../result/version.js';
import { commands } from './commands.js';
import type { CliContext, CommandEntry, GlobalOptions } from './kit/context.js';
import { setTextBelow, textBelow } from './kit/declared.js';
import { helpOf } from './kit/help.js';
import { detectTerminal } from './kit/terminal.js';
import { remedied } from './mistakes.js';
import { EXAMPLES, OVERVIEW } from './program-help.js';
import { Runtime } from './runtime.js';

/** Widest help, columns. */
const HELP_WIDTH = 80;

/** Arguments of a bare `moeprof` on a terminal. */
const ALONE = ['advise', '--best', '3'];

/** Runs the command line. @param argv without node and script @returns exit code; output may be pending */
export async function runCli(argv: readonly string[], entries: readonly CommandEntry[] = commands): Promise<number> {
  const debug = argv.includes('--debug');
  const runtime = new Runtime((error) => failure(error, debug));
  const alone = argv.length === 0 && stdout().isTTY === true;
  const program = buildProgram(runtime, alone ? ALONE : argv, entries);
  if (debug) {
    Error.stackTraceLimit = 50;
    setDefaultEnv('MOEPROF_LAWS', 'throw');
  }
  try {
    await program.parseAsync(alone ? ALONE : asHelpOption(argv, entries), { from: 'user' });
    if (alone) stdout().write('\nmoeprof --help lists all commands.\n');
    return runtime.exitCode;
  } catch (error) {
    return failure(error, debug);
  } finally {
    runtime.close();
  }
}

function buildProgram(runtime: Runtime, argv: readonly string[], entries: readonly CommandEntry[]): Command {
  const all = ALL.test(argv.join(' '));
  // Help may print before parsing, so colours depend on raw arguments.
  const choice = argv.includes('--no-color') ? false : argv.includes('--color') ? true : undefined;
  const helpTerminal = detectTerminal(stdout(), env, choice);
  let running = 'moeprof';
  const program = new Command('moeprof')
    .description(
      'Replay the routing of a Mixture-of-Experts model over GPU, DRAM and SSD, and see what expert offloading costs and what would make it cheaper.',
    )
    .usage('<command> [options]')
    .exitOverride()
    .helpCommand(false)
    .configureOutput({
      getOutHelpWidth: () => Math.min(HELP_WIDTH, helpTerminal.width),
      getErrHelpWidth: () => HELP_WIDTH,
      getOutHasColors: () => helpTerminal.color,
      getErrHasColors: () => false,
      outputError: (text, write) =>
        write(`moeprof: ${shortened(visible(remedied(oneLine(text), running.replace(/^moeprof /, ''))))} (see ${running} --help)\n`),
    })
    .configureHelp(helpOf(`${OVERVIEW}\n`, all))
    .version(VERSION, '-V, --version', 'print the version')
    .helpOption('-h, --help', 'show help')
    .option('-q, --quiet', 'no progress and no notes; with -o, no table either', false)
    .option('-v, --verbose', 'show everything that is known', false)
    .option('--color', 'colours, even where the output is no terminal')
    .option('--no-color', 'no colours')
    .addOption(new Option('--progress <when>', 'progress on stderr').choices(['auto', 'always', 'never']).default('auto'))
    .option('--debug', 'stack traces with errors', false)
    .addHelpText('afterAll', ({ command }) => (all ? `\n${textBelow(command)}\n` : ''));
  setTextBelow(program, EXAMPLES);
  runtime.readOptions(() => program.opts<GlobalOptions>());

  for (const entry of entries)
    program
      .command(entry.name)
      .summary(entry.summary)
      .description(`${capital(entry.summary)}.`)
      .helpGroup(`${entry.group}:`);
  // Stubs suffice for a list of commands; the chosen command is completed before its arguments are parsed.
  program.hook('preSubcommand', async (_, command) => {
    const entry = entries.find(({ name }) => name === command.name());
    if (entry === undefined) return;
    running = `moeprof ${entry.name}`;
    command.helpCommand(false);
    const { define, help } = await entry.load();
    define(command, runtime satisfies CliContext);
    setTextBelow(command, help);
    // llama.cpp flags that begin like short options of moeprof.
    for (const word of argv) if (/^-(?:ot|ts|tb)$/.test(word)) command.error(`error: unknown option '${word}'`);
    command.hook('preSubcommand', (_, subcommand) => {
      running = `moeprof ${entry.name} ${subcommand.name()}`;
    });
  });
  if (argv.some((word) => word.includes('hf:')))
    program.hook('preAction', async (_, command) => (await import('./hub.js')).fetchNamedModels(command, runtime));
  return program;
}

const ALL = /^help (?:.* )?all$|(?:^| )(?:-h|--help) all$/;

/** Turns `moeprof help run` into `moeprof run --help`, without `all`. */
function asHelpOption(argv: readonly string[], entries: readonly CommandEntry[]): string[] {
  const asked = ALL.test(argv.join(' ')) && argv.at(-1) === 'all' ? argv.slice(0, -1) : argv;
  const words = asked[0] === 'help' ? [...asked.slice(1), '--help'] : [...asked];
  const command = words[0];
  return command === undefined || command.startsWith('-') || entries.some(({ name }) => name === command) ? words : [command];
}

/** Commander's message without prefix, its suggestion as a clause. */
const oneLine = (text: string): string =>
  text
    .replace(/^error: /, '')
    .replace(/^command-argument value '(.*?)' is invalid for argument '(.*?)'\. Allowed choices are /, "unknown $2 '$1'; use ")
    .replace(/\n?\((Did you mean .*?)\)/s, (_, hint: string) => `; ${hint.replace('Did', 'did')}`)
    .trim()
    .replace(/\s*\n\s*/g, ' ')
    .replace(/\.$/, '');

/** Open files that common systems allow at least; every command needs fewer. */
const ENOUGH_FILES = 256;

/** Prints an error. @returns exit code */
function failure(error: unknown, debug: boolean): number {
  // Commander has already printed help, version or an error.
  if (error instanceof CommanderError) return error.exitCode === 0 ? EXIT.ok : EXIT.input;
  const lines = debug && error instanceof Error ? (error.stack ?? '').split('\n') : [];
  const stack = lines.map((line) => `\n${visible(line)}`).join('');
  const code = codeOf(error);
  if (code === 'EMFILE' || code === 'ENFILE') return failure(new UserError('too many files are open; allow more with ulimit -n'), debug);
  if (code === 'ERR_MODULE_NOT_FOUND') {
    // At the limit of open files, Node reports installed packages as missing.
    const limit = openFilesLimit();
    const few = limit < ENOUGH_FILES;
    const why = few ? `with at most ${limit} open files; allow more with ulimit -n` : 'it is not there; install it again';
    return failure(new UserError(`a part of moeprof cannot be loaded: ${why}`, few ? EXIT.input : EXIT.internal), debug);
  }
  if (error instanceof UserError) {
    stderr().write(`moeprof: ${error.message}${stack}\n`);
    return error.exitCode;
  }
  const hint = debug
    ? 'please report it with the command line and this output'
    : 'please report it with the command line and the output of --debug';
  stderr().write(`moeprof: internal error: ${shortened(visible(messageOf(error)))} (moeprof ${VERSION}; this is a bug, ${hint})${stack}\n`);
  return EXIT.internal;
}
