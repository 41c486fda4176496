// The grammar of budgets: what is read, what is refused, and with which words.
import { describe, expect, it } from 'vitest';
import { z } from 'zod';
import { budgetFileSchema, budgetsOf, matches, parseAssertion, parseFailOn, VARYING } from '../../src/result/budget.js';
import { runSchema } from '../../src/system/run-schema.js';
import { cases } from '../cases.js';
import { drawn } from '../support/drawn.js';
import { parseYaml } from '../support/yaml.js';

function entries(text: string): ReturnType<typeof budgetsOf> {
  return budgetsOf(parseYaml(text, 'budgets.yaml', budgetFileSchema).budgets, (index) => `budgets.yaml: budgets.${index}`);
}

describe('--fail-on', () => {
  it('reads metric, comparator and amounts', () => {
    expect(parseFailOn('latency.tpot.p50 > +3%')).toEqual({
      metric: 'latency.tpot.p50',
      rule: { kind: 'fail-on', clauses: [{ comparator: '>', amount: { sign: 1, text: '3%' } }] },
      level: 'error',
      text: 'latency.tpot.p50 > +3%',
      place: '--fail-on',
    });
    expect(parseFailOn('cache.*<-0.5pp').rule).toMatchObject({ clauses: [{ comparator: '<', amount: { sign: -1, text: '0.5pp' } }] });
    expect(parseFailOn('time.total >= 45 ms').rule).toMatchObject({
      clauses: [{ comparator: '>=', amount: { sign: null, text: '45 ms' } }],
    });
    expect(parseFailOn('speed.decode < 30 tok/s').rule).toMatchObject({ clauses: [{ amount: { text: '30 tok/s' } }] });
  });

  it('takes a comparator over into the amounts after "and"', () => {
    expect(parseFailOn('latency.tpot.p50 > +3% and +0.2ms').rule).toMatchObject({
      clauses: [
        { comparator: '>', amount: { text: '3%' } },
        { comparator: '>', amount: { text: '0.2ms' } },
      ],
    });
    expect(parseAssertion('time.total >= 1s and <= 2s').rule).toMatchObject({
      kind: 'limit',
      clauses: [{ comparator: '>=' }, { comparator: '<=' }],
    });
  });

  it.each([
    ['latency.tpot.p50', /^--fail-on: "latency.tpot.p50" is not metric, comparator, amount; write e\.g\./],
    ['> 3%', /is not metric, comparator, amount/],
    ['latency.tpot.p50 > much', /"much" is not an amount; write e\.g\. 45ms/],
    ['latency.tpot.p50 >', /"" is not an amount/],
    ['latency.tpot.p50 > 3% or 2ms', /is not an amount/],
  ])('refuses %j', (text, message) => {
    expect(() => parseFailOn(text)).toThrow(message);
  });

  it('refuses a change where there is no base', () => {
    expect(() => parseAssertion('latency.tpot.p50 <= +3%')).toThrow(
      '--assert: "latency.tpot.p50 <= +3%" is about a change, and one run has no base; write an amount without a sign',
    );
  });
});

describe('budgets in YAML', () => {
  it('reads regressions, limits, levels and reasons', () => {
    const budgets = entries(`
budgets:
  - { metric: latency.tpot.*, max_regression: 3% and 0.2ms }
  - { metric: latency.ttft.p99, limit: "<= 45ms", max_regression: 1%, level: warn }
  - { metric: latency.ttft.p50, level: off, reason: prompts differ in length }
`);
    expect(budgets.map(({ metric, level, rule, place }) => [metric, level, rule.kind, place])).toEqual([
      ['latency.tpot.*', 'error', 'regression', 'budgets.yaml: budgets.0'],
      ['latency.ttft.p99', 'warn', 'regression', 'budgets.yaml: budgets.1'],
      ['latency.ttft.p99', 'warn', 'limit', 'budgets.yaml: budgets.1'],
      ['latency.ttft.p50', 'warn', 'off', 'budgets.yaml: budgets.2'],
    ]);
    expect(budgets[0]!.rule).toMatchObject({ amounts: [{ text: '3%' }, { text: '0.2ms' }] });
  });

  it.each([
    ['- { metric: a.b, level: off }', /budgets\.yaml:\d+:\d+: budgets\.0: level off needs a reason/],
    ['- { metric: a.b, level: off, reason: x, limit: "< 1" }', /level off takes no limit/],
    ['- { metric: a.b }', /says nothing; give max_regression/],
    ['- { metric: a.b, max_regresion: 3% }', /unknown key "max_regresion"; did you mean "max_regression"/],
    ['- { metric: a.b, level: errror, limit: "< 1" }', /must be one of error, warn, off/],
    ['- { metric: a.b, max_regression: +3% }', /max_regression: write 3% without a sign/],
    ['- { metric: a.b, limit: 45ms }', /limit: "45ms" has no comparator; write e\.g\. "<= 45ms"/],
  ])('refuses %s', (entry, message) => {
    expect(() => entries(`budgets:\n  ${entry}\n`)).toThrow(message);
  });

  it('can be described to editors', () => {
    expect(z.toJSONSchema(budgetFileSchema, { io: 'input' })).toMatchObject({ properties: { budgets: { type: 'array' } } });
  });
});

describe('globs', () => {
  it('match whole names; * crosses dots, other characters are themselves', () => {
    expect(matches('latency.*', 'latency.tpot.p50')).toBe(true);
    expect(matches('*.p9?', 'latency.tpot.p99')).toBe(true);
    expect(matches('latency.tpot', 'latency.tpot.p50')).toBe(false);
    expect(matches('latency.tpot.p50', 'latencyxtpot.p50')).toBe(false);
  });

  it('match what their regular expressions do', () => {
    const next = drawn(7);
    let found = 0;
    const tries = cases(20_000, 2000);
    for (let i = 0; i < tries; i++) {
      const glob = Array.from({ length: next(6) }, () => 'ab.*?*'[next(6)]).join('');
      const name = Array.from({ length: next(7) }, () => 'ab.'[next(3)]).join('');
      const expected = new RegExp(`^${glob.replaceAll('.', '\\.').replaceAll('*', '.*').replaceAll('?', '.')}$`).test(name);
      expect(matches(glob, name), `${glob} ${name}`).toBe(expected);
      if (expected) found++;
    }
    expect(found).toBeGreaterThan(tries / 20);
  });

  it('end, whatever their stars', () => {
    expect(matches(`${'*'.repeat(28)}Z`, 'latency.tpot.mean'.repeat(100))).toBe(false);
    expect(matches(`${'*a'.repeat(1000)}Z`, 'a'.repeat(5000))).toBe(false);
    expect(matches(`${'*a'.repeat(1000)}`, 'a'.repeat(5000))).toBe(true);
  });
});

describe('inputs that vary', () => {
  const read = (text: string) => entries(`budgets:\n${text}`);

  it('are an entry of their own', () => {
    expect(read('  - { varies: [runtime, memory.expertCache], scenario: tuning-* }')).toEqual([
      {
        metric: 'runtime,memory.expertCache',
        scenario: 'tuning-*',
        rule: { kind: 'varies', inputs: ['runtime', 'memory.expertCache'] },
        level: 'warn',
        text: 'runtime,memory.expertCache of tuning-* varies',
        place: 'budgets.yaml: budgets.0',
      },
    ]);
    expect(() => read('  - { varies: [runtime], metric: cache.hit_rate }')).toThrow('varies is an entry of its own');
    expect(() => read('  - { varies: [hardware] }')).toThrow('budgets.0.varies.0');
    expect(() => read('  - { varies: [] }')).toThrow('budgets.0.varies');
    expect(() => read('  - { max_regression: 3% }')).toThrow('budgets.0.metric: is missing; name one, or give varies');
  });

  it('are settings that a run has', () => {
    const settings = Object.keys(runSchema.shape.memory.unwrap().shape).map((name) => `memory.${name}`);
    for (const name of VARYING.filter((input) => input.startsWith('memory.'))) expect(settings).toContain(name);
  });
});
