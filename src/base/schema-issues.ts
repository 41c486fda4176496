import { z } from 'zod';
import { byName, ownValue } from './objects.js';
import { didYouMean, nearest, quoted, suggested } from './text.js';

type Path = readonly PropertyKey[];
type Issue = z.core.$ZodIssue;

/** Issues of the union member that matched furthest; other issues unchanged. */
export function innermost(issue: Issue): Issue[] {
  if (issue.code !== 'invalid_union' || issue.errors.length === 0) return [issue];
  // The type selects members; fewest issues mark the intended member.
  const members = issue.errors.filter((member) => !member.some((inner) => inner.path.length === 0 && inner.code === 'invalid_type'));
  const best = members.sort((a, b) => a.length - b.length)[0];
  if (best === undefined) return [issue];
  return best.flatMap((inner) => innermost({ ...inner, path: [...issue.path, ...inner.path] } as Issue));
}

/** Describes fault and remedy in one line, without the place. */
export function describeIssue(issue: Issue, raw: unknown, schema: z.ZodType): string {
  const received = valueAt(raw, issue.path);
  switch (issue.code) {
    case 'unrecognized_keys': {
      const known = keysAt(schema, issue.path);
      const [key = ''] = issue.keys;
      const below = known.flatMap((name) => keysAt(schema, [...issue.path, name]).map((inner) => `${name}.${inner}`));
      const ends = nearest(key, known).length > 0 ? [] : below.filter((inner) => inner.toLowerCase().endsWith(key.toLowerCase()));
      return `unknown key "${key}"; ${ends.length > 0 ? suggested(ends.slice(0, 3)) : didYouMean(key, known)}`;
    }
    case 'invalid_type':
      if (received === undefined) return `is missing; expected ${article(issue.expected)}`;
      return issue.message.startsWith('Invalid input') ? `expected ${article(issue.expected)}, not ${quoted(received)}` : issue.message;
    case 'invalid_value':
      return notAmong(issue.values.map(String), received);
    case 'too_small':
    case 'too_big': {
      const bound = `${issue.code === 'too_small' ? (issue.inclusive ? 'at least' : 'more than') : issue.inclusive ? 'at most' : 'less than'}`;
      const limit = String(issue.code === 'too_small' ? issue.minimum : issue.maximum);
      if (issue.origin === 'array' || issue.origin === 'set') return `needs ${bound} ${limit} entries`;
      if (issue.origin === 'string') return `needs ${bound} ${limit} characters`;
      return `must be ${bound} ${limit}, not ${quoted(received)}`;
    }
    case 'invalid_union':
      if ('options' in issue && Array.isArray(issue.options)) return notAmong(issue.options.map(String), received);
      if (received === undefined) return 'is missing';
      return issue.message.startsWith('Invalid input') ? `cannot be ${quoted(received)}` : issue.message;
    case 'invalid_key':
      return `bad key: ${issue.issues[0]?.message ?? issue.message}`;
    default:
      return issue.message;
  }
}

function notAmong(values: readonly string[], received: unknown): string {
  if (received === undefined) return `is missing; write one of ${values.join(', ')}`;
  if (values.length === 1) return `must be ${values[0]}, not ${quoted(received)}`;
  const near = typeof received === 'string' ? nearest(received, values, 1)[0] : undefined;
  return `must be one of ${values.join(', ')}, not ${quoted(received)}${near === undefined ? '' : `; did you mean "${near}"?`}`;
}

function article(type: string): string {
  const names = byName<string>({
    int: 'a whole number',
    number: 'a number',
    string: 'text',
    boolean: 'true or false',
    object: 'a mapping (key: value)',
    record: 'a mapping (key: value)',
    array: 'a list',
  });
  return names[type] ?? type;
}

/** Value at a path, or undefined. */
export function valueAt(raw: unknown, path: Path): unknown {
  let value = raw;
  for (const step of path) value = ownValue(value, step);
  return value;
}

function keysAt(schema: z.core.$ZodType, path: Path): string[] {
  let schemas = objectsOf(schema);
  for (const step of path) schemas = schemas.flatMap((schema) => childrenOf(schema, step)).flatMap(objectsOf);
  return [...new Set(schemas.flatMap((schema) => (schema instanceof z.ZodObject ? Object.keys(schema.shape) : [])))];
}

function childrenOf(schema: z.core.$ZodType, step: PropertyKey): z.core.$ZodType[] {
  if (schema instanceof z.ZodObject) return [ownValue<z.core.$ZodType>(schema.shape, step)].filter((inner) => inner !== undefined);
  if (schema instanceof z.ZodArray) return [schema.element];
  if (schema instanceof z.ZodRecord) return [schema.valueType];
  return [];
}

function objectsOf(schema: z.core.$ZodType): z.core.$ZodType[] {
  if (schema instanceof z.ZodUnion) return schema.options.flatMap((option) => objectsOf(option));
  if (
    schema instanceof z.ZodOptional ||
    schema instanceof z.ZodNullable ||
    schema instanceof z.ZodDefault ||
    schema instanceof z.ZodPrefault
  )
    return objectsOf(schema.unwrap());
  if (schema instanceof z.ZodPipe) return objectsOf(schema.in);
  if (schema instanceof z.ZodLazy) return objectsOf(schema.unwrap());
  return [schema];
}
