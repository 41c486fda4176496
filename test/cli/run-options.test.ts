// Every flag that says what runs reaches the run, wherever it stands.
import { Command } from 'commander';
import { describe, expect, it } from 'vitest';
import { declared } from '../../src/cli/kit/declared.js';
import { RUN, type RunFlags, runOf } from '../../src/cli/run-options.js';
import { simulateRun } from '../../src/engine/simulate.js';
import { tableReport } from '../../src/report/summary/run.js';
import { fingerprintOf } from '../../src/study/fingerprint.js';

/** A value for each flag that takes one, other than what the quick start says. */
const VALUES: Readonly<Record<string, string>> = {
  '--model': 'mixtral-8x7b',
  '--shape': '3x14x2',
  '--quantization': 'bf16',
  '--trace': 'mini-mixtral-8x8l',
  '--trace-format': 'csv',
  '--trace-columns': 'layer=a,experts=b',
  '--variant': 'random',
  '--top-k': '2',
  '--hardware': 't4',
  '--runtime': 'hf-eager',
  '--system': 'fiddler',
  '--cache': '7%',
  '--gpu-layers': '7',
  '--warm': '500',
  '--policy': 'fifo',
  '--scope': 'layer',
  '--predictor': 'markov',
  '--rerank': '0.5',
  '--scheduler': 'static',
  '--on-miss': 'cpu',
  '--replay': 'sequential',
  '--workload': 'poisson:rate=2',
  '--rate': '3',
  '--requests': '7',
  '--slo': 'ttft=1s',
  '--batch': '3',
  '--tokens': '77',
  '--seed': '7',
  '--fault': 'at=1s,link=h2d,bandwidth=50%',
  '--found': 'all',
  '--set': 'system.cache.scope=layer',
};

/** All but the one that says what files may do; test/attack/code.test.ts has that. */
const options = declared(new Command(), RUN)
  .options.map(({ long, required }) => ({ flag: long!, takesValue: required }))
  .filter(({ flag }) => flag !== '--allow-code');

function runWith(...words: string[]): ReturnType<typeof runOf> {
  const command = declared(new Command(), RUN).exitOverride().parse(words, { from: 'user' });
  return runOf('quickstart', command.opts<RunFlags>());
}

describe('flags of a run', () => {
  it('each have a value here', () => {
    expect(options.filter(({ takesValue }) => takesValue).map(({ flag }) => flag)).toEqual(Object.keys(VALUES));
  });

  it.each(options)('$flag reaches the run', ({ flag, takesValue }) => {
    expect(runWith(...(takesValue ? [flag, VALUES[flag]!] : [flag]))).not.toEqual(runWith());
  });
});

describe('a cache policy alone, on the quick start', () => {
  const given = (...words: string[]) => {
    const command = declared(new Command(), RUN).exitOverride();
    return runOf(undefined, command.parse(words, { from: 'user' }).opts<RunFlags>());
  };

  it.each([
    [['--policy', 's3-fifo'], '--policy'],
    [['--policy', 'lru', '--scope', 'layer', '--tokens', '16'], '--policy'],
    [['--set', 'system.cache.policy=arc'], '--set system.cache.policy'],
  ])('%j runs in a system that loads what is missing, and says so', (words, label) => {
    const run = given(...words);
    expect([run.system.name, run.note]).toEqual([
      'on-demand-lru',
      `llama.cpp-static never loads an expert, so ${label} runs in on-demand-lru.`,
    ]);
    expect(run.model).toBe('gpt-oss-120b');
  });

  it.each([[[]], [['--scope', 'layer']], [['--policy', 'static:by=layer']], [['--policy', 'lru', '--predictor', 'markov']]])(
    '%j leaves the system as it is',
    (words) => {
      const run = given(...words);
      expect([run.system.name, run.note]).toEqual(['llama.cpp-static', undefined]);
    },
  );

  it('a model on a machine alone runs in a baseline, and says so', () => {
    expect(given('-m', 'mixtral-8x7b', '-w', 'rtx-3090').note).toMatch(/^No -s given: on-demand-lru is a baseline .* moeprof advise /);
    for (const more of [
      ['-s', 'fiddler'],
      ['--cache', '25%'],
      ['--policy', 'lru'],
      ['-t', 'mini-mixtral-8x8l'],
    ])
      expect(given('-m', 'mixtral-8x7b', '-w', 'rtx-3090', ...more).note).toBeUndefined();
  });

  it('is the run of that system: its note is no part of what it is', async () => {
    const alone = given('--policy', 's3-fifo', '--tokens', '8', '--no-bounds');
    const { note: _, ...plain } = alone;
    expect(fingerprintOf(alone)).toBe(fingerprintOf(plain));
    const [result, same] = [await simulateRun(alone), await simulateRun(plain)];
    expect(result.metrics).toEqual(same.metrics);
    expect(result.config).toEqual(same.config);
    const text = tableReport.render(result, { color: false, width: 80, unicode: true, verbose: false });
    expect(text).toContain('\nllama.cpp-static never loads an expert, so --policy runs in on-demand-lru.\nThe routing is synthetic');
    expect(text.match(/never loads/g)).toHaveLength(1);
  });
});
