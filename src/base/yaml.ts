// YAML files checked by a zod schema. What is wrong is said in one line with the file's own line and column, because a profile is
// edited by hand and a path into an object is not where the cursor stands.
import { readFileSync } from 'node:fs';
import { isMap, isScalar, isSeq, LineCounter, type Node, type Pair, parseDocument } from 'yaml';
import { z } from 'zod';
import { messageOf, UserError } from './errors.js';
import { didYouMean, nearest } from './text.js';
import { type Quantity, refusal } from './units.js';

/** A checked value and where its parts stand in the file. */
export interface Located<T> {
  readonly value: T;
  /** `file:line:col` of the value at this path; of its nearest parent that stands in the file, where it is a default. */
  place(...path: readonly (string | number)[]): string;
}

type Path = readonly PropertyKey[];
type Issue = z.core.$ZodIssue;

/**
 * Reads a text file.
 * @throws UserError that says plainly why it cannot be read
 */
export function readText(path: string): string {
  try {
    return readFileSync(path, 'utf8');
  } catch (error) {
    const code = (error as NodeJS.ErrnoException).code;
    if (code === 'ENOENT' || code === 'ENOTDIR') throw new UserError(`${path}: there is no such file`);
    if (code === 'EISDIR') throw new UserError(`${path}: is a folder, not a file`);
    if (code === 'EACCES' || code === 'EPERM') throw new UserError(`${path}: may not be read (permission denied)`);
    throw new UserError(`${path}: cannot be read: ${messageOf(error)}`);
  }
}

/**
 * Reads and checks a YAML file.
 * @throws UserError `file:line:col: path: what is wrong, and what to write instead`
 */
export function readYaml<T>(path: string, schema: z.ZodType<T>): T {
  return parseYaml(readText(path), path, schema);
}

/**
 * Checks YAML text; `path` is only for messages.
 * @throws UserError as {@link readYaml}
 */
export function parseYaml<T>(text: string, path: string, schema: z.ZodType<T>): T {
  return locateYaml(text, path, schema).value;
}

/**
 * As {@link parseYaml}, and remembers where everything stands, for checks that a schema cannot make.
 * @throws UserError as {@link readYaml}
 */
export function locateYaml<T>(text: string, path: string, schema: z.ZodType<T>): Located<T> {
  const lines = new LineCounter();
  const document = parseDocument(text, { lineCounter: lines, prettyErrors: false });
  const at = (offset: number): string => {
    const { line, col } = lines.linePos(offset);
    return `${path}:${Math.max(line, 1)}:${Math.max(col, 1)}`;
  };
  const broken = document.errors[0] ?? document.warnings[0];
  if (broken !== undefined) throw new UserError(`${at(broken.pos[0])}: ${syntaxMessage(broken.code, broken.message)}`);
  if (document.contents === null) throw new UserError(`${path}:1:1: the file is empty`);
  let raw: unknown;
  try {
    raw = document.toJS({ maxAliasCount: 100 });
  } catch (error) {
    throw new UserError(`${path}:1:1: cannot be read as YAML: ${messageOf(error)}`);
  }
  const place = (where: Path, unknownKey?: string): string => at(offsetOf(document.contents as Node, where, unknownKey));
  const result = schema.safeParse(raw, { reportInput: true });
  if (result.success) return { value: result.data, place: (...where) => place(where) };

  const issues = result.error.issues.flatMap(innermost);
  // A mistyped key also makes the right one missing: the key is what the user must see. Else whatever stands first in the file.
  const first = issues
    .map((issue) => ({ issue, key: issue.code === 'unrecognized_keys' ? issue.keys[0] : undefined }))
    .map((found) => ({ ...found, offset: offsetOf(document.contents as Node, found.issue.path, found.key) }))
    .sort((a, b) => Number(b.key !== undefined) - Number(a.key !== undefined) || a.offset - b.offset)[0]!;
  const dotted = first.issue.path.map(String).join('.');
  const more = issues.length > 1 ? ` (${issues.length - 1} more)` : '';
  throw new UserError(`${at(first.offset)}: ${dotted === '' ? '' : `${dotted}: `}${describe(first.issue, raw, schema)}${more}`);
}

/** A schema field that takes a quantity, written as a number or with its unit, and gives it in the inner unit. */
export function quantity(kind: Quantity): z.ZodType<number, string | number> {
  return z
    .union([z.number(), z.string()], {
      error: (issue) => (issue.input === undefined ? undefined : refusal(kind, issue.input)),
    })
    .transform((value, context) => {
      const read = kind.read(value);
      if (read !== null) return read;
      context.addIssue({ code: 'custom', message: refusal(kind, value), input: value });
      return z.NEVER;
    });
}

function syntaxMessage(code: string, message: string): string {
  if (code === 'DUPLICATE_KEY') return 'this key stands twice; keep one of them';
  return message.replace(/\s+/g, ' ').replace(/\.$/, '');
}

/** Offset of the node at `path`, of the key `unknownKey` inside it, or of the nearest parent that exists. */
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

function pairOf(items: readonly Pair[], key: PropertyKey): Pair | undefined {
  return items.find((pair) => String(isScalar(pair.key) ? pair.key.value : pair.key) === String(key));
}

function rangeOf(node: unknown): number | undefined {
  return (node as Partial<Node> | null | undefined)?.range?.[0];
}

/** The issues of the union member that got furthest; any other issue is itself. */
function innermost(issue: Issue): Issue[] {
  if (issue.code !== 'invalid_union' || issue.errors.length === 0) return [issue];
  // Members whose very type did not fit say nothing; of the others the one with the fewest complaints is what was meant.
  const members = issue.errors.filter((member) => !member.some((inner) => inner.path.length === 0 && inner.code === 'invalid_type'));
  const best = members.sort((a, b) => a.length - b.length)[0];
  if (best === undefined) return [issue];
  return best.flatMap((inner) => innermost({ ...inner, path: [...issue.path, ...inner.path] } as Issue));
}

function describe(issue: Issue, raw: unknown, schema: z.ZodType): string {
  const received = valueAt(raw, issue.path);
  switch (issue.code) {
    case 'unrecognized_keys': {
      const known = keysAt(schema, issue.path);
      return `unknown key "${issue.keys[0]}"; ${didYouMean(issue.keys[0]!, known)}`;
    }
    case 'invalid_type':
      if (received === undefined) return `is missing; expected ${article(issue.expected)}`;
      return issue.message.startsWith('Invalid input') ? `expected ${article(issue.expected)}, not ${show(received)}` : issue.message;
    case 'invalid_value':
      return notAmong(issue.values.map(String), received);
    case 'too_small':
    case 'too_big': {
      const bound = `${issue.code === 'too_small' ? (issue.inclusive ? 'at least' : 'more than') : issue.inclusive ? 'at most' : 'less than'}`;
      const limit = String(issue.code === 'too_small' ? issue.minimum : issue.maximum);
      if (issue.origin === 'array' || issue.origin === 'set') return `needs ${bound} ${limit} entries`;
      if (issue.origin === 'string') return `needs ${bound} ${limit} characters`;
      return `must be ${bound} ${limit}, not ${show(received)}`;
    }
    case 'invalid_union':
      if ('options' in issue && Array.isArray(issue.options)) return notAmong(issue.options.map(String), received);
      if (received === undefined) return 'is missing';
      return issue.message.startsWith('Invalid input') ? `cannot be ${show(received)}` : issue.message;
    case 'invalid_key':
      return `bad key: ${issue.issues[0]?.message ?? issue.message}`;
    default:
      return issue.message;
  }
}

function notAmong(values: readonly string[], received: unknown): string {
  if (received === undefined) return `is missing; write one of ${values.join(', ')}`;
  if (values.length === 1) return `must be ${values[0]}, not ${show(received)}`;
  const near = typeof received === 'string' ? nearest(received, values, 1)[0] : undefined;
  return `must be one of ${values.join(', ')}, not ${show(received)}${near === undefined ? '' : `; did you mean "${near}"?`}`;
}

function article(type: string): string {
  const names: Readonly<Record<string, string>> = {
    int: 'a whole number',
    number: 'a number',
    string: 'text',
    boolean: 'true or false',
    object: 'a mapping (key: value)',
    record: 'a mapping (key: value)',
    array: 'a list',
  };
  return names[type] ?? type;
}

function show(value: unknown): string {
  const text = JSON.stringify(value) ?? String(value);
  return text.length > 60 ? `${text.slice(0, 57)}...` : text;
}

function valueAt(raw: unknown, path: Path): unknown {
  let value = raw;
  for (const step of path) value = (value as Record<PropertyKey, unknown> | null | undefined)?.[step];
  return value;
}

/** Keys that the schema knows at a path, through optional fields, defaults, transforms, unions, arrays and records. */
function keysAt(schema: z.core.$ZodType, path: Path): string[] {
  let schemas = objectsOf(schema);
  for (const step of path) schemas = schemas.flatMap((one) => childrenOf(one, step)).flatMap(objectsOf);
  return [...new Set(schemas.flatMap((one) => (one instanceof z.ZodObject ? Object.keys(one.shape) : [])))];
}

function childrenOf(schema: z.core.$ZodType, step: PropertyKey): z.core.$ZodType[] {
  if (schema instanceof z.ZodObject) return step in schema.shape ? [schema.shape[String(step)] as z.core.$ZodType] : [];
  if (schema instanceof z.ZodArray) return [schema.element];
  if (schema instanceof z.ZodRecord) return [schema.valueType];
  return [];
}

/** The container schemas inside wrappers. */
function objectsOf(schema: z.core.$ZodType): z.core.$ZodType[] {
  if (schema instanceof z.ZodUnion) return schema.options.flatMap((option) => objectsOf(option));
  if (schema instanceof z.ZodOptional || schema instanceof z.ZodNullable || schema instanceof z.ZodDefault)
    return objectsOf(schema.unwrap());
  if (schema instanceof z.ZodPipe) return objectsOf(schema.in);
  if (schema instanceof z.ZodLazy) return objectsOf(schema.unwrap());
  return [schema];
}
