// The frame around commands: loaded only when they run, global options anywhere, errors and exit codes by kind.
import { describe, expect, it, vi } from 'vitest';
import { UserError } from '../../src/base/errors.js';
import type { CliContext, CommandEntry } from '../../src/cli/kit/context.js';
import { runCli } from '../../src/cli/program.js';
import { catchOutput } from '../support/cli-output.js';

const output = catchOutput();

const loaded: string[] = [];

/** A command whose action is given. */
function entry(name: string, action: (context: CliContext, value: string) => void | Promise<void>): CommandEntry {
  return {
    name,
    summary: `test ${name}`,
    group: 'Profile',
    load: async () => {
      loaded.push(name);
      return {
        help: '',
        define: (command, context) =>
          void command
            .argument('[value]')
            .option('--own')
            .action((value: string) => action(context, value)),
      };
    },
  };
}

function run(argv: string[], action: (context: CliContext, value: string) => void | Promise<void> = () => undefined): Promise<number> {
  loaded.length = 0;
  return runCli(argv, [entry('first', action), entry('second', action)]);
}

describe('nothing asked', () => {
  const terminal = (is: boolean) => vi.spyOn(process.stdout, 'isTTY', 'get').mockReturnValue(is);

  it('is this machine and three models on a terminal, and help elsewhere', async () => {
    const asked: string[] = [];
    const advise = entry('advise', () => undefined);
    const own: CommandEntry = {
      ...advise,
      load: async () => ({
        help: '',
        define: (command) => void command.option('--best <n>').action(({ best }: { best: string }) => void asked.push(best)),
      }),
    };
    Object.defineProperty(process.stdout, 'isTTY', { configurable: true, get: () => false });
    terminal(true);
    expect(await runCli([], [own])).toBe(0);
    expect(asked).toEqual(['3']);
    expect(output.stdout).toContain('moeprof --help lists all commands.');
    terminal(false);
    await runCli([], [own]);
    expect(asked).toEqual(['3']);
    expect(output.stderr + output.stdout).toContain('Usage: moeprof');
  });
});

describe('the frame', () => {
  it('loads only the command that runs', async () => {
    await run(['second', 'x']);
    expect(loaded).toEqual(['second']);
    await run(['--help', 'all']);
    expect(loaded).toEqual([]);
    expect(output.stdout).toMatch(/Profile:\n {2}first +test first\n {2}second +test second\n/);
    await run(['help', 'first']);
    expect(loaded).toEqual(['first']);
  });

  it('knows what other programs call its commands', async () => {
    expect(await run(['fit', 'x'])).toBe(2);
    expect(output.stderr).toBe("moeprof: unknown command 'fit'; that is moeprof advise (see moeprof --help)\n");
  });

  it('takes global options before and after the command', async () => {
    const seen: unknown[] = [];
    const look = ({ options: { quiet, verbose, color, progress } }: CliContext, value: string): void =>
      void seen.push([value, quiet, verbose, color, progress]);
    await run(['-q', '--progress', 'never', 'first', 'a'], look);
    await run(['first', 'b', '-v', '--own', '--no-color'], look);
    expect(seen).toEqual([
      ['a', true, false, undefined, 'never'],
      ['b', false, true, false, 'auto'],
    ]);
  });
});

describe('how a command ends', () => {
  it('gives the exit code that the command sets', async () => {
    expect(await run(['first'])).toBe(0);
    expect(await run(['first'], (context) => context.setExitCode(1))).toBe(1);
  });

  it('prints a known error as one line with its exit code', async () => {
    expect(await run(['first'], () => Promise.reject(new UserError('a.yaml:1:2: wrong', 3)))).toBe(3);
    expect(output.stderr).toBe('moeprof: a.yaml:1:2: wrong\n');
  });

  it('calls anything else a bug, exit 70, with a stack only under --debug', async () => {
    const fail = (): void => {
      throw new TypeError('x is undefined');
    };
    expect(await run(['first'], fail)).toBe(70);
    expect(output.stderr).toMatch(
      /^moeprof: internal error: x is undefined \(moeprof \d+\.\d+\.\d+; this is a bug, please report it .* --debug\)\n$/,
    );
    output.stderr = '';
    expect(await run(['first', '--debug'], fail)).toBe(70);
    expect(output.stderr).toMatch(/\nTypeError: x is undefined\n {4}at /);
  });
});

describe('the streams of a command', () => {
  it('keeps notes to stderr, and silent when quiet', async () => {
    const speak = (context: CliContext): void => {
      context.note('by the way');
      context.out('data\n');
    };
    await run(['first'], speak);
    await run(['first', '-q'], speak);
    expect(output.stderr).toBe('by the way\n');
    expect(output.stdout).toBe('data\ndata\n');
  });

  it('takes its listeners back, and adds one to the streams once', async () => {
    await run(['first']);
    const streams = process.stdout.listenerCount('error');
    const before = process.listenerCount('SIGINT');
    // Signals are left to the system: they end a command wherever it is, also where it never waits.
    await run(['first'], () => void expect(process.listenerCount('SIGINT')).toBe(before));
    expect(process.stdout.listenerCount('error')).toBe(streams);
  });
});
