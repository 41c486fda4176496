// JSON Schema of the files that users write: it accepts what ships, refuses what moeprof refuses, and describes every field.
import { readFileSync } from 'node:fs';
import { describe, expect, it } from 'vitest';
import { parse } from 'yaml';
import { findProfile, listProfiles, type ProfileFamily } from '../../src/base/profiles.js';
import { type JsonSchema, jsonSchemaOf, SCHEMA_KINDS } from '../../src/cli/schema.js';
import { modelText } from '../../src/model/table.js';
import { sampleResult } from '../result/sample.js';
import { violations } from '../support/json-schema.js';

/** Dotted paths of all properties, through lists and unions, with what is said of each. */
function descriptions(schema: JsonSchema, path = ''): [path: string, description: unknown][] {
  const { additionalProperties, items, anyOf = [], oneOf = [], properties = {} } = schema;
  const entries = [items, additionalProperties].filter((part): part is JsonSchema => typeof part === 'object' && !Array.isArray(part));
  const inside = [...anyOf, ...oneOf, ...entries];
  return [
    ...Object.entries(properties).flatMap(([name, inner]): [string, unknown][] => {
      const at = path === '' ? name : `${path}.${name}`;
      return [[at, inner.description], ...descriptions(inner, at)];
    }),
    ...inside.flatMap((inner) => descriptions(inner, path)),
  ];
}

/** A profile as YAML: its file, or its row. */
const textOf = (path: string): string => (path.includes('#') ? modelText(path) : readFileSync(path, 'utf8'));

describe('JSON Schema', () => {
  it.each<[(typeof SCHEMA_KINDS)[number], ProfileFamily]>([
    ['run', 'runs'],
    ['system', 'systems'],
    ['hardware', 'hardware'],
    ['model', 'models'],
  ])('of a %s accepts all that ship', (kind, family) => {
    const schema = jsonSchemaOf(kind);
    for (const name of listProfiles(family)) {
      expect(violations(schema, parse(textOf(findProfile(family, name)))), name).toEqual([]);
    }
  });

  it.each<[(typeof SCHEMA_KINDS)[number], unknown, RegExp]>([
    ['run', { modle: 'x' }, /modle/],
    ['run', { workload: { batch: 0 } }, /batch/],
    ['run', { system: { name: 'x', cache: { polcy: 'lru' } } }, /system/],
    ['budgets', { budgets: [{ metric: 'x', level: 'errror' }] }, /level/],
    ['system', { name: 'x', onMiss: 'wait' }, /onMiss/],
    ['measurements', { id: 'x', engine: 'y', measured: { tg_tps: -1 } }, /tg_tps/],
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

  it('of measurements accepts all that ship', () => {
    const lines = ['open', 'unified', 'second', 'memory', 'hits'].flatMap((name) =>
      readFileSync(findProfile('measurements', name), 'utf8').trimEnd().split('\n'),
    );
    const schema = jsonSchemaOf('measurements');
    expect(lines.flatMap((line) => violations(schema, JSON.parse(line)))).toEqual([]);
  });

  it('of measurements has every field of the rows that ship, and memory rows have every field of theirs', () => {
    const rows = (name: string) => readFileSync(findProfile('measurements', name), 'utf8').trimEnd().split('\n');
    const closed = JSON.parse(
      JSON.stringify(jsonSchemaOf('measurements')).replaceAll('"additionalProperties":{}', '"additionalProperties":false'),
    );
    const shipped = ['open', 'unified', 'second', 'hits'].flatMap(rows);
    expect(shipped.flatMap((line) => violations(closed, JSON.parse(line)))).toEqual([]);
    // None of the logs was made with --cpu-moe.
    const memory = rows('memory').join('');
    const fields = descriptions(jsonSchemaOf('measurements').anyOf![1]!).map(([path]) => path.replace(/.*\./, ''));
    expect(fields.filter((name) => !memory.includes(`"${name}":`))).toEqual(['cpu_moe']);
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

describe('descriptions', () => {
  it.each<[(typeof SCHEMA_KINDS)[number], number]>([
    ['run', 80],
    ['system', 30],
    ['hardware', 40],
    ['model', 70],
    ['budgets', 7],
    ['machine', 23],
    ['measurements', 150],
    ['runtime', 60],
    ['study', 10],
    ['search', 15],
    ['reproduction', 18],
  ])('describes every field of a %s', (kind, fields) => {
    const all = descriptions(jsonSchemaOf(kind));
    expect(all.length).toBeGreaterThanOrEqual(fields);
    expect(all.filter(([, description]) => typeof description !== 'string' || !/^\S.*\.$/.test(description))).toEqual([]);
  });
});
