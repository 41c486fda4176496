// Sound inputs with one value bent, so that what lies behind the parser is reached: a field that its schema has may be added before.
import { parse } from 'yaml';
import type { Random } from '../../src/base/random.js';
import { type JsonSchema, jsonSchemaOf, type SchemaKind } from '../../src/cli/schema.js';
import type { mutate } from './mutate.js';

/** Numbers that were never meant. NaN is spelt as the layout has it. */
const NUMBERS = [
  '0',
  '-1',
  '1e9',
  '9007199254740992',
  '9007199254740993',
  'NaN',
  '1e309',
  '-0',
  '0.5',
  '1e-300',
  '1',
  '65536',
  '2147483648',
];
/** Names of `Object.prototype`, and texts that are empty, long, or say something to somebody. */
const NAMES = ['__proto__', 'constructor', 'toString', 'hasOwnProperty', 'valueOf', '', '-', '*', '../x', '\u202e', 'x'.repeat(10_000)];
/** Texts that fields of schemas may want. */
const TEXTS = [
  ...['1 GiB', '8GiB', '25%', '16/layer', '10us', '3ms', '25 GB/s', '1 TFLOP/s', '1..3', '>0.4', 'synthetic', 'a'],
  ...['lru', 'fiddler', 'mini-mixtral-8x8l', 'rtx-3090+64GB', 'q4_k_m', 'transition', 'per-request', 'shortest', 'cpu', 'load'],
];

/** A text that stands in the printed input as it is. */
class Raw {
  readonly text: string;
  constructor(text: string) {
    this.text = text;
  }
}

const pick = <T>(list: readonly T[], random: Random): T => list[random.below(list.length)]!;
const isContainer = (value: unknown): value is Record<string, unknown> =>
  typeof value === 'object' && value !== null && !(value instanceof Raw);

/** A value in another's place. */
function bentValue(value: unknown, random: Random): unknown {
  const number = (): string => pick(NUMBERS, random);
  if (random.below(8) === 0) return pick<unknown>([new Raw(number()), pick(NAMES, random), null, true, [], {}, [[]]], random);
  if (typeof value === 'number') return new Raw(number());
  if (typeof value === 'string') return bentText(value, random);
  if (Array.isArray(value)) return bentList(value, random);
  if (isContainer(value)) return bentObject(value, random);
  return pick<unknown>([null, true, false, 0, '', new Raw(number())], random);
}

/** A text with another number or another word, or another text. */
function bentText(text: string, random: Random): string {
  const numbers = [...text.matchAll(/\d+(?:\.\d+)?/g)];
  const words = [...text.matchAll(/[A-Za-z_]\w*/g)];
  const place = random.below(3) === 0 ? pick([...numbers, ...words, null], random) : numbers.length > 0 ? pick(numbers, random) : null;
  if (place === null) return pick(NAMES, random);
  const other = /^\d/.test(place[0]) ? pick(NUMBERS, random) : pick(NAMES, random);
  return text.slice(0, place.index) + other + text.slice(place.index + place[0].length);
}

function bentList(list: readonly unknown[], random: Random): unknown[] {
  const at = random.below(Math.max(1, list.length));
  switch (random.below(6)) {
    case 0:
      return [];
    case 1:
      return [...list, ...list];
    case 2:
      return list.toSpliced(at, 1);
    case 3:
      return list.toSpliced(at, 0, list[at]);
    case 4:
      return [list];
    default: // A long one, of numbers longer.
      return new Array<unknown>(isContainer(list[at]) ? 2000 : 20_000).fill(list[at] ?? 0);
  }
}

function bentObject(object: Record<string, unknown>, random: Random): unknown {
  const entries = Object.entries(object);
  const at = random.below(Math.max(1, entries.length));
  const [key = 'a', value] = entries[at] ?? [];
  const name = pick(NAMES, random);
  const changed = {
    lost: entries.toSpliced(at, 1),
    renamed: entries.toSpliced(at, 1, [name, value]),
    added: [...entries, [name, pick([0, {}, [], value], random)] as [string, unknown]],
    swapped: entries.map(([other, inner], index): [string, unknown] => (index === at ? [other, pick(entries, random)[1]] : [other, inner])),
    inside: [[key, object] as [string, unknown]],
  };
  return Object.fromEntries(pick(Object.values(changed), random));
}

/** A tree with one value bent, at a random depth. */
function bentTree(tree: unknown, random: Random): unknown {
  if (!isContainer(tree) || random.below(5) === 0) return bentValue(tree, random);
  const keys = Object.keys(tree);
  if (keys.length === 0) return bentValue(tree, random);
  const key = pick(keys, random);
  const inner = bentTree(tree[key], random);
  if (Array.isArray(tree)) return tree.with(Number(key), inner);
  return Object.fromEntries(Object.entries(tree).map(([other, value]) => [other, other === key ? inner : value]));
}

/** A schema without references and choices. */
function settled(schema: JsonSchema, root: JsonSchema, random: Random): JsonSchema {
  const choices = schema.anyOf ?? schema.oneOf ?? (schema.allOf as readonly JsonSchema[] | undefined);
  if (choices !== undefined) return settled(pick(choices, random), root, random);
  if (typeof schema.$ref !== 'string') return schema;
  const named = schema.$ref.split('/').slice(1);
  return settled(named.reduce<unknown>((part, key) => (part as Record<string, unknown>)[key], root) as JsonSchema, root, random);
}

/** A value that a schema may take, but for what it cannot tell. */
function drawn(given: JsonSchema, root: JsonSchema, random: Random, depth: number): unknown {
  const schema = settled(given, root, random);
  const {
    items,
    minimum = 0,
    maximum = 100,
    properties = {},
    required = [],
    type,
  } = schema as JsonSchema & Record<string, number | undefined>;
  const named = (schema.enum ?? schema.examples) as readonly unknown[] | undefined;
  if (schema.const !== undefined) return schema.const;
  if (named !== undefined && named.length > 0) return pick(named, random);
  switch (Array.isArray(type) ? pick(type as string[], random) : type) {
    case 'integer':
      return Math.min(Number(maximum), Number(minimum) + random.below(4));
    case 'number':
      return Math.min(Number(maximum), Number(minimum) + random.next());
    case 'boolean':
      return random.below(2) === 0;
    case 'array': {
      const of = (Array.isArray(items) ? items[0] : items) as JsonSchema | undefined;
      return of === undefined || depth > 6 ? [] : Array.from({ length: 1 + random.below(3) }, () => drawn(of, root, random, depth + 1));
    }
    case 'object': {
      const taken = Object.entries(properties as Record<string, JsonSchema>).filter(
        ([name]) => (required as unknown as string[]).includes(name) || (depth < 4 && random.below(3) === 0),
      );
      return Object.fromEntries(taken.map(([name, part]) => [name, drawn(part, root, random, depth + 1)]));
    }
    default:
      return pick(TEXTS, random);
  }
}

/** A tree with one more field of its schema, at a random depth. */
function grafted(tree: unknown, given: JsonSchema, root: JsonSchema, random: Random): unknown {
  const { items, properties } = settled(given, root, random);
  if (Array.isArray(tree)) {
    const of = (Array.isArray(items) ? items[0] : items) as JsonSchema | undefined;
    if (of === undefined || tree.length === 0) return tree;
    const at = random.below(tree.length);
    return tree.with(at, grafted(tree[at], of, root, random));
  }
  if (!isContainer(tree) || properties === undefined) return tree;
  const [name, part] = pick(Object.entries(properties), random);
  const has = Object.hasOwn(tree, name);
  return { ...tree, [name]: has ? grafted(tree[name], part, root, random) : drawn(part, root, random, 0) };
}

/** JSON, in which YAML differs by the name of what is no number. */
function printed(tree: unknown, nan: string): string {
  const raws: string[] = [];
  const text =
    JSON.stringify(tree, (_, value: unknown) => (value instanceof Raw ? `\u0001${raws.push(value.text) - 1}\u0001` : value)) ?? 'null';
  return text.replace(/"\\u0001(\d+)\\u0001"/g, (_, at: string) => raws[Number(at)]!.replace('NaN', nan));
}

function jsonOf(text: string): { readonly tree: unknown } | null {
  try {
    return { tree: JSON.parse(text) as unknown };
  } catch {
    return null;
  }
}

/** A way to damage inputs of one kind. @param kind of the schema from which fields are added; null: it has none */
export function bending(kind: SchemaKind | null, ending = '.json'): typeof mutate {
  const schema = kind === null ? null : jsonSchemaOf(kind);
  const changed = (tree: unknown, random: Random): unknown => {
    const more = schema !== null && random.below(2) === 0 ? grafted(tree, schema, schema, random) : tree;
    // One in eight is not bent, but for the field.
    return random.below(8) === 0 ? more : bentTree(more, random);
  };
  return (bytes, random) => {
    const text = Buffer.from(bytes).toString();
    const whole = jsonOf(text) ?? (ending === '.yaml' ? { tree: parse(text) as unknown } : null);
    if (whole !== null) return Buffer.from(printed(changed(whole.tree, random), ending === '.yaml' ? '.nan' : 'NaN'));
    const lines = text.split('\n');
    const at = random.below(Math.max(1, text.endsWith('\n') ? lines.length - 1 : lines.length));
    const line = lines[at]!;
    const entry = jsonOf(line.replace(/^data: /, ''));
    const bent = (): string =>
      entry === null ? bentText(line, random) : /^(?:data: )?/.exec(line)![0] + printed(changed(entry.tree, random), 'NaN');
    const ways = [bent, bent, bent, bent, bent, bent, () => `${line}\n`.repeat(2000), () => ''];
    return Buffer.from(lines.with(at, pick(ways, random)()).join('\n'));
  };
}
