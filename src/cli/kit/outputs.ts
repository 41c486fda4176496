import { UserError } from '../../base/errors.js';
import { AtomicFile, attempt, whatStands, writeAll } from '../../base/files.js';
import { bytesOf } from '../../base/host/bytes.js';
import { closeSync, existsSync, openSync, realpathSync } from '../../base/host/files.js';
import { basename, dirname, extname, join, resolve } from '../../base/host/paths.js';
import { splitRows } from '../../base/profiles.js';
import { didYouMean } from '../../base/text.js';
import type { OutputFormat, ReportOptions } from '../../report/door.js';
import type { CliContext } from './context.js';
import type { OptionsOf } from './declared.js';
import type { output, PICTURES } from './groups.js';

/** Values of `-o`, `--format`, `--json`, `--svg` and `--html`. */
export type OutputOptions = Omit<OptionsOf<ReturnType<typeof output>>, 'json'> &
  Partial<Pick<OptionsOf<ReturnType<typeof output>>, 'json'> & OptionsOf<typeof PICTURES>>;

/** Values of `-o`, including `--svg` and `--html`. */
export function outputsOf({ html, output, svg }: OutputOptions): string[] {
  return [...output, ...Object.entries({ svg, html }).flatMap(([name, path]) => (path === undefined ? [] : [`${name}=${path}`]))];
}

/** Requested format of stdout, or null. */
export const stdoutFormat = (options: OutputOptions): string | null => (options.json === true ? 'json' : (options.format ?? null));

/** Options of reports in files. */
export const FILE_OPTIONS = { color: false, width: 80, unicode: true, verbose: false } as const;

/**
 * `json=result.out`, `markdown=-` (stdout).
 * @param formats the default first
 * @throws UserError for an unknown format
 */
export function parseOutput<T>(
  text: string,
  formats: readonly OutputFormat<T>[],
): { readonly format: OutputFormat<T>; readonly path: string } {
  const equals = text.indexOf('=');
  const names = formats.map((format) => format.name);
  if (equals >= 0) {
    const name = text.slice(0, equals);
    const path = text.slice(equals + 1);
    const format = formats.find((format) => format.name === name);
    if (format !== undefined && path !== '') return { format, path };
    if (format !== undefined) throw new UserError(`-o ${text}: has no path; write ${name}=<path>, or ${name}=- for stdout`);
    // A path may contain "=", but not directly after a possible format name.
    if (/^[a-z][a-z0-9-]*$/i.test(name))
      throw new UserError(`-o ${text}: unknown format "${name}": ${didYouMean(name, names)} (for a path with "=" write ./${text})`);
  }
  if (text === '-') return { format: formats[0]!, path: '-' };
  if (text === '') throw new UserError('-o: has no path; write e.g. -o result.json');
  const ending = extname(text).toLowerCase();
  const format = formats.find((format) => format.extensions.includes(ending));
  if (format !== undefined) return { format, path: text };
  const known = formats
    .flatMap((format) => (format.extensions.length === 0 ? [] : [`${format.extensions[0]} (${format.name})`]))
    .join(', ');
  throw new UserError(`-o ${text}: the ending does not tell the format; use ${known}, or write <format>=${text}`);
}

/** Null `sink`: stdout. */
interface OpenTarget<T> {
  readonly format: OutputFormat<T>;
  readonly sink: Sink | null;
}

/** `-o [format=]path`, opened before the work: a bad path fails at once. */
export class Outputs<T> {
  readonly #targets: readonly OpenTarget<T>[];
  readonly #context: CliContext;

  private constructor(targets: readonly OpenTarget<T>[], context: CliContext) {
    this.#targets = targets;
    this.#context = context;
  }

  /**
   * Without a target the first format goes to stdout, unless quiet with files, or a picture or BibTeX.
   * @param format for stdout; null: the default
   * @param inputs recordings that no output may replace
   * @throws UserError for a wrong format or an unwritable path
   */
  static open<T>(
    context: CliContext,
    formats: readonly OutputFormat<T>[],
    specs: readonly string[],
    format: string | null = null,
    inputs: readonly string[] = [],
  ): Outputs<T> {
    const targets = specs.map((spec) => parseOutput(spec, formats));
    if (format !== null) targets.push({ format: formatNamed(format, formats), path: '-' });
    const paths = targets.map((target) => target.path);
    const twice = paths.find((path, index) => paths.slice(0, index).some((other) => isSameFile(other, path)));
    if (twice === '-') throw new UserError('-o: only one format can go to stdout; give the others a path');
    if (twice !== undefined) throw new UserError(`-o ${twice}: is given twice; write each format to its own path`);
    const over = paths.find((path) => path !== '-' && inputs.some((input) => isSameFile(splitRows(input).path, path)));
    if (over !== undefined) throw new UserError(`-o ${over}: is the trace that is read; write to another path`);
    const toRead = !/^\.(svg|bib)$/.test(formats[0]!.extensions[0] ?? '') && !context.options.quiet;
    if (!paths.includes('-') && (paths.length === 0 || toRead)) targets.push({ format: formats[0]!, path: '-' });

    const binary = targets.find(({ format, path }) => path === '-' && isBinary(format));
    if (binary !== undefined) throw new UserError(`${binary.format.name} is no text; write it to a file: -o ${binary.format.name}=<path>`);
    const open: OpenTarget<T>[] = [];
    try {
      for (const target of targets) open.push({ format: target.format, sink: target.path === '-' ? null : openSink(target.path) });
    } catch (error) {
      for (const { sink } of open) sink?.abort();
      throw error;
    }
    return new Outputs(open, context);
  }

  /** Writes a value to every output, files first, then commits. @param all everything instead of a summary */
  async deliver(value: T, all = false): Promise<void> {
    const verbose = all || this.#context.options.verbose;
    const options: ReportOptions = { ...FILE_OPTIONS, verbose };
    for (const { format, sink } of this.#targets) {
      if (sink === null) continue;
      for (const part of await partsOf(format, value, options)) sink.write(part);
    }
    for (const { sink } of this.#targets) sink?.commit();
    for (const { format, sink } of this.#targets) {
      if (sink !== null) continue;
      for (const part of await partsOf(format, value, { ...this.#context.reportOptions, verbose })) this.#context.out(String(part));
    }
  }

  /** Loads dependencies of formats. @throws UserError if a dependency is not installed */
  async load(): Promise<void> {
    for (const { format } of this.#targets) if ('load' in format) await format.load();
  }

  get needDetails(): boolean {
    return this.#targets.some(({ format }) => 'render' in format && format.needsDetails === true);
  }

  /** No effect after {@link deliver}. */
  abort(): void {
    for (const { sink } of this.#targets) sink?.abort();
  }
}

/** Delivers the result of `work`; a failure leaves no file. @throws UserError as {@link Outputs.open} */
export async function deliver<T>(
  context: CliContext,
  formats: readonly OutputFormat<T>[],
  flags: OutputOptions,
  work: () => T | Promise<T>,
  inputs: readonly string[] = [],
): Promise<void> {
  const outputs = Outputs.open(context, formats, outputsOf(flags), stdoutFormat(flags), inputs);
  try {
    await outputs.load();
    await outputs.deliver(await work());
  } finally {
    outputs.abort();
  }
}

/** True if two paths name the same regular file. */
export function isSameFile(path: string, other: string): boolean {
  if (path === '-' || other === '-') return path === other;
  return fileOf(path) === fileOf(other) && !whatStands(path)?.isCharacterDevice();
}

/** Absolute path with resolved links. */
function fileOf(path: string): string {
  const absolute = resolve(path);
  if (existsSync(absolute)) return realpathSync(absolute);
  const folder = dirname(absolute);
  return join(existsSync(folder) ? realpathSync(folder) : folder, basename(absolute));
}

async function partsOf<T>(format: OutputFormat<T>, value: T, options: ReportOptions): Promise<Iterable<string | Uint8Array>> {
  if ('load' in format) return [(await format.load())(value, options)];
  return format.parts?.(value) ?? [format.render(value, options)];
}

const isBinary = <T>(format: OutputFormat<T>): boolean => 'load' in format && format.binary === true;

/** @throws UserError for an unknown name */
function formatNamed<T>(name: string, formats: readonly OutputFormat<T>[]): OutputFormat<T> {
  const format = formats.find((format) => format.name === name);
  if (format !== undefined) return format;
  const names = formats.map((format) => format.name);
  throw new UserError(`--format ${name}: unknown format: ${didYouMean(name, names)}`);
}

interface Sink {
  write(data: string | Uint8Array): void;
  commit(): void;
  /** No effect after {@link commit}. */
  abort(): void;
}

/** @param flag named in messages @throws UserError for an unwritable path */
export function openSink(path: string, flag = '-o'): Sink {
  const stat = whatStands(path);
  if (stat?.isDirectory()) throw new UserError(`${flag} ${path}: is a folder; name a file in it`);
  // Devices and named pipes (/dev/null, /dev/stdout, <(...)) are written to, not replaced.
  if ((stat !== null && !stat.isFile()) || /^\/(dev|proc)\//.test(path)) return directSink(path, flag);
  return new AtomicFile(path);
}

function directSink(path: string, flag: string): Sink {
  const place = `${flag} ${path}`;
  const fd = attempt(place, () => openSync(path, 'w'));
  let open = true;
  const close = (): void => {
    if (open) closeSync(fd);
    open = false;
  };
  return {
    write: (data) => attempt(place, () => writeAll(fd, typeof data === 'string' ? bytesOf(data) : data)),
    commit: close,
    abort: close,
  };
}
