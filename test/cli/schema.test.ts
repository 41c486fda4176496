// JSON Schema of the files that users write: it accepts what ships, refuses what moeprof refuses, and describes every field.
import { readFileSync } from 'node:fs';
import { describe, expect, it } from 'vitest';
import { parse } from 'yaml';
import { findProfile, listProfiles, type ProfileFamily } from '../../src/base/profiles.js';
import { type JsonSchema, jsonSchemaOf, SCHEMA_KINDS } from '../../src/cli/schema.js';
import { DESCRIPTIONS } from '../../src/cli/schema-descriptions.js';
import { sampleResult } from '../result/sample.js';
import { violations } from '../support/json-schema.js';

/** Dotted paths of all properties, through lists and unions. A system in place is described as a system. */
function paths(schema: JsonSchema, kind: string, path = ''): string[] {
  const { items, anyOf = [], oneOf = [], properties = {} } = schema;
  const inside = [...anyOf, ...oneOf, ...(items === undefined || Array.isArray(items) ? [] : [items as JsonSchema])];
  return [
    ...Object.entries(properties).flatMap(([name, inner]) => {
      const at = path === '' ? name : `${path}.${name}`;
      return kind === 'run' && at === 'system' ? [at] : [at, ...paths(inner, kind, at)];
    }),
    ...inside.flatMap((inner) => paths(inner, kind, path)),
  ];
}

describe('JSON Schema', () => {
  it.each<[(typeof SCHEMA_KINDS)[number], ProfileFamily]>([
    ['run', 'runs'],
    ['system', 'systems'],
    ['hardware', 'hardware'],
    ['model', 'models'],
  ])('of a %s accepts all that ship', (kind, family) => {
    const schema = jsonSchemaOf(kind);
    for (const name of listProfiles(family)) {
      expect(violations(schema, parse(readFileSync(findProfile(family, name), 'utf8'))), name).toEqual([]);
    }
  });

  it.each<[(typeof SCHEMA_KINDS)[number], unknown, RegExp]>([
    ['run', { modle: 'x' }, /modle/],
    ['run', { workload: { batch: 0 } }, /batch/],
    ['run', { system: { name: 'x', cache: { polcy: 'lru' } } }, /system/],
    ['budgets', { budgets: [{ metric: 'x', level: 'errror' }] }, /level/],
    ['system', { name: 'x', onMiss: 'wait' }, /onMiss/],
    ['result', { schema: 'moeprof.result/2' }, /schema/],
  ])('of a %s refuses %j', (kind, value, place) => {
    expect(violations(jsonSchemaOf(kind), value).join('\n')).toMatch(place);
  });

  it('accepts a result, and a system in place', () => {
    expect(violations(jsonSchemaOf('result'), JSON.parse(JSON.stringify(sampleResult())))).toEqual([]);
    const run = {
      system: { name: 'mine', cache: { policy: 'lru' }, predictor: { kind: 'transition', horizon: 'all', order: 2 } },
      trace: ['a', 'b'],
    };
    expect(violations(jsonSchemaOf('run'), run)).toEqual([]);
  });

  it('describes every field, and none that does not exist', () => {
    for (const kind of ['run', 'system', 'hardware', 'model', 'budgets'] as const) {
      const known = new Set(paths(jsonSchemaOf(kind), kind));
      expect(
        [...known].filter((path) => DESCRIPTIONS[kind][path] === undefined),
        `${kind}: add to src/cli/schema-descriptions.ts`,
      ).toEqual([]);
      expect(
        Object.keys(DESCRIPTIONS[kind]).filter((path) => !known.has(path)),
        `${kind}: take out of src/cli/schema-descriptions.ts`,
      ).toEqual([]);
    }
  });

  it('offers the names that ship', () => {
    expect(jsonSchemaOf('run').properties!.model!.examples).toContain('qwen3-30b-a3b');
    expect(jsonSchemaOf('system').properties!.cache!.properties!.policy!.examples).toContain('lru');
  });

  it('is draft 7 with a title, for every kind', () => {
    for (const kind of SCHEMA_KINDS) {
      expect(jsonSchemaOf(kind)).toMatchObject({
        $schema: 'http://json-schema.org/draft-07/schema#',
        title: expect.stringMatching(/^moeprof /),
      });
    }
  });
});
