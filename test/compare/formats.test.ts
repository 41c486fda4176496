// What CI servers read: JUnit, SARIF, annotations, CSV, and Markdown within its limit. Each is read back by a reader of its own.
import { describe, expect, it } from 'vitest';
import { z } from 'zod';
import { compareAll, compareSets, type Gate } from '../../src/compare/gate.js';
import { compareReports } from '../../src/compare/reports/index.js';
import type { ReportOptions } from '../../src/report/format.js';
import { budgetsOf, budgetsSchema, parseFailOn } from '../../src/result/budget.js';
import type { Metric, Result } from '../../src/result/result.js';
import { type SampleChanges, sampleResult } from '../result/sample.js';
import { type Element, parseXml } from '../support/xml.js';

const plain: ReportOptions = { color: false, width: 80, unicode: true, verbose: false };
const render = (name: string, gate: Gate): string => compareReports.find((format) => format.name === name)!.render(gate, plain);
const operand = (label: string, changes: SampleChanges = {}) => ({ label, result: sampleResult(changes) });

const changes: SampleChanges = {
  metrics: { 'latency.tpot.p50': 33e6, 'latency.tpot.p95': 38.2e6, 'latency.ttft.p99': null, 'cache.hit_rate': 0.844, 'time.total': 70e9 },
};
const budgets = [
  ...budgetsOf(budgetsSchema.parse([{ metric: 'latency.tpot.*', max_regression: '3%', level: 'error' }]), () => 'ci/budgets.yaml:3:5'),
  ...budgetsOf(budgetsSchema.parse([{ metric: 'time.total', max_regression: '1%', level: 'warn' }]), () => 'ci/budgets.yaml:4:5'),
  ...budgetsOf(budgetsSchema.parse([{ metric: 'cache.hit_rate', level: 'off', reason: 'known & <fine>' }]), () => 'ci/budgets.yaml:5:5'),
  parseFailOn('latency.ttft.p99 > +3%'),
];
const failed = compareAll(operand('main.json'), [operand('pr.json', changes)], budgets);

/** A gate of `count` changed metrics, each under a budget of `level`. */
function wide(count: number, level: 'error' | 'warn' = 'error', extra = ''): Gate {
  const result = (factor: (index: number) => number): Result => {
    const metrics: Record<string, Metric> = {};
    for (let index = 0; index < count; index++) {
      metrics[`latency.tpot.x${extra}${String(index).padStart(4, '0')}`] = {
        value: 1e6 * factor(index),
        unit: 'ns',
        better: 'lower',
        kind: 'exact',
      };
    }
    return { ...sampleResult(), metrics: { ...sampleResult().metrics, ...metrics } };
  };
  const rule = budgetsOf(budgetsSchema.parse([{ metric: 'latency.*', max_regression: '0%', level }]), () => 'budgets.yaml:2:5');
  // The worst is in the middle, where neither the first nor the last rows of a cut would have it.
  const after = { label: 'pr.json', result: result((index) => (index === 500 ? 90 : 1 + (index + 1) / 1e4)) };
  return compareAll({ label: 'main.json', result: result(() => 1) }, [after], rule);
}

describe('L17 a difference in what runs know', () => {
  const known = (label: string, most: 'nothing' | 'published' | 'future') => {
    const parts = most === 'nothing' ? [] : [{ part: 'predictor', name: 'x', knows: most, recall: 0.84 }];
    return { label, result: { ...sampleResult(), knowledge: { most, parts } } };
  };
  const says = 'The runs do not know the same: main.json: knows what has happened; pr.json: stand-in: published recall .84.';

  it('is an input: refused, unless budgets let it vary, which is a warning, or it is allowed', () => {
    const [base, candidate] = [known('main.json', 'nothing'), known('pr.json', 'future')];
    const refusal =
      'pr.json: not comparable with main.json: knowledge the past alone -> sees the future; ' +
      'give both the same knowledge (or let budgets say varies: [knowledge]), or pass --allow-different-inputs';
    expect(() => compareAll(base, [candidate], [])).toThrow(refusal);
    expect(() => compareAll(candidate, [base], [])).toThrow(/knowledge sees the future -> the past alone/);
    const varies = budgetsOf(budgetsSchema.parse([{ varies: ['knowledge'] }]), () => 'b.yaml:2:5');
    const { findings, inputs } = compareAll(base, [candidate], varies).comparisons[0]!;
    expect(inputs.map(({ path }) => path)).toEqual(['knowledge']);
    expect(findings.map(({ level, message }) => `${level}: ${message}`)).toEqual([
      'warn: the past alone -> sees the future: figures are not of the same inputs',
    ]);
  });

  it('is one line of every format', () => {
    const gate = compareAll(known('main.json', 'nothing'), [known('pr.json', 'published')], [], { allowDifferentInputs: true });
    expect([gate.passed, gate.comparisons[0]!.knowledge]).toEqual([true, { base: 'nothing', candidate: 'published' }]);
    for (const { name } of compareReports) {
      const text = compareReports.find((format) => format.name === name)!.render(gate, plain);
      const plainText = text.replaceAll('\\', '').replaceAll('%3A', ':').replace(/\s+/g, ' ');
      if (name === 'json') expect(JSON.parse(text).comparisons[0].knowledge).toEqual({ base: 'nothing', candidate: 'published' });
      else expect(plainText, name).toContain(says);
    }
  });

  it('is none where they know the same, or a base of an earlier version does not say', () => {
    for (const [base, most] of [
      [known('main.json', 'future'), 'future'],
      [operand('main.json'), 'nothing'],
    ] as const) {
      const gate = compareAll(base, [known('pr.json', most)], []);
      expect(gate.comparisons[0]!.knowledge).toBeNull();
      expect(gate.comparisons[0]!.inputs).toEqual([]);
      for (const { name } of compareReports) expect(render(name, gate), name).not.toContain('do not know the same');
    }
    expect(() => compareAll(operand('main.json'), [known('pr.json', 'future')], [])).toThrow(/knowledge not stated -> sees the future/);
    expect(() => compareAll(known('main.json', 'nothing'), [operand('pr.json')], [])).toThrow(/knowledge the past alone -> not stated/);
  });
});

describe('a warning about budgets', () => {
  const rules = (...entries: Parameters<typeof budgetsSchema.parse>[0][]) =>
    budgetsOf(budgetsSchema.parse(entries), (index) => `b.yaml:${index + 2}:5`);
  const [loose, off, varies] = rules(
    { metric: 'latency.tpot.mean', max_regression: '3% and 1000s' },
    { metric: 'cache.*', level: 'off', reason: 'later' },
    { varies: ['memory.kv'] },
  );
  const slower = { metrics: { 'latency.tpot.p50': 40e6, 'memory.gpu.allocated': 7_600_000_000 }, config: { memory: { kv: 2 ** 30 } } };
  const WORDS = [
    'hardly any regression can break this: what is 10 times worse passes',
    'is not looked at: later',
    '- -> 1073741824: figures are not of the same inputs',
    '30.8 ms -> 40.0 ms (+29.9 %) is worse by 10 % or more, and no budget fails it',
  ];
  const folder = (label: string, changes: SampleChanges) => ({
    label,
    folder: true,
    scenarios: new Map(['chat', 'code'].map((name) => [name, operand(`${label}/${name}.json`, changes)])),
  });

  it.each([
    ['of one comparison', compareAll(operand('main.json'), [operand('pr.json', slower)], [loose!, off!, varies!])],
    ['of several', compareSets(folder('main', {}), [folder('pr', slower)], [loose!, off!, varies!])],
  ])('%s stands in every format, once, with its place', (_, gate) => {
    expect(gate.passed).toBe(true);
    for (const { name } of compareReports) {
      const text = render(name, gate).replaceAll('\\', '').replaceAll('&gt;', '>').replaceAll('%25', '%').replace(/\s+/g, ' ');
      for (const words of WORDS) expect(text, name).toContain(words);
      // HTML has the gate as data, and as CSV, too; SARIF names places in fields.
      const parts = text.replace(/<script.*?<\/script>|href="data:[^"]*"/g, '');
      for (const words of WORDS.slice(0, 2)) expect(parts.split(words).length - 1, `${name}: ${words}`).toBe(1);
      for (const place of ['b.yaml:2:5', 'b.yaml:3:5']) {
        if (!['github', 'sarif'].includes(name)) expect(text, name).toContain(place);
      }
    }
  });
});

describe('JUnit', () => {
  const number = z.string().regex(/^\d+$/);
  const counts = { tests: number, failures: number, errors: number, time: number };
  const attributes = {
    testsuites: z.strictObject({ name: z.string(), ...counts }),
    testsuite: z.strictObject({ name: z.string(), ...counts, skipped: number }),
    testcase: z.strictObject({ classname: z.string().min(1), name: z.string().min(1), time: number }),
    failure: z.strictObject({ type: z.string(), message: z.string() }),
    skipped: z.strictObject({ message: z.string() }),
    'system-out': z.strictObject({}),
  };
  const inside: Record<string, readonly string[]> = {
    testsuites: ['testsuite'],
    testsuite: ['testcase'],
    testcase: ['failure', 'skipped', 'system-out'],
  };

  /** The part of Jenkins' JUnit schema that we write: known elements in their places, attributes, counts that add up. */
  function validate(element: Element): void {
    attributes[element.name as keyof typeof attributes].parse(element.attributes);
    for (const child of element.children) {
      expect(inside[element.name], element.name).toContain(child.name);
      validate(child);
    }
    if (element.attributes.tests === undefined) return;
    const all = (name: string, from: Element = element): number =>
      from.children.reduce((sum, child) => sum + Number(child.name === name) + all(name, child), 0);
    const { failures, skipped = String(all('skipped')), tests } = element.attributes;
    expect([tests, failures, skipped]).toEqual([all('testcase'), all('failure'), all('skipped')].map(String));
  }

  it('is valid and says what failed, what was skipped and what held', () => {
    const root = parseXml(render('junit', failed));
    expect(root.name).toBe('testsuites');
    validate(root);
    const cases = new Map(root.children[0]!.children.map((one) => [one.attributes.name!, one]));
    expect(cases.get('latency.tpot.p50')!.children[0]!.attributes.message).toBe(
      '30.8 ms -> 33.0 ms (+7.1 %) is worse by more than 3% (ci/budgets.yaml:3:5)',
    );
    expect(cases.get('latency.ttft.p99')!.children[0]!.text).toBe('is missing in the candidate (--fail-on)');
    expect(cases.get('cache.hit_rate')!.children[0]).toMatchObject({
      name: 'skipped',
      attributes: { message: 'known & <fine> (ci/budgets.yaml:5:5)' },
    });
    expect(cases.get('time.total')!.children[0]).toMatchObject({ name: 'system-out', text: expect.stringMatching(/^warning: /) });
    // Equal, and held by a budget.
    expect(cases.get('latency.tpot.mean')!.children).toEqual([]);
    expect(cases.has('experts.demanded')).toBe(false);
  });

  it('is valid for hostile names, for scenarios that are gone, and for a gate with nothing to say', () => {
    const hostile = compareAll(operand('<a>&"\u0000\u001b[31m'), [operand(']]>&amp;', changes)], [parseFailOn('latency.tpot.p50 > +3%')]);
    validate(parseXml(render('junit', hostile)));
    const set = (label: string, name: string) => ({ label, folder: true, scenarios: new Map([[name, operand(`${label}/${name}`)]]) });
    const gone = parseXml(render('junit', compareSets(set('main', 'a'), [set('pr', 'b')], [])));
    validate(gone);
    expect(gone.children[0]!.children.map(({ attributes: { name }, children }) => [name, children[0]!.name])).toEqual([
      ['a', 'failure'],
      ['b', 'system-out'],
    ]);
    const quiet = parseXml(render('junit', compareAll(operand('a'), [operand('b')], [])));
    validate(quiet);
    expect(quiet.attributes.tests).toBe('1');
  });
});

/** The part of the SARIF 2.1.0 schema that we write; strict, so that nothing else slips in. */
const sarifMessage = z.strictObject({ text: z.string().min(1) });
const sarifSchema = z.strictObject({
  $schema: z.url(),
  version: z.literal('2.1.0'),
  runs: z
    .array(
      z.strictObject({
        tool: z.strictObject({
          driver: z.strictObject({
            name: z.string().min(1),
            semanticVersion: z.string().regex(/^\d+\.\d+\.\d+/),
            rules: z.array(z.strictObject({ id: z.string().min(1), shortDescription: sarifMessage })),
          }),
        }),
        columnKind: z.enum(['utf16CodeUnits', 'unicodeCodePoints']),
        results: z.array(
          z.strictObject({
            ruleId: z.string(),
            ruleIndex: z.int().nonnegative(),
            level: z.enum(['none', 'note', 'warning', 'error']),
            message: sarifMessage,
            locations: z
              .array(
                z.strictObject({
                  physicalLocation: z.strictObject({
                    artifactLocation: z.strictObject({ uri: z.string().regex(/^[\w.~%!$&'()*+,;=:@/-]+$/) }),
                    region: z.strictObject({ startLine: z.int().positive(), startColumn: z.int().positive() }),
                  }),
                }),
              )
              .length(1),
            partialFingerprints: z.record(z.string(), z.string()),
          }),
        ),
      }),
    )
    .length(1),
});
const parseSarif = (gate: Gate) => sarifSchema.parse(JSON.parse(render('sarif', gate))).runs[0]!;

describe('SARIF', () => {
  it('is valid, and points at the line of the budget that is broken', () => {
    const { results, tool } = parseSarif(failed);
    expect(results.map(({ ruleId, level }) => [ruleId, level])).toEqual([
      ['latency.ttft.p99', 'error'],
      ['latency.tpot.p50', 'error'],
      ['time.total', 'warning'],
      ['cache.hit_rate', 'warning'],
    ]);
    for (const { ruleId, ruleIndex } of results) expect(tool.driver.rules[ruleIndex]!.id).toBe(ruleId);
    expect(results[1]!.locations[0]!.physicalLocation).toEqual({
      artifactLocation: { uri: 'ci/budgets.yaml' },
      region: { startLine: 3, startColumn: 5 },
    });
    // No file of budgets: the candidate's file.
    expect(results[0]!.locations[0]!.physicalLocation.artifactLocation.uri).toBe('pr.json');
  });

  it('knows a fault again, whatever its figures are', () => {
    const again = compareAll(operand('main.json'), [operand('pr.json', { metrics: { 'latency.tpot.p50': 35e6 } })], budgets);
    const fingerprints = (gate: Gate) => parseSarif(gate).results.map(({ partialFingerprints }) => Object.values(partialFingerprints)[0]);
    expect(fingerprints(failed)).toContain(fingerprints(again)[0]);
    expect(new Set(fingerprints(failed)).size).toBe(4);
  });

  it('is valid where nothing failed, and for paths that no address holds', () => {
    expect(parseSarif(compareAll(operand('a'), [operand('b')], [])).results).toEqual([]);
    const odd = compareAll(
      operand('a'),
      [operand('my runs/pr #1 "<x>".json', { metrics: { 'time.cpu': null } })],
      [parseFailOn('time.cpu > +3%')],
    );
    expect(parseSarif(odd).results).toHaveLength(1);
  });
});

describe('GitHub annotations', () => {
  const commands = (gate: Gate): string[] =>
    render('github', gate)
      .split('\n')
      .filter((line) => line !== '');

  it('stand at the line of the budget, escaped', () => {
    expect(commands(failed)).toEqual([
      '::error file=pr.json,line=1,col=1,title=moeprof%3A latency.ttft.p99 of pr.json::latency.ttft.p99 of pr.json is missing in the candidate',
      '::error file=ci/budgets.yaml,line=3,col=5,title=moeprof%3A latency.tpot.p50 of pr.json::latency.tpot.p50 of pr.json 30.8 ms -> 33.0 ms (+7.1 %25) is worse by more than 3%25',
      '::warning file=ci/budgets.yaml,line=4,col=5,title=moeprof%3A time.total of pr.json::time.total of pr.json 62.3 s -> 70.0 s (+12.4 %25) is worse by more than 1%25',
      '::warning file=ci/budgets.yaml,line=5,col=5,title=moeprof%3A cache.hit_rate of pr.json::cache.hit_rate of pr.json is not looked at: known & <fine>',
    ]);
    const hostile = compareAll(
      operand('a'),
      [operand('x\n::set-env name=PATH::,evil:%', { metrics: { 'time.cpu': null } })],
      [parseFailOn('time.cpu > +3%')],
    );
    for (const line of commands(hostile))
      expect(line).toMatch(/^::error file=x \\u\{3a\}%3Aset-env name=PATH%3A%3A%2Cevil%3A%25,line=1,col=1,title=[^:,]*::[^\n]*$/);
    expect(commands(hostile)).toHaveLength(1);
  });

  it('are at most ten a level, the worst first, the others counted', () => {
    for (const [level, command] of [
      ['error', '::error'],
      ['warn', '::warning'],
    ] as const) {
      const lines = commands(wide(1000, level));
      expect(lines.filter((line) => line.startsWith(command))).toHaveLength(10);
      expect(lines[0]).toContain('latency.tpot.x0500');
      expect(lines.at(-1)).toBe('::notice title=moeprof::and 990 more, which the report of this job lists');
    }
  });
});

describe('Markdown', () => {
  it('of 1,000 changed metrics stays under the limit and keeps the worst, open and first', () => {
    for (const [extra, level] of [
      ['', 'error'],
      ['', 'warn'],
      ['y'.repeat(150), 'error'],
    ] as const) {
      const text = render('markdown', wide(1000, level, extra));
      expect(text.length).toBeLessThan(65_000);
      const [open, folded] = text.split('<details>');
      expect(open).toContain(`latency.tpot.x${extra}0500`);
      expect(open!.split('\n').find((line) => line.startsWith('| latency'))).toContain('0500 |');
      expect(folded).toContain('more changed metrics</summary>');
    }
    expect(render('markdown', wide(1000, 'error', 'y'.repeat(150)))).toMatch(
      /\d+ more changed metrics did not fit here; see the JSON report\./,
    );
    const summary = render('step-summary', wide(1000));
    expect(summary).not.toMatch(/did not fit/);
    expect(summary).not.toContain('<!--');
  });

  it('of many scenarios puts those that failed first, and counts those that fit nowhere', () => {
    const set = (label: string, metrics: (index: number) => SampleChanges) => ({
      label,
      folder: true,
      scenarios: new Map(
        Array.from({ length: 1000 }, (_, index) => {
          const name = `scenario-${String(index).padStart(4, '0')}`;
          return [name, operand(`${label}/${name}.json`, metrics(index))] as const;
        }),
      ),
    });
    const gate = compareSets(
      set('main', () => ({})),
      [
        set('pr', (index) =>
          index % 2 === 0 ? {} : { metrics: { 'latency.tpot.p50': index === 999 ? 60e6 : 30.9e6, 'latency.tpot.mean': 31.3e6 } },
        ),
      ],
      budgets,
    );
    const text = render('markdown', gate);
    expect(text.length).toBeLessThan(65_000);
    expect(text.split('\n')[1]).toBe('**❌ 1,000 comparisons: 999 passed, 1 failed.**');
    expect(text).toContain('500 comparisons have no difference.');
    expect(text.indexOf('### ')).toBe(text.indexOf('### ❌ main/scenario-0999.json'));
    expect(text).toMatch(/\n\d+ more comparisons did not fit here; see the JSON report\.\n\nInputs are .*: main, pr\.\n$/);
  });

  it('folds the set-up and says what carries the change', () => {
    const base = sampleResult();
    const slower: Result = {
      ...sampleResult({ ...changes, config: { cache: { policy: 'fifo' } } }),
      perLayer: { ...base.perLayer, stallNs: base.perLayer.stallNs.map((ns, layer) => (layer === 5 ? ns + 1e9 : ns)) },
    };
    const text = render('markdown', compareAll({ label: 'a', result: base }, [{ label: 'b', result: slower }], budgets, { explain: true }));
    expect(text).toMatch(/<details><summary>\d+ differences in the set-up<\/summary>/);
    expect(text).toContain('- **layers**: layer 5: +1.00 s (100.0 % of it)');
  });
});

describe('CSV', () => {
  it('has a row per changed metric, and one per scenario that is gone', () => {
    const lines = render('csv', failed).trimEnd().split('\n');
    expect(lines[0]).toBe(
      'base,candidate,scenario,metric,unit,better,kind,base_value,candidate_value,change,relative,direction,verdict,p,note',
    );
    expect(lines).toHaveLength(1 + Object.keys(changes.metrics!).length + 1);
    expect(lines.at(-1)).toBe(
      'main.json,pr.json,pr.json,cache.hit_rate,,,,,,,,neutral,warn,,is not looked at: known & <fine> (ci/budgets.yaml:5:5)',
    );
    expect(lines).toContain('main.json,pr.json,pr.json,latency.ttft.p99,ns,lower,exact,1490000000,,,,missing,fail,,');
    expect(lines.find((line) => line.includes('cache.hit_rate'))).toMatch(/,better,off,,known & <fine>$/);
    const set = (label: string, name: string) => ({ label, folder: true, scenarios: new Map([[name, operand(name)]]) });
    const gone = render('csv', compareSets(set('main', 'a'), [set('pr', 'b')], []))
      .trimEnd()
      .split('\n');
    expect(gone[1]).toBe(',pr,a,,,,,,,,,missing,fail,,"is missing: the base has this scenario, the candidate does not"');
  });
});

describe('table', () => {
  it('marks what noise explains with ~, and gives the p-value of what it does not', () => {
    const timed = (samples: readonly number[]): Result => {
      const result = sampleResult();
      const wall: Metric = { value: samples[2]!, unit: 'ns', better: 'lower', kind: 'sampled', samples };
      return { ...result, metrics: { ...result.metrics, 'wall.run': wall } };
    };
    const show = (a: number[], b: number[]): string =>
      render('table', compareAll({ label: 'a', result: timed(a) }, [{ label: 'b', result: timed(b) }], []));
    expect(show([90, 95, 100, 105, 110], [91, 96, 101, 106, 111])).toMatch(/wall\.run +100 ns +101 ns +~ +unclear, p=0\.690/);
    expect(show([90, 95, 100, 105, 110], [191, 196, 201, 206, 211])).toMatch(/wall\.run +100 ns +201 ns +\+101\.0 % +worse, p=0\.008/);
    expect(show([1, 1, 100], [1, 1, 101])).toMatch(/~ +unclear, n=3\+3/);
  });

  it('names new scenarios and those that are gone, and sums up', () => {
    const set = (label: string, names: readonly string[]) => ({
      label,
      folder: true,
      scenarios: new Map(names.map((name) => [name, operand(`${label}/${name}.json`)])),
    });
    expect(render('table', compareSets(set('main', ['a', 'b', 'c']), [set('pr', ['b', 'c', 'd'])], []))).toBe(
      `2 comparisons: 2 passed, 0 failed, 1 fault of scenarios.

NEW  d is new in pr: it has no base yet
FAIL scenario a is missing: the base has this scenario, the candidate does not

main/b.json → pr/b.json: no difference in 53 metrics.
main/c.json → pr/c.json: no difference in 53 metrics.
Inputs are as saved, not computed here: main, pr.
`,
    );
  });
});
