import type { Command } from 'commander';
import { z } from 'zod';
import { isObject, ownValue } from '../base/objects.js';
import { listProfiles } from '../base/profiles.js';
import { POLICIES } from '../cache/policies/index.js';
import { HardwareProfileSchema, machineFileSchema, runtimeSchema } from '../hardware/door.js';
import { reproductionSchema } from '../measured/reproduce/reproduction.js';
import { anyRowSchema } from '../measured/validate/rows/measurement.js';
import { ModelProfileSchema } from '../model/door.js';
import { PREDICTORS } from '../predict/predictors/index.js';
import { budgetFileSchema } from '../result/budget.js';
import { resultSchema } from '../result/read.js';
import { SCHEDULERS } from '../schedule/door.js';
import { searchSchema, studySchema } from '../study/door.js';
import { PLACEMENTS, placementFields, predictorFields, runSchema, schedulerFields, systemSchema } from '../system/door.js';
import type { CliContext } from './kit/context.js';
import { declared, options } from './kit/declared.js';

const WHOLE = {
  hardware: z.union([HardwareProfileSchema, machineFileSchema]),
  machine: machineFileSchema,
  runtime: runtimeSchema,
  model: ModelProfileSchema,
  budgets: budgetFileSchema,
  measurements: anyRowSchema,
  study: studySchema,
  search: searchSchema,
  reproduction: reproductionSchema,
  result: resultSchema,
} as const;

/** Kinds of files with a schema. */
export const SCHEMA_KINDS = ['run', 'system', ...(Object.keys(WHOLE) as (keyof typeof WHOLE)[])] as const;

/** Name of a kind in {@link SCHEMA_KINDS}. */
export type SchemaKind = (typeof SCHEMA_KINDS)[number];

/** Used part of JSON Schema. */
export interface JsonSchema {
  readonly properties?: Readonly<Record<string, JsonSchema>>;
  readonly items?: JsonSchema | readonly JsonSchema[];
  readonly anyOf?: readonly JsonSchema[];
  readonly oneOf?: readonly JsonSchema[];
  readonly [keyword: string]: unknown;
}

const SCHEMA = options({
  '<file>': ['kind of file', { choices: SCHEMA_KINDS }],
});

/** Help. */
export const help = `Examples:
  moeprof schema run > run.schema.json
  moeprof schema budgets > budgets.schema.json
In a YAML file, as its first line:
  # yaml-language-server: $schema=./run.schema.json`;

/** `moeprof schema`. */
export function define(command: Command, context: CliContext): void {
  declared(command, SCHEMA).action((kind: SchemaKind) => context.out(schemaText(kind)));
}

/** JSON Schema of a kind of file, as text. */
export const schemaText = (kind: SchemaKind): string => `${JSON.stringify(jsonSchemaOf(kind), null, 2)}\n`;

const TITLES: Readonly<Partial<Record<SchemaKind, string>>> = {
  budgets: 'budget file',
  machine: 'machine of parts',
  measurements: 'measurement (one line of a file)',
  study: 'study',
  search: 'search',
  result: 'result',
};

/** JSON Schema (draft 7, best supported by editors), with descriptions and bundled names. */
export function jsonSchemaOf(kind: SchemaKind): JsonSchema {
  const title = `moeprof ${TITLES[kind] ?? `${kind} profile`}`;
  const { $schema, ...rest } = rawSchema(kind);
  return { $schema, title, ...annotated(rest, EXAMPLE_VALUES[kind] ?? {}) };
}

function rawSchema(kind: SchemaKind): JsonSchema {
  const convert = (schema: z.ZodType): JsonSchema => z.toJSONSchema(schema, { io: 'input', target: 'draft-7' }) as unknown as JsonSchema;
  switch (kind) {
    case 'run': {
      // An inline system is checked by its own schema.
      const { $schema: _, ...system } = rawSchema('system');
      const inPlace = { default: 'on-demand-lru', anyOf: [{ type: 'string', minLength: 1 }, system] };
      return withProperty(convert(runSchema), 'system', inPlace);
    }
    case 'system': {
      // JSON Schema would show only the first of two reading steps.
      const members = { predictor: predictorFields, scheduler: schedulerFields, placement: placementFields };
      return Object.entries(members).reduce(
        (schema, [name, fields]) =>
          withProperty(schema, name, {
            anyOf: [{ type: 'string' }, { type: 'object', properties: convert(fields).properties!, additionalProperties: true }],
          }),
        convert(systemSchema),
      );
    }
    default:
      return convert(WHOLE[kind]);
  }
}

function withProperty(schema: JsonSchema, name: string, property: JsonSchema): JsonSchema {
  const description = ownValue(schema.properties!, name)?.description;
  return { ...schema, properties: { ...schema.properties, [name]: { description, ...property } } };
}

const policies = POLICIES.map(({ name }) => name);
const predictors = ['none', ...PREDICTORS.map(({ name }) => name)];

const EXAMPLE_VALUES: Readonly<Partial<Record<SchemaKind, Readonly<Record<string, readonly string[]>>>>> = {
  run: {
    model: listProfiles('models'),
    hardware: listProfiles('hardware'),
    runtime: listProfiles('runtimes'),
    system: listProfiles('systems'),
    trace: ['synthetic', ...listProfiles('traces')],
    'memory.expertCache': ['8GiB', '25%', '16/layer'],
  },
  system: {
    'cache.policy': policies,
    'dram.policy': policies,
    predictor: predictors,
    'predictor.kind': predictors,
    scheduler: SCHEDULERS.map(({ name }) => name),
    placement: PLACEMENTS.map(({ name }) => name),
  },
};

/** Descriptions first; unions, lists and tables add no step to a path. */
function annotated(schema: JsonSchema, examples: Readonly<Record<string, readonly string[]>>, path = ''): JsonSchema {
  const property = ([name, inner]: [string, JsonSchema]): [string, JsonSchema] => {
    const below = path === '' ? name : `${path}.${name}`;
    const offered = Object.hasOwn(examples, below) ? { examples: ownValue(examples, below) } : {};
    return [name, { description: inner.description, ...offered, ...annotated(inner, examples, below) }];
  };
  const { additionalProperties, anyOf, items, oneOf, properties } = schema;
  const inside = (inner: JsonSchema): JsonSchema => annotated(inner, examples, path);
  return {
    ...schema,
    ...(properties && { properties: Object.fromEntries(Object.entries(properties).map(property)) }),
    ...(isObject(additionalProperties) && { additionalProperties: inside(additionalProperties) }),
    ...(items && !Array.isArray(items) && { items: inside(items as JsonSchema) }),
    ...(anyOf && { anyOf: anyOf.map(inside) }),
    ...(oneOf && { oneOf: oneOf.map(inside) }),
  };
}
