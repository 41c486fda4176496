// --on-miss takes what a system's file takes, in a word, as key=value or in YAML.
import { Command } from 'commander';
import { describe, expect, it } from 'vitest';
import { declared } from '../../src/cli/kit/declared.js';
import { missRulesOf } from '../../src/cli/on-miss.js';
import { RUN, type RunFlags, runOf } from '../../src/cli/run-options.js';

describe('--on-miss', () => {
  it('is a word, a rule, several of them, or YAML', () => {
    expect(missRulesOf('cpu')).toBe('cpu');
    expect(missRulesOf('cpu,admit=background,after=2')).toEqual({ do: 'cpu', admit: 'background', after: 2 });
    expect(missRulesOf('static,when.phase=prefill,when.pass=>=512; cpu, defer=2')).toEqual([
      { do: 'static', when: { phase: 'prefill', pass: '>=512' } },
      { do: 'cpu', defer: 2 },
    ]);
    expect(missRulesOf('low-precision,copyBytes=0.25,when.gate=>0.6;load')).toEqual([
      { do: 'low-precision', copyBytes: 0.25, when: { gate: '>0.6' } },
      'load',
    ]);
    expect(missRulesOf(" { do: cpu, when: { tokens: '<8' } }")).toEqual({ do: 'cpu', when: { tokens: '<8' } });
    expect(missRulesOf('[substitute, load]')).toEqual(['substitute', 'load']);
  });

  it('reaches the run, as rules', () => {
    const words = ['--on-miss', 'cpu,admit=background,after=2'];
    const run = runOf('quickstart', declared(new Command(), RUN).parse(words, { from: 'user' }).opts<RunFlags>());
    expect(run.system.onMiss.rules).toEqual([{ do: 'cpu', admit: 'background', after: 2, copyBytes: 1, defer: 0, when: null }]);
  });

  it.each([
    ['cpuu', '--on-miss: unknown action "cpuu"; did you mean "cpu"?'],
    ['cpu;', '--on-miss: a rule has no action; write e.g. cpu,admit=background'],
    ['cpu,background', '--on-miss: "background" is not key=value; write e.g. cpu,admit=background'],
    ['cpu,after=1,after=2', '--on-miss: after is given twice; say it once'],
    ['cpu,admit=later', '--on-miss: unknown admit "later"; known: policy, always, never, background'],
    ['cpu,addmit=background', '--on-miss: onMiss: unknown key "addmit"; did you mean "admit"?'],
    ['load,when.tokens=8', '--on-miss: onMiss: the last rule must always hold; leave its when out, or add load'],
    ['[cpu', "--on-miss: [cpu is not YAML; write e.g. '{ do: cpu, admit: background }', or cpu,admit=background"],
  ])('%s is refused in one line', (text, message) => {
    const words = ['--on-miss', text];
    const of = () => runOf('quickstart', declared(new Command(), RUN).parse(words, { from: 'user' }).opts<RunFlags>());
    expect(of).toThrow(message);
    expect(() => of()).not.toThrow(/\n/);
  });
});
