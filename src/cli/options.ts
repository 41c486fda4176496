// Options that several commands share, worded once.
import { type Command, Option } from 'commander';
import { UserError } from '../base/errors.js';
import { parseCount } from '../base/units.js';
import type { Format } from '../report/format.js';

/** Values of {@link addOutputOptions}. */
export interface OutputOptions {
  readonly output: readonly string[];
  readonly format?: string;
  readonly json?: boolean;
}

/** Collects the values of a repeatable option. */
export function collect(value: string, previous: readonly string[]): string[] {
  return [...previous, value];
}

/** Adds `-j`, for commands of many runs. */
export function addJobsOption(command: Command): Command {
  return command.option('-j, --jobs <n>', 'runs at a time; the machine’s cores unless said');
}

/**
 * Reads `-j`.
 * @returns undefined where it was not given
 * @throws UserError where it is no number, or none
 */
export function parseJobs(text: string | undefined): number | undefined {
  const jobs = text === undefined ? undefined : parseCount(text, '--jobs');
  if (jobs === 0) throw new UserError('--jobs: 0 runs at a time compute nothing; use 1 or more');
  return jobs;
}

/** Adds `-o`, `--format` and `--json`. */
export function addOutputOptions<T>(command: Command, formats: readonly Format<T>[]): Command {
  const names = formats.map((format) => format.name);
  const endings = formats.flatMap(({ name, extensions }) => (extensions.length === 0 ? [] : [`${extensions[0]} ${name}`])).join(', ');
  const prefixed = formats.filter(({ extensions }) => extensions.length === 0).map(({ name }) => name);
  const others = prefixed.length === 0 ? '' : `; ${prefixed.join(', ')} need their name before it`;
  return command
    .optionsGroup('Output:')
    .addOption(
      new Option(
        '-o, --output <[format=]path>',
        `write to a file, repeatable; the ending tells the format (${endings}${others}), - is stdout`,
      )
        .argParser(collect)
        .default([], 'a table on stdout'),
    )
    .addOption(new Option('--format <name>', 'what to print on stdout').choices(names))
    .addOption(new Option('--json', 'short for --format json').conflicts('format'));
}

/** The format that was asked for on stdout, or null. */
export function stdoutFormat(options: OutputOptions): string | null {
  return options.json === true ? 'json' : (options.format ?? null);
}
