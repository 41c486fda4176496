// The command of a run repeats it: what it says is read back into a run of the same fingerprint.
import { mkdtempSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { Command } from 'commander';
import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { declared } from '../../src/cli/kit/declared.js';
import { RUN, type RunFlags, runCommandOf, runOf, runOfStudy, studyCommandOf } from '../../src/cli/run-options.js';
import { simulate, simulateRun } from '../../src/engine/simulate.js';
import { spaceCells } from '../../src/figure/table/space.js';
import { fingerprintOf } from '../../src/study/fingerprint.js';
import { commandOfStored } from '../../src/study/stored-command.js';
import { loadStudy } from '../../src/study/study-file.js';
import { sweepFor } from '../../src/study/sweep/sweep-runs.js';
import { commandOfInput, repeatCommand } from '../../src/system/command.js';
import { checkRun } from '../../src/system/load-run.js';
import type { RunInput } from '../../src/system/run.js';
import { cases } from '../cases.js';

/** Words of a command line, as a shell splits them. */
function wordsOf(command: string): string[] {
  const words = [...command.matchAll(/(?:'[^']*'|\\'|[^\s'])+/g)].map(([word]) => word);
  return words.map((word) => word.replace(/'([^']*)'|\\'/g, (_, inside?: string) => inside ?? "'"));
}

/** The profile and the flags of `moeprof run ...`. */
function parsed(words: readonly string[]): { profile: string | undefined; flags: RunFlags } {
  const command = declared(new Command().argument('[profile]').exitOverride(), RUN);
  command.parse([...words], { from: 'user' });
  return { profile: command.args[0], flags: command.opts<RunFlags>() };
}

/** The run that a command says. */
function runIn(command: string) {
  const [program, name, ...words] = wordsOf(command);
  expect([program, name]).toEqual(['moeprof', 'run']);
  const { flags, profile } = parsed(words);
  return runOf(profile, flags);
}

/** Flags of a run, in groups of a few lines. */
const FLAG = fc.constantFrom(
  ...[
    '--policy s3-fifo:small=0.2',
    '--policy lfu',
    '--scope layer',
    '--predictor transition',
    '--predictor none',
    '--cache 25%',
    '--cache 8/layer',
  ],
  ...[
    '--on-miss cpu',
    "--on-miss 'static,when.phase=prefill;load'",
    '--scheduler cache-affinity:batches=4',
    '--batch 4',
    '--seed 7',
    '--top-k 1',
  ],
  ...[
    '--variant skip=0.25',
    '--rate 2',
    '--slo ttft=2s,tpot=100ms',
    '--fault at=2s,link=h2d,bandwidth=50%',
    '--found none',
    '--gpu-layers 3',
  ],
  ...[
    '--set system.predictor.horizon=2',
    '--set hardware.links.0.bandwidth=12GB/s',
    '--set workload.prompt=64',
    '--set system.prefetch.when=idle',
  ],
  ...[
    '--set workload.holdOut=30%',
    "--set 'system.cache.popularity=it''s.json'",
    '--set runtime.layer=30us',
    '--quantization q8_0',
    '--strict',
  ],
);
/** What names the model, the trace and the machine. */
const NAMES = fc.constantFrom(
  '',
  '-m olmoe-1b-7b',
  '-t mini-mixtral-8x8l -w t4',
  '-s fiddler',
  '-t mini-mixtral-8x8l#0:100 -t mini-mixtral-8x8l#200:300',
);
/** What a study varies. */
const VARIED = fc.constantFrom(
  [],
  [['system', 'expertflow']],
  [
    ['memory.expertCache', '75%'],
    ['workload.batch', 2],
  ],
  [['seed', 9]],
  [['workload.rate', 0.5]],
);

describe('what is typed', () => {
  it.each([
    ['', 'moeprof run'],
    ['--seed 3', 'moeprof run quickstart --seed 3'],
    ['-t mini-mixtral-8x8l -w t4 --cache 50%', 'moeprof run -t mini-mixtral-8x8l -w t4 --cache 50%'],
    ['--system fiddler --model olmoe-1b-7b', 'moeprof run -m olmoe-1b-7b -s fiddler'],
    ['quickstart --set hardware.links.h2d.bandwidth=12GB/s', 'moeprof run quickstart --set hardware.links.h2d.bandwidth=12GB/s'],
    ['-w t4 --no-bounds --strict', 'moeprof run -w t4 --set bounds=false --set audit=strict'],
    ['-w t4 --predictor none --policy lru', 'moeprof run -w t4 --policy lru --predictor none'],
    [`-m olmoe-1b-7b --set 'model.routing={ zipf: 1 }'`, `moeprof run -m olmoe-1b-7b --set 'model.routing={"zipf":1}'`],
  ])('%s', (typed, expected) => {
    const { flags, profile } = parsed(wordsOf(typed));
    expect(repeatCommand(runCommandOf(profile, flags))).toBe(expected);
  });

  it('comes again with the same fingerprint, whatever flags', () => {
    const property = fc.property(
      NAMES,
      fc.uniqueArray(FLAG, { maxLength: 6, selector: (text) => (text.split(/[ =]/)[0] === '--set' ? text : text.split(' ')[0]) }),
      VARIED,
      (named, flags, values) => {
        const given = parsed(wordsOf([named, ...flags].join(' ')));
        const last = values.map(([path, value]) => ({ path: path.split('.'), value, label: '--vary' }));
        let run: ReturnType<typeof runOf>;
        try {
          run = runOf(given.profile, given.flags, last);
        } catch {
          return; // Flags that contradict each other are nobody's run.
        }
        const command = repeatCommand(runCommandOf(given.profile, given.flags, last));
        expect([command, fingerprintOf(runIn(command))]).toEqual([command, fingerprintOf(run)]);
      },
    );
    fc.assert(property, { numRuns: cases(600, 60) });
  });
});

describe('of the library', () => {
  const inputs: readonly RunInput[] = [
    {},
    { seed: 2 },
    { hardware: 't4', trace: 'mini-mixtral-8x8l', memory: { expertCache: '25%' }, bounds: false },
    { trace: ['mini-mixtral-8x8l#0:100', 'mini-mixtral-8x8l#200:300'], workload: { tokens: 50, holdOut: 0.25 } },
    { model: 'olmoe-1b-7b', system: { name: 'x', cache: { policy: 'lru', scope: 'layer' }, onMiss: 'cpu' }, variants: ['top-k=4'] },
  ];

  it.each(inputs.map((input) => [JSON.stringify(input), input] as const))('%s', (_, input) => {
    expect(fingerprintOf(runIn(repeatCommand(commandOfInput(input))))).toBe(fingerprintOf(checkRun(input, 'test')));
  });

  it('stands in results and in those of a sweep', async () => {
    const input = { trace: 'mini-mixtral-8x8l#0:60', hardware: 't4', memory: { expertCache: '25%' }, bounds: false, audit: 'off' } as const;
    const { environment } = await simulate(input);
    expect(environment.command).toBe('moeprof run -t mini-mixtral-8x8l#0:60 -w t4 --cache 25% --set bounds=false --set audit=off');
    const { points } = await sweepFor(input, { 'workload.batch': [1, 2], system: ['fiddler', 'on-demand-lru'] });
    for (const { result } of points) {
      const command = String(result.environment.command);
      expect(command).toContain('--set workload.holdOut=20%');
      const again = await simulateRun(runIn(command));
      expect([again.fingerprint, again.metrics]).toEqual([result.fingerprint, result.metrics]);
    }
  });
});

/** A study of some parts, in a folder that has what they name. */
function studyOf(parts: { readonly set: readonly string[]; readonly axes: readonly string[]; readonly run: string }) {
  const folder = mkdtempSync(join(tmpdir(), 'moeprof-again ü'));
  writeFileSync(join(folder, 'tr ä.jsonl'), 'x');
  writeFileSync(join(folder, 'own run.yaml'), 'hardware: t4\ntrace: ./tr ä.jsonl\nworkload: { batch: 3 }\n');
  const lines = [
    ...(parts.run === '' ? [] : [`run: ${parts.run}`]),
    'set:',
    '  audit: off',
    ...parts.set.map((line) => `  ${line}`),
    'axes:',
  ];
  writeFileSync(join(folder, 'study.yaml'), [...lines, ...parts.axes.map((line) => `  ${line}`)].join('\n'));
  return loadStudy(join(folder, 'study.yaml'));
}

describe('of a cell of a study', () => {
  it('comes again with the same fingerprint, whatever varies', () => {
    const named = fc.constantFrom('', 'quickstart', './own run.yaml');
    const set = fc.subarray([
      'workload: { tokens: 50, prompt: 20 }',
      'memory.expertCache: 4GiB',
      "variants: ['skip=0.25', 'top-k=1']",
      'hardware.links.0.bandwidth: 12GB/s',
      'faults: [{ at: 2s, link: h2d, bandwidth: 50% }]',
      'system.prefetch: { when: idle }',
      'workload.slo: ttft=2s,tpot=100ms',
      'system.scheduler: cache-affinity:batches=4',
    ]);
    const axes = fc.subarray(
      [
        'trace: [mini-mixtral-8x8l, ./tr ä.jsonl, "mini-mixtral-8x8l#0:100"]',
        'system: [fiddler, on-demand-lru]',
        'system.cache.policy: [lru, "s3-fifo:small=0.1", "lru-k:k=2,crp=1"]',
        'workload.batch: [1, 4]',
        'workload.tokens: [40, "30"]',
        'system.predictor: [none, "transition"]',
        'system.predictor.horizon: [1, 2]',
        'seed: 1..2',
        'bounds: [true, false]',
        'system.prefetch.minProbability: [0.1, 0.5]',
        'hardware.links.h2d.bandwidth: [8GB/s, 16GB/s]',
        'runtime: [llama.cpp, hf-eager]',
      ],
      { minLength: 1, maxLength: 4 },
    );
    const flags = fc.constantFrom('', '--no-bounds --set workload.prompt=9', '--predictor transition --batch 2', '-w rtx-4090 --cache 10%');
    const tried = { made: 0 };
    const property = fc.property(named, set, axes, flags, (run, fixed, varied, typed) => {
      const study = studyOf({ run, set: fixed, axes: varied });
      const options = parsed(wordsOf(typed)).flags;
      for (const cell of [...spaceCells(study.space)].slice(0, 6)) {
        const own = cell.map((value, at) => study.override(at, value));
        let made: ReturnType<typeof runOfStudy>;
        try {
          made = runOfStudy(study, options, own);
        } catch {
          continue; // Values that contradict each other are nobody's run.
        }
        tried.made++;
        const command = repeatCommand(studyCommandOf(study, options, own));
        expect([command, fingerprintOf(runIn(command))]).toEqual([command, fingerprintOf(made)]);
      }
    });
    fc.assert(property, { numRuns: cases(200, 25) });
    expect(tried.made).toBeGreaterThan(20);
  });

  it('names files below the working folder from there', () => {
    const overrides = [{ path: ['trace'], value: join(process.cwd(), 'a b', 'tr.jsonl#0:9'), label: 'axes' }];
    expect(repeatCommand({ profile: join(process.cwd(), 'run.yaml'), overrides })).toBe("moeprof run ./run.yaml -t './a b/tr.jsonl#0:9'");
    expect(repeatCommand({ profile: '/elsewhere/run.yaml', overrides: [] })).toBe('moeprof run /elsewhere/run.yaml');
  });

  it('has what was set last, in the order of what was set', () => {
    const overrides = [
      { path: ['workload', 'prompt'], value: 5, label: 'set' },
      { path: ['workload'], value: { prompt: 7, output: 9 }, label: 'set' },
      { path: ['workload', 'prompt'], value: 6, label: 'axes' },
    ];
    expect(repeatCommand({ profile: 'quickstart', overrides })).toBe(
      `moeprof run quickstart --set 'workload={"prompt":7,"output":9}' --set workload.prompt=6`,
    );
  });
});

describe('of a stored run', () => {
  const short = { trace: 'mini-mixtral-8x8l#0:40', bounds: false, audit: 'off' } as const;
  const inputs: readonly RunInput[] = [
    { ...short, hardware: 't4' },
    { ...short, hardware: 't4', system: 'fiddler', memory: { expertCache: '50%' }, workload: { batch: 2, holdOut: 0.25 }, seed: 3 },
    { ...short, hardware: 'rtx-3060+ryzen-5-5600+2xddr4-3200+64GB', runtime: 'llama.cpp', variants: ['top-k=1'] },
    { ...short, system: { name: 'my-own', cache: { policy: 's3-fifo:small=0.2' }, predictor: { kind: 'transition', reach: 2 } } },
    { ...short, faults: [{ at: '1ms', until: '5ms', link: 'h2d', bandwidth: '50%' }] },
    { model: 'olmoe-1b-7b', quantization: 'q4_k_m', workload: { tokens: 12, rate: 4, requests: 2 }, bounds: false },
  ];

  it.each(inputs.map((input) => [JSON.stringify(input), input] as const))('%s', async (_, input) => {
    const overrides = [
      { path: ['system', 'prefetch', 'minProbability'], value: 0.3, label: '--vary' },
      { path: ['hardware', 'links', 'h2d', 'bandwidth'], value: '9GB/s', label: '--vary' },
    ];
    for (const more of [[], overrides]) {
      const run = checkRun(input, 'test', more);
      const fingerprint = fingerprintOf(run);
      const command = commandOfStored(await simulateRun(run), fingerprint);
      expect(fingerprintOf(runIn(command!))).toBe(fingerprint);
    }
  });

  it('is none where nothing makes that run', async () => {
    const result = await simulateRun(checkRun(inputs[0], 'test'));
    expect(commandOfStored(result, '0'.repeat(64))).toBeNull();
    expect(commandOfStored({ config: {} }, '0'.repeat(64))).toBeNull();
  });
});
