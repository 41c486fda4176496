// A validator of the part of JSON Schema (draft 7) that our schemas use. An unknown keyword is an error, so that none is skipped.

interface Schema {
  readonly [keyword: string]: unknown;
}

const ANNOTATIONS = new Set(['$schema', 'title', 'description', 'default', 'examples', 'format']);

/** What of `value` is against the schema, one line each: `path: what`. */
export function violations(schema: Schema, value: unknown, path = '$'): string[] {
  const found: string[] = [];
  const complain = (what: string): void => void found.push(`${path}: ${what}`);
  for (const [keyword, expected] of Object.entries(schema)) {
    if (ANNOTATIONS.has(keyword)) continue;
    switch (keyword) {
      case 'type': {
        const types = [expected].flat() as string[];
        if (!types.some((type) => isOfType(value, type))) complain(`is not ${types.join(' or ')}`);
        break;
      }
      case 'const':
        if (value !== expected) complain(`is not ${JSON.stringify(expected)}`);
        break;
      case 'enum':
        if (!(expected as unknown[]).includes(value)) complain(`is not one of ${JSON.stringify(expected)}`);
        break;
      case 'minimum':
        if (typeof value === 'number' && value < (expected as number)) complain(`is below ${expected}`);
        break;
      case 'maximum':
        if (typeof value === 'number' && value > (expected as number)) complain(`is above ${expected}`);
        break;
      case 'exclusiveMinimum':
        if (typeof value === 'number' && value <= (expected as number)) complain(`is not above ${expected}`);
        break;
      case 'exclusiveMaximum':
        if (typeof value === 'number' && value >= (expected as number)) complain(`is not below ${expected}`);
        break;
      case 'minLength':
        if (typeof value === 'string' && value.length < (expected as number)) complain(`is shorter than ${expected}`);
        break;
      case 'pattern':
        if (typeof value === 'string' && !new RegExp(expected as string, 'u').test(value)) complain(`does not match ${expected}`);
        break;
      case 'minItems':
        if (Array.isArray(value) && value.length < (expected as number)) complain(`has fewer than ${expected} entries`);
        break;
      case 'maxItems':
        if (Array.isArray(value) && value.length > (expected as number)) complain(`has more than ${expected} entries`);
        break;
      case 'items':
        if (Array.isArray(value)) {
          value.forEach((item, index) => {
            const own = Array.isArray(expected) ? (expected as Schema[])[index] : (expected as Schema);
            if (own !== undefined) found.push(...violations(own, item, `${path}[${index}]`));
          });
        }
        break;
      case 'required':
        if (isObject(value)) for (const key of expected as string[]) if (!(key in value)) complain(`lacks ${key}`);
        break;
      case 'properties':
        if (isObject(value)) {
          for (const [key, inner] of Object.entries(expected as Record<string, Schema>)) {
            if (key in value) found.push(...violations(inner, value[key], `${path}.${key}`));
          }
        }
        break;
      case 'propertyNames':
        if (isObject(value)) for (const key of Object.keys(value)) found.push(...violations(expected as Schema, key, `${path}.${key}`));
        break;
      case 'additionalProperties':
        if (isObject(value) && expected !== true) {
          const known = Object.keys((schema.properties as object | undefined) ?? {});
          for (const key of Object.keys(value).filter((name) => !known.includes(name))) {
            if (expected === false) complain(`has the unknown key ${key}`);
            else found.push(...violations(expected as Schema, value[key], `${path}.${key}`));
          }
        }
        break;
      case 'anyOf':
      case 'oneOf': {
        const members = (expected as Schema[]).map((member) => violations(member, value, path));
        if (!members.some((member) => member.length === 0)) complain(`fits none of ${members.length}: ${members.flat().join('; ')}`);
        break;
      }
      default:
        throw new Error(`keyword ${keyword} is not supported by test/support/json-schema.ts`);
    }
  }
  return found;
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
