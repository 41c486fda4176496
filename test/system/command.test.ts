// The command of a run repeats it: what it says is read back into a run of the same fingerprint.
import { Command } from 'commander';
import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { addRunOptions, type RunFlags, runOf, toldOf } from '../../src/cli/run-options.js';
import { simulate, simulateRun } from '../../src/engine/simulate.js';
import { fingerprintOf } from '../../src/explore/study/fingerprint.js';
import { sweepFor } from '../../src/explore/sweep-runs.js';
import { repeatCommand, toldOfInput } from '../../src/system/command.js';
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
  const command = addRunOptions(new Command().argument('[profile]').exitOverride());
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
    expect(repeatCommand(toldOf(profile, flags))).toBe(expected);
  });

  it('comes again with the same fingerprint, whatever flags', () => {
    const flag = fc.constantFrom(
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
        '--no-foresight',
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
    const names = fc.constantFrom(
      '',
      '-m olmoe-1b-7b',
      '-t mini-mixtral-8x8l -w t4',
      '-s fiddler',
      '-t mini-mixtral-8x8l#0:100 -t mini-mixtral-8x8l#200:300',
    );
    const varied = fc.constantFrom(
      [],
      [['system', 'expertflow']],
      [
        ['memory.expertCache', '75%'],
        ['workload.batch', 2],
      ],
      [['seed', 9]],
      [['workload.rate', 0.5]],
    );
    const property = fc.property(
      names,
      fc.uniqueArray(flag, { maxLength: 6, selector: (text) => (text.split(/[ =]/)[0] === '--set' ? text : text.split(' ')[0]) }),
      varied,
      (named, flags, values) => {
        const given = parsed(wordsOf([named, ...flags].join(' ')));
        const last = values.map(([path, value]) => ({ path: path.split('.'), value, label: '--vary' }));
        let run: ReturnType<typeof runOf>;
        try {
          run = runOf(given.profile, given.flags, last);
        } catch {
          return; // Flags that contradict each other are nobody's run.
        }
        const command = repeatCommand(toldOf(given.profile, given.flags, last));
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
    expect(fingerprintOf(runIn(repeatCommand(toldOfInput(input))))).toBe(fingerprintOf(checkRun(input, 'test')));
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
