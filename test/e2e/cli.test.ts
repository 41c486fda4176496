// The built command from outside: help, errors, exit codes, pipes, colours.
import { readFileSync } from 'node:fs';
import { describe, expect, it } from 'vitest';
import { moeprof, shell } from './moeprof.js';

const { version } = JSON.parse(readFileSync(new URL('../../package.json', import.meta.url), 'utf8')) as { version: string };

describe('help and version', () => {
  it('prints the version', async () => {
    for (const flag of ['-V', '--version']) expect(await moeprof([flag])).toEqual({ stdout: `${version}\n`, stderr: '', code: 0 });
  });

  // test/cli/help.test.ts reads the help of every command.
  it('prints help on stdout within 80 columns, for the program and commands', async () => {
    const asked = [['--help'], ['-h'], ['help', 'all'], ['help', 'compare'], ['run', '--help', 'all'], ['trace', 'convert', '--help']];
    for (const args of asked) {
      const { stdout, stderr, code } = await moeprof(args);
      expect([code, stderr]).toEqual([0, '']);
      expect(stdout).toMatch(/^Usage: moeprof /);
      expect(stdout).toMatch(/^ {2}moeprof /m);
      for (const line of stdout.split('\n')) expect(line.length, line).toBeLessThanOrEqual(80);
    }
  });

  it('shows help as an error where no command is given', async () => {
    for (const args of [[], ['profiles']]) {
      const { stdout, stderr, code } = await moeprof(args);
      expect([stdout, code]).toEqual(['', 2]);
      expect(stderr).toMatch(/^Usage: moeprof/);
    }
  });
});

describe('mistakes are one line and exit 2', () => {
  it.each([
    [['comprae'], "moeprof: unknown command 'comprae'; did you mean compare? (see moeprof --help)\n"],
    [['report', '--jsno', 'r.json'], "moeprof: unknown option '--jsno'; did you mean --json? (see moeprof report --help)\n"],
    [
      ['compare', 'a.json'],
      'moeprof: compare: what a.json is to be compared with is missing; write moeprof compare a.json <candidate>, or --against <baseline> a.json\n',
    ],
    [
      ['trace', 'inspect'],
      "moeprof: missing required argument 'trace'; name a trace: routing.jsonl, or mini-mixtral-8x8l, which is bundled (see moeprof trace inspect --help)\n",
    ],
    [['gpt-oss-20b'], "moeprof: unknown command 'gpt-oss-20b'; for a model write moeprof advise gpt-oss-20b (see moeprof --help)\n"],
    [['help', 'comprae'], "moeprof: unknown command 'comprae'; did you mean compare? (see moeprof --help)\n"],
    [['comprae', '--help'], "moeprof: unknown command 'comprae'; did you mean compare? (see moeprof --help)\n"],
    [['run', '--rerank', '-1'], 'moeprof: --rerank: rerank.lambda: must be at least 0, not -1\n'],
    [['run', '--batch', '100000000'], 'moeprof: --batch: workload.batch: must be at most 1000000, not 100000000\n'],
    [['run', '--tokens', '1e12'], 'moeprof: --tokens: workload.tokens: must be at most 1e9; a part of the trace says the same\n'],
    [['run', '--slo', 'tpot=100'], "moeprof: --slo: workload.slo: 'tpot=100' has no unit; write tpot=100ms or tpot=100s\n"],
    [['run', '--fault', 'at=2,cpu=50%'], 'moeprof: --fault: at=2 has no unit; write at=2s or at=2ms\n'],
    [['completion', 'tcsh'], "moeprof: unknown shell 'tcsh'; use bash, zsh, fish, powershell (see moeprof completion --help)\n"],
    [['report', 'nope.json'], 'moeprof: nope.json: there is no such file\n'],
    [
      ['report', 'r.json', '--format', 'jsno'],
      /^moeprof: option '--format <name>' argument 'jsno' is invalid\. Allowed choices are table, json, .*\n$/,
    ],
    [['report', 'r.json', '--json', '--format', 'csv'], /^moeprof: option '--json' cannot be used with option '--format <name>' .*\n$/],
    [['profiles', 'show', 'hardware/rtx-409'], /^moeprof: there is no hardware "rtx-409": did you mean "rtx-4090".*\n$/],
    [['profiles', 'list', 'hardwear'], 'moeprof: unknown family "hardwear": did you mean "hardware"?\n'],
  ])('%j', async (args, message) => {
    const { stdout, stderr, code } = await moeprof(args);
    expect([stdout, code]).toEqual(['', 2]);
    if (typeof message === 'string') expect(stderr).toBe(message);
    else expect(stderr).toMatch(message);
    expect(stderr.trim().split('\n')).toHaveLength(1);
  });

  it('shows where an error comes from under --debug', async () => {
    const { stderr, code } = await moeprof(['--debug', 'report', 'nope.json']);
    expect(code).toBe(2);
    expect(stderr).toMatch(/^moeprof: nope\.json: there is no such file\nUserError: .*\n {4}at /);
  });
});

describe('profiles', () => {
  it('lists names that show takes', async () => {
    const { stdout } = await moeprof(['profiles', 'list']);
    const names = stdout
      .trim()
      .split('\n')
      .map((line) => line.split(' ')[0]!);
    expect(names).toEqual(expect.arrayContaining(['model/qwen3-30b-a3b', 'hardware/rtx-4090', 'policy/lru']));
    for (const name of ['model/qwen3-30b-a3b', 'hardware/rtx-4090', 'policy/static']) {
      const shown = await moeprof(['profiles', 'show', name]);
      expect(shown).toMatchObject({ code: 0, stderr: '' });
      expect(shown.stdout).toContain(name.split('/')[1]!);
    }
    const policies = await moeprof(['profiles', 'list', 'policies']);
    expect(
      policies.stdout
        .trim()
        .split('\n')
        .every((line) => line.startsWith('policy/')),
    ).toBe(true);
  });

  it('prints a profile byte for byte', async () => {
    const { stdout } = await moeprof(['profiles', 'show', 'hardware/rtx-4090']);
    expect(stdout).toBe(readFileSync(new URL('../../profiles/hardware/rtx-4090.yaml', import.meta.url), 'utf8'));
  });

  it('ends quietly when its reader does', async () => {
    const { stdout, stderr, code } = await shell('set -o pipefail; $MOEPROF profiles list | head -n 1');
    expect({ stderr, code }).toEqual({ stderr: '', code: 0 });
    expect(stdout.trim().split('\n')).toHaveLength(1);
  });
});
