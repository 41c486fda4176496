import { isMap, isScalar, isSeq, LineCounter, type Node, type Pair, parse, parseDocument } from 'yaml';
import { z } from 'zod';
import { messageOf, UserError } from './errors.js';
import { readText } from './input-file.js';
import { nestsTooDeep } from './nesting.js';
import { hasKeys, ownValue, remembered, rememberedLately } from './objects.js';
import { shownPath } from './profiles.js';
import { describeIssue, innermost, valueAt } from './schema-issues.js';
import { didYouMean } from './text.js';
import { type Quantity, refusal } from './units.js';

/** Origin of each given value by dotted path: `file:line:col`, or a flag. */
export type Places = Readonly<Record<string, string>>;

/** Checked value with the places of its parts. */
export interface Located<T> {
  readonly value: T;
  readonly places: Places;
  /** `file:line:col` of a path's value, for a default of its nearest parent in the file. */
  place(...path: readonly (string | number)[]): string;
  /** A part by its own schema; messages show paths from the root. @throws UserError */
  part<P>(path: readonly string[], schema: z.ZodType<P>, overrides?: readonly Override[]): Located<P>;
}

/** Value that replaces or extends a file's, e.g. by a flag or `--set path=value`. */
export interface Override {
  /** Keys from the root, e.g. `['cache', 'policy']`. */
  readonly path: readonly string[];
  readonly value: unknown;
  /** New value from the old (undefined: none); absent: `value`. */
  readonly amend?: (before: unknown) => unknown;
  /** Key for a text that becomes a mapping; absent: the text is lost. */
  readonly shorthand?: string;
  /** Origin in messages, e.g. `--policy`. */
  readonly label: string;
  /** True: from a perhaps untrusted file, not from the command line. */
  readonly fromFile?: true;
}

type Path = readonly PropertyKey[];

/** @throws UserError `file:line:col: path: fault and remedy` */
export const readYaml = <T>(path: string, schema: z.ZodType<T>, overrides: readonly Override[] = []): T =>
  locateYaml(readText(path), shownPath(path), schema, overrides).value;

/** {@link readYaml} for large bundled files; places only for errors. @param text else the file's @throws UserError */
export function readOwnYaml<T>(path: string, schema: z.ZodType<T>, text = readText(path)): T {
  try {
    const read = schema.safeParse(parse(text, QUIET));
    if (read.success) return read.data;
  } catch {
    // Reported below.
  }
  return readYaml(path, schema);
}

/** Records places of values. @param path for messages @throws UserError */
export function locateYaml<T>(text: string, path: string, schema: z.ZodType<T>, overrides: readonly Override[] = []): Located<T> {
  const { at, checked, raw, root } = parsed(text, path);
  const known = overrides.length === 0 ? checked.get(schema) : undefined;
  if (known !== undefined) return known as Located<T>;
  const located = check(raw, schema, overrides, (where, unknownKey) => {
    const offset = offsetOf(root, where, unknownKey);
    return { place: at(offset), offset };
  });
  if (overrides.length === 0) {
    frozen(located.value);
    checked.set(schema, located);
  }
  return located;
}

function frozen<T>(value: T): T {
  const plain = Array.isArray(value) || (typeof value === 'object' && value !== null && Object.getPrototypeOf(value) === Object.prototype);
  if (!plain || Object.isFrozen(value)) return value;
  for (const inner of Object.values(value as object)) frozen(inner);
  return Object.freeze(value);
}

interface ParsedText {
  readonly root: Node;
  readonly raw: unknown;
  readonly checked: WeakMap<z.ZodType, Located<unknown>>;
  at(offset: number): string;
}

/** Recently read short texts: jobs of a sweep share files. */
const KNOWN = new Map<string, ParsedText>();
/** Most remembered texts. Ours. */
const MOST_KNOWN = 64;
/** Longest remembered text, characters. Ours. */
const LONGEST_KNOWN = 2 ** 14;

function parsed(text: string, path: string): ParsedText {
  if (text.length > LONGEST_KNOWN) return parseText(text, path);
  return rememberedLately(KNOWN, MOST_KNOWN, `${path}\n${text}`, () => parseText(text, path));
}

/** @throws Error for invalid YAML */
export const flagValue = (text: string): unknown => parse(text, QUIET);

/** Parser options without warnings. */
export const QUIET = { logLevel: 'error' } as const;

function parseText(text: string, path: string): ParsedText {
  if (/^%PDF|[\0-\x08]|^PK\x03/.test(text)) throw new UserError(`${path}: is no text of YAML or JSON; is it the file that was meant?`);
  const lines = new LineCounter();
  // Checked below instead: the parser compares every pair of keys.
  const document = unlessTooDeep(path, () => parseDocument(text, { ...QUIET, lineCounter: lines, prettyErrors: false, uniqueKeys: false }));
  const at = (offset: number): string => {
    const { line, col } = lines.linePos(offset);
    return `${path}:${Math.max(line, 1)}:${Math.max(col, 1)}`;
  };
  const broken = document.errors[0] ?? document.warnings[0];
  if (broken?.code === 'RESOURCE_EXHAUSTION') throw tooDeep(path);
  if (broken !== undefined) throw new UserError(`${at(broken.pos[0])}: ${broken.message.replace(/\s+/g, ' ').replace(/\.$/, '')}`);
  const root = document.contents as Node | null;
  if (root === null) throw new UserError(`${path}:1:1: the file is empty`);
  const wrong = wrongKey(root);
  if (wrong !== null) throw new UserError(`${at(wrong.offset)}: this key ${wrong.why}`);
  const raw = unlessTooDeep(path, () => document.toJS({ maxAliasCount: 100 }) as unknown);
  if (nestsTooDeep(raw)) throw tooDeep(path);
  return { root, raw, checked: new WeakMap(), at };
}

/** A value from no file. @param label instead of `file:line:col` @throws UserError `label: path: fault and remedy` */
export const checkValue = <T>(raw: unknown, label: string, schema: z.ZodType<T>, overrides: readonly Override[] = []): T =>
  locateValue(raw, label, schema, overrides).value;

/** {@link checkValue} that records the flag of each value. @throws UserError */
export const locateValue = <T>(raw: unknown, label: string, schema: z.ZodType<T>, overrides: readonly Override[] = []): Located<T> =>
  check(raw, schema, overrides, () => ({ place: label, offset: 0 }));

type Locate = (where: Path, unknownKey?: string) => { readonly place: string; readonly offset: number };

/** @param within path from the root to `raw` */
function check<T>(
  given: unknown,
  schema: z.ZodType<T>,
  overrides: readonly Override[],
  locateInFile: Locate,
  within: Path = [],
): Located<T> {
  let raw = given;
  const placed: Override[] = [];
  for (const override of overrides) {
    const path = numbered(raw, override);
    raw = withValue(raw, path, override.amend ?? (() => override.value), override.shorthand);
    placed.push({ ...override, path });
  }
  const locate: Locate = (where, unknownKey) => {
    const full = (unknownKey === undefined ? where : [...where, unknownKey]).map(String);
    // The last override wins; an override below the faulty path may be the cause too (an unknown key inside).
    const label = placed.findLast(({ path }) => path.every((key, i) => full[i] === key))?.label;
    return label === undefined ? locateInFile(where, unknownKey) : { place: label, offset: -1 };
  };
  const result = schema.safeParse(raw, { reportInput: true });
  if (result.success) {
    let places: Places | undefined;
    return {
      value: result.data,
      // Lazy: a file of numbers has millions of places.
      get places() {
        places ??= placesOf(raw, locate);
        return places;
      },
      place: (...where) => locate(where).place,
      part: (path, partSchema, partOverrides = []) =>
        check(valueAt(raw, path), partSchema, partOverrides, (where, key) => locate([...path, ...where], key), [...within, ...path]),
    };
  }
  const issues = result.error.issues.flatMap(innermost);
  // A mistyped key also makes the right key missing, so it comes first, then wrong, then missing values.
  const rank = (issue: (typeof issues)[number]): number =>
    issue.code === 'unrecognized_keys' ? 0 : valueAt(raw, issue.path) === undefined ? 2 : 1;
  const first = issues
    .map((issue) => ({ issue, ...locate(issue.path, issue.code === 'unrecognized_keys' ? issue.keys[0] : undefined) }))
    .sort((a, b) => rank(a.issue) - rank(b.issue) || a.offset - b.offset)[0]!;
  const dotted = [...within, ...pathInside(raw, first.issue.path)].map(String).join('.');
  const more = issues.length > 1 ? ` (${issues.length - 1} more)` : '';
  throw new UserError(`${first.place}: ${dotted === '' ? '' : `${dotted}: `}${describeIssue(first.issue, raw, schema)}${more}`);
}

function placesOf(value: unknown, locate: Locate, path: Path = [], into = new Map<string, string>()): Places {
  if (path.length > 0) into.set(path.join('.'), locate(path).place);
  const inner = hasKeys(value) ? Object.entries(value) : [];
  for (const [key, value] of inner) placesOf(value, locate, [...path, key], into);
  return path.length > 0 ? {} : Object.fromEntries(into);
}

/** Part of a path inside mappings and lists. */
function pathInside(raw: unknown, path: Path): Path {
  const end = path.findIndex((_, length) => typeof (valueAt(raw, path.slice(0, length)) ?? {}) !== 'object');
  return end < 0 ? path : path.slice(0, end);
}

function numbered(root: unknown, override: Override): string[] {
  let node = root;
  return override.path.map((key) => {
    if (key === '__proto__') throw new UserError(`${override.label}: unknown key "__proto__"`);
    const step = Array.isArray(node) ? String(entryOf(node, key, override)) : key;
    node = ownValue(node, step);
    return step;
  });
}

/** @throws UserError for an absent entry of a list */
export const withOverride = (root: unknown, override: Override): unknown =>
  withValue(root, numbered(root, override), override.amend ?? (() => override.value), override.shorthand);

/** `root` with the value at `path` amended. @param shorthand key for a text on the path; absent: the text is lost */
function withValue(root: unknown, path: readonly string[], amend: (before: unknown) => unknown, shorthand?: string): unknown {
  const [key, ...rest] = path;
  if (key === undefined) return amend(root);
  if (Array.isArray(root)) return root.with(Number(key), withValue(root[Number(key)], rest, amend, shorthand));
  const named = typeof root === 'string' && shorthand !== undefined ? { [shorthand]: root } : {};
  const fields = hasKeys(root) ? root : named;
  return { ...fields, [key]: withValue(ownValue(fields, key), rest, amend, shorthand) };
}

/** By `name` or number. @throws UserError for an absent entry */
function entryOf(list: readonly unknown[], key: string, { label }: Override): number {
  const names = list.map((entry) => (hasKeys(entry) ? entry.name : undefined));
  const named = names.indexOf(key);
  if (named >= 0) return named;
  if (/^\d+$/.test(key) && Number(key) < list.length) return Number(key);
  const known = names.filter((name) => typeof name === 'string');
  const numbers = list.length === 0 ? 'the list is empty' : `use a number from 0 to ${list.length - 1}`;
  throw new UserError(`${label}: the list has no entry "${key}"; ${known.length === 0 ? numbers : didYouMean(key, known)}`);
}

/** A number or a text with a unit, in the inner unit. */
export const quantity = (kind: Quantity): z.ZodType<number, string | number> =>
  z
    .union([z.number(), z.string()], { error: (issue) => (issue.input === undefined ? undefined : refusal(kind, issue.input)) })
    .transform((value, context) => {
      const read = kind.read(value);
      if (read !== null) return read;
      context.addIssue({ code: 'custom', message: refusal(kind, value), input: value });
      return z.NEVER;
    });

/** A {@link quantity} above zero. */
export const positiveQuantity = (kind: Quantity): z.ZodType<number, string | number> =>
  quantity(kind).refine((value) => value > 0, { error: 'must be more than 0', abort: true });

/** Runs a recursive parser step. @throws UserError e.g. for a stack overflow */
function unlessTooDeep<T>(path: string, step: () => T): T {
  try {
    return step();
  } catch (error) {
    if (error instanceof RangeError) throw tooDeep(path);
    throw new UserError(`${path}:1:1: cannot be read as YAML: ${messageOf(error)}`);
  }
}

const tooDeep = (path: string): UserError =>
  new UserError(`${path}:1:1: nests far more lists and mappings than any such file; is it the right one?`);

/** First repeated or non-text key, or null. */
function wrongKey(root: Node): { readonly offset: number; readonly why: string } | null {
  const nodes: unknown[] = [root];
  let first: ReturnType<typeof wrongKey> = null;
  const wrong = (key: unknown, why: string): void => {
    const offset = rangeOf(key) ?? 0;
    if (first === null || offset < first.offset) first = { offset, why };
  };
  for (let node = nodes.pop(); node !== undefined; node = nodes.pop()) {
    if (isSeq(node)) for (const item of node.items) nodes.push(item);
    if (!isMap(node)) continue;
    const seen = new Set<unknown>();
    for (const { key, value } of node.items) {
      nodes.push(key, value);
      if (!isScalar(key)) {
        if (key !== null) wrong(key, 'is a list, a mapping or an alias; write it as a text');
        continue;
      }
      // Bytes and times of YAML 1.1.
      if (typeof key.value === 'object' && key.value !== null) wrong(key, 'is of a type of its own; write it as a text');
      if (seen.has(key.value)) wrong(key, 'stands twice; keep one of them');
      if (key.value === '__proto__') wrong(key, 'means nothing in any file; leave it out');
      seen.add(key.value);
    }
  }
  return first;
}

function offsetOf(root: Node, path: Path, unknownKey?: string): number {
  let node: unknown = root;
  let offset = root.range?.[0] ?? 0;
  for (const step of path) {
    const next: unknown = isMap(node) ? pairOf(node.items, step)?.value : isSeq(node) ? node.items[Number(step)] : undefined;
    const key: unknown = isMap(node) ? pairOf(node.items, step)?.key : undefined;
    if (next === undefined && key === undefined) return offset;
    node = next;
    offset = rangeOf(next) ?? rangeOf(key) ?? offset;
  }
  if (unknownKey !== undefined && isMap(node)) return rangeOf(pairOf(node.items, unknownKey)?.key) ?? offset;
  return offset;
}

/** Pairs of large mappings by key. */
const PAIRS = new WeakMap<readonly Pair[], ReadonlyMap<string, Pair>>();

function pairOf(items: readonly Pair[], key: PropertyKey): Pair | undefined {
  const nameOf = (pair: Pair): string => String(isScalar(pair.key) ? pair.key.value : pair.key);
  return remembered(PAIRS, items, () => new Map(items.map((pair) => [nameOf(pair), pair]))).get(String(key));
}

const rangeOf = (node: unknown): number | undefined => (node as Partial<Node> | null | undefined)?.range?.[0];
