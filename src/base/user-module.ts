import { codeOf, InternalError, UserError } from './errors.js';
import { placeOnDisk } from './host/files.js';
import { newSha256 } from './host/hash.js';
import { runtimeVersion } from './host/machine.js';
import { importFile, mayImport, stripsTypes } from './host/modules.js';
import { pathToFileURL, resolve } from './host/paths.js';
import { cwd, refuseExit } from './host/process.js';
import { runScript } from './host/processes.js';
import { inherited, passOn } from './host/threads.js';
import { readText } from './input-file.js';
import { type Choice, type ParameterTable, resolveParameters, splitSpec, withGiven } from './parameters.js';
import { shownPath } from './profiles.js';
import { describedThrow, placeOfSyntax, placeOfThrow } from './thrown.js';

/** Until loaded, a user's module has its path as name and unchecked parameters. */
export interface OwnChoice<D> extends Choice {
  /** Path of the module; absent: a built-in member. */
  readonly path?: string;
  /** Exported definition, once loaded. */
  readonly definition?: D;
  readonly sha256?: string;
}

/** Module path with optional parameters. */
const MODULE = /^(.+\.[mc]?[jt]s)(?::(.*))?$/s;

/** A path, with parameters after a colon; null: no module. @throws UserError for wrong parameters */
export function moduleChoice<D>(noun: string, text: string, beside: Readonly<Record<string, unknown>> = {}): OwnChoice<D> | null {
  const [, path, rest] = MODULE.exec(text) ?? [];
  if (path === undefined) return null;
  const given = rest === undefined ? {} : splitSpec(`${noun}:${rest}`).given;
  return { text, name: path, path, parameters: withGiven<unknown>(text, beside, given) as Choice['parameters'] };
}

/** Same choice with an absolute module path. */
export const locatedChoice = <C extends { readonly path?: string }>(choice: C, folder: string): C =>
  choice.path === undefined ? choice : { ...choice, path: resolve(folder, choice.path) };

/** Text with a module's path made absolute. */
export function locatedModule(text: string, folder: string): string {
  const [, path, rest] = MODULE.exec(text) ?? [];
  return path === undefined ? text : `${resolve(folder, path)}${rest === undefined ? '' : `:${rest}`}`;
}

/** @param check makes a member of the export @param folder of relative paths @throws UserError */
export async function loadedChoice<D extends { readonly name: string; readonly parameters?: ParameterTable }>(
  noun: string,
  choice: OwnChoice<D>,
  check: (own: OwnExport) => D,
  folder: string = cwd(),
): Promise<OwnChoice<D>> {
  const { definition: known, parameters, path, text } = choice;
  if (path === undefined || known !== undefined) return choice;
  const exported = await importOwn(noun, resolve(folder, path));
  const definition = check(exported);
  return {
    text,
    name: definition.name,
    path,
    parameters: resolveParameters(`${noun} ${exported.shown}`, definition.parameters, parameters),
    definition,
    sha256: exported.sha256,
  };
}

/** A user's module: a family's member as default export. Every error is one line with a place. */
export class OwnExport {
  readonly shown: string;
  /** SHA-256 of the text, hex. */
  readonly sha256: string;
  readonly #noun: string;
  readonly #value: Readonly<Record<string, unknown>>;

  /** @param noun e.g. `predictor` @throws UserError unless the default export is an object with a name */
  constructor(noun: string, shown: string, sha256: string, value: unknown) {
    this.#noun = noun;
    this.shown = shown;
    this.sha256 = sha256;
    if (typeof value !== 'object' || value === null)
      throw this.wrong(
        `${value === undefined ? 'there is no default export; it' : 'the default export'} must be a ${noun} definition (an object)`,
      );
    this.#value = value as Readonly<Record<string, unknown>>;
    if (typeof this.#value.name !== 'string' || this.#value.name === '') throw this.wrong('the default export lacks "name" (text)');
    this.#checkParameters(this.#value.parameters);
  }

  /** Default export, checked as far as methods below were called. */
  get value(): unknown {
    return this.#value;
  }

  get name(): string {
    return this.#value.name as string;
  }

  /** Error with a hint on the module. */
  wrong(what: string): UserError {
    return new UserError(`${this.shown}: ${what}; the contract is in the types of the package (moeprof/dist/index.d.ts)`);
  }

  /** @throws UserError if a built-in member has the same name */
  nameApart(taken: readonly string[]): void {
    if (taken.includes(this.name)) throw this.wrong(`"name" is that of moeprof's own ${this.#noun} ${this.name}; choose another`);
  }

  /** @param noun default summary */
  described(noun: string): { readonly name: string; readonly summary: string; readonly cites: string } {
    return { name: this.name, summary: this.textOr('summary', `the ${noun} of ${this.shown}`), cites: this.textOr('cites', this.shown) };
  }

  textOr(field: string, otherwise: string): string {
    const text = this.#value[field];
    return typeof text === 'string' ? text : otherwise;
  }

  /** @throws UserError for a missing method or a non-function. @param signature `create(context, parameters)` */
  requireMethod(signature: string): void {
    if (typeof this.#value[signature.replace(/\(.*/, '')] !== 'function')
      throw this.wrong(`the default export lacks "${signature}" (a function)`);
  }

  /** @throws UserError for a present non-function */
  optionalMethod(field: string): void {
    const value = this.#value[field];
    if (value !== undefined && typeof value !== 'function') throw this.wrong(`"${field}" must be a function`);
  }

  /** @throws UserError for a list with words outside `words` */
  wordsOf(field: string, words: readonly string[]): void {
    const value = this.#value[field];
    if (value === undefined || (Array.isArray(value) && value.every((word) => words.includes(word as string)))) return;
    throw this.wrong(`"${field}" must be a list of ${words.join(', ')}`);
  }

  /** @throws UserError naming the first missing method */
  made<T>(member: T, methods: readonly (keyof T & string)[], by = 'create'): T {
    const found = member as { readonly then?: unknown } | null | undefined;
    if (typeof found !== 'object' || found === null) throw this.wrong(`"${by}" must return an object, not ${String(found)}`);
    if (typeof found.then === 'function') throw this.wrong(`"${by}" returns a promise; it must not be async`);
    const missing = methods.find((method) => typeof member[method] !== 'function');
    if (missing !== undefined) throw this.wrong(`what "${by}" returns lacks the method "${missing}"`);
    return member;
  }

  /** Runs user code; an error becomes one line with a place. */
  run<T>(method: string, work: () => T): T {
    try {
      return work();
    } catch (error) {
      throw this.thrown(method, error);
    }
  }

  /** Present methods of `member`, guarded as in {@link run}. Absent methods stay absent. */
  guarded<T extends object, K extends keyof T & string>(member: T, methods: readonly K[]): Pick<T, K> {
    const call = (method: K, given: unknown[]): unknown =>
      this.run(method, () => (member as Record<K, (...given: unknown[]) => unknown>)[method](...given));
    const there = methods.filter((method) => member[method] !== undefined);
    return Object.fromEntries(there.map((method) => [method, (...given: unknown[]) => call(method, given)])) as unknown as Pick<T, K>;
  }

  thrown(method: string, error: unknown): Error {
    if (error instanceof UserError || error instanceof InternalError) return error;
    return new UserError(`${placeOfThrow(error) ?? this.shown}: ${method} threw ${describedThrow(error)}`);
  }

  #checkParameters(table: unknown): void {
    if (table === undefined) return;
    if (typeof table !== 'object' || table === null) throw this.wrong('"parameters" must be an object');
    for (const [key, parameter] of Object.entries(table)) {
      const fallback = (parameter as { readonly default?: unknown } | null)?.default;
      if (!['number', 'string', 'boolean'].includes(typeof fallback))
        throw this.wrong(`parameter "${key}" lacks a default, whose type (number, text or truth value) is the parameter's`);
    }
  }
}

const UNTRUSTED = 'is code that this process may not run; start the worker with --modules <folder that has it>';

/** @throws UserError if not loadable or forbidden */
export async function importOwn(noun: string, path: string): Promise<OwnExport> {
  const shown = shownPath(path);
  // Otherwise an import of a non-file would never end.
  const sha256 = newSha256().update(readText(shown, 'module')).digest('hex');
  if (/\.[mc]?ts$/.test(path) && !stripsTypes()) {
    const instead = `name what tsc makes of it (${shown.replace(/ts$/, 'js')}), or use Node 22.18 or later`;
    throw new UserError(`${shown}: is TypeScript, which Node ${runtimeVersion.slice(1)} does not run; ${instead}`);
  }
  const place = placeOnDisk(path);
  if (!mayImport(place)) throw new UserError(`${shown}: ${UNTRUSTED}`);
  const trouble = loadFailure(place, sha256);
  if (trouble !== null) throw new UserError(`${shown}: cannot be loaded as a ${noun}: ${trouble}`);
  forbidExit();
  let module: { readonly default?: unknown };
  try {
    module = (await importFile(place)) as typeof module;
  } catch (error) {
    const where = (error instanceof SyntaxError ? placeOfSyntax(error, path) : placeOfThrow(error)) ?? shown;
    throw new UserError(`${where}: cannot be loaded as a ${noun}: ${describedThrow(error)}`);
  }
  return new OwnExport(noun, shown, sha256, module.default);
}

/** Exit code of a trial with a finished import. */
const LOADED = 97;
/** Time limit of a trial, ms. Ours. */
const PATIENCE_MS = 60_000;
/** Heap of a trial, MiB: a trial runs out of memory before the machine. Ours. */
const HEAP_MIB = 2048;

/** Key of trial outcomes inherited by threads. */
const TRIED = 'moeprof: tried modules';

type Outcomes = Map<string, string | null>;

/** In a separate process, once per text. @returns fault (`it ends its process (exit(7))`), or null */
export function loadFailure(path: string, sha256: string): string | null {
  const module = `${path} ${sha256}`;
  const tried = (inherited(TRIED) as Outcomes | undefined) ?? new Map();
  if (!tried.has(module)) passOn(TRIED, tried.set(module, outcomeOf(path)));
  return tried.get(module)!;
}

function outcomeOf(path: string): string | null {
  const script = `const { exit } = process; const end = () => exit.call(process, ${LOADED}); import(${JSON.stringify(pathToFileURL(path).href)}).then(end, end);`;
  const { error, signal, status } = runScript(script, { timeout: PATIENCE_MS, killSignal: 'SIGKILL', heapMib: HEAP_MIB });
  if (codeOf(error) === 'ETIMEDOUT') return `it is still loading after ${PATIENCE_MS / 1000} s`;
  if (error !== undefined || status === LOADED) return null;
  return `it ends its process (${signal ?? `process.exit(${status})`})`;
}

let guarded = false;

function forbidExit(): void {
  if (guarded) return;
  guarded = true;
  refuseExit((call) => (placeOfThrow(call) === null ? null : call));
}
