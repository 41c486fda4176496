// A validator of the part of JSON Schema (draft 7) that our schemas use. An unknown keyword is an error, so that none is skipped.

interface Schema {
  readonly [keyword: string]: unknown;
}

const ANNOTATIONS = new Set(['$schema', 'title', 'description', 'default', 'examples', 'format']);

/** What of `value` is against the schema, one line each: `path: what`. */
export function violations(schema: Schema, value: unknown, path = '$'): string[] {
  return Object.entries(schema).flatMap(([keyword, expected]) => {
    if (ANNOTATIONS.has(keyword)) return [];
    const inner = innerViolations(schema, keyword, value, path);
    if (inner !== null) return inner;
    const found = complaint(keyword, expected, value, path);
    return found === null ? [] : [`${path}: ${found}`];
  });
}

/** What is wrong with the parts of a value, by a keyword of parts; null where it is none. */
function innerViolations(schema: Schema, keyword: string, value: unknown, path: string): string[] | null {
  const expected = schema[keyword];
  const entries = isObject(value) ? Object.entries(value) : [];
  switch (keyword) {
    case 'items':
      return (Array.isArray(value) ? value : []).flatMap((item, index) => {
        const own = Array.isArray(expected) ? (expected as Schema[])[index] : (expected as Schema);
        return own === undefined ? [] : violations(own, item, `${path}[${index}]`);
      });
    case 'additionalItems': {
      const listed = Array.isArray(schema.items) ? schema.items.length : Number.POSITIVE_INFINITY;
      return expected === false && Array.isArray(value) && value.length > listed ? [`${path}: has more than ${listed} entries`] : [];
    }
    case 'required':
      return isObject(value) ? (expected as string[]).filter((key) => !(key in value)).map((key) => `${path}: lacks ${key}`) : [];
    case 'properties': {
      const known = Object.entries(expected as Record<string, Schema>);
      return isObject(value) ? known.flatMap(([key, inner]) => (key in value ? violations(inner, value[key], `${path}.${key}`) : [])) : [];
    }
    case 'propertyNames':
      return entries.flatMap(([key]) => violations(expected as Schema, key, `${path}.${key}`));
    case 'additionalProperties': {
      if (expected === true) return [];
      const known = Object.keys((schema.properties as object | undefined) ?? {});
      const others = entries.filter(([key]) => !known.includes(key));
      if (expected === false) return others.map(([key]) => `${path}: has the unknown key ${key}`);
      return others.flatMap(([key, inner]) => violations(expected as Schema, inner, `${path}.${key}`));
    }
    default:
      return null;
  }
}

/** What is wrong with a value as a whole; null: nothing. @throws Error for a keyword that nothing here supports */
function complaint(keyword: string, expected: unknown, value: unknown, path: string): string | null {
  const number = typeof value === 'number' ? value : Number.NaN;
  const length = Array.isArray(value) ? value.length : Number.NaN;
  switch (keyword) {
    case 'type': {
      const types = [expected].flat() as string[];
      return types.some((type) => isOfType(value, type)) ? null : `is not ${types.join(' or ')}`;
    }
    case 'const':
      return value === expected ? null : `is not ${JSON.stringify(expected)}`;
    case 'enum':
      return (expected as unknown[]).includes(value) ? null : `is not one of ${JSON.stringify(expected)}`;
    case 'minimum':
      return number < (expected as number) ? `is below ${expected}` : null;
    case 'maximum':
      return number > (expected as number) ? `is above ${expected}` : null;
    case 'exclusiveMinimum':
      return number <= (expected as number) ? `is not above ${expected}` : null;
    case 'exclusiveMaximum':
      return number >= (expected as number) ? `is not below ${expected}` : null;
    case 'minLength':
      return typeof value === 'string' && value.length < (expected as number) ? `is shorter than ${expected}` : null;
    case 'maxLength':
      return typeof value === 'string' && value.length > (expected as number) ? `is longer than ${expected}` : null;
    case 'pattern':
      return typeof value === 'string' && !new RegExp(expected as string, 'u').test(value) ? `does not match ${expected}` : null;
    case 'minItems':
      return length < (expected as number) ? `has fewer than ${expected} entries` : null;
    case 'maxItems':
      return length > (expected as number) ? `has more than ${expected} entries` : null;
    case 'anyOf':
    case 'oneOf': {
      const members = (expected as Schema[]).map((member) => violations(member, value, path));
      if (members.some((member) => member.length === 0)) return null;
      return `fits none of ${members.length}: ${members.flat().join('; ')}`;
    }
    default:
      throw new Error(`keyword ${keyword} is not supported by test/support/json-schema.ts`);
  }
}

function isOfType(value: unknown, type: string): boolean {
  switch (type) {
    case 'object':
      return isObject(value);
    case 'array':
      return Array.isArray(value);
    case 'integer':
      return Number.isInteger(value);
    case 'null':
      return value === null;
    case 'number':
    case 'string':
    case 'boolean':
      return typeof value === type;
    default:
      throw new Error(`unknown type ${type}`);
  }
}

function isObject(value: unknown): value is Record<string, unknown> {
  return typeof value === 'object' && value !== null && !Array.isArray(value);
}
