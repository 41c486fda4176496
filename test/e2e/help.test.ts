// Help without a network: explain, schema, completion in a real shell, doctor.
import { existsSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { describe, expect, it } from 'vitest';
import { moeprof, shell, temporaryFolder } from './moeprof.js';

describe('explain', () => {
  it('says in two paragraphs what a metric, a family or a warning is', async () => {
    for (const [name, start] of [
      ['cache.hit_rate', /^cache\.hit_rate\nDemanded experts that were resident[\s\S]*ratio; better when higher; simulated/],
      ['latency.tpot', /^latency\.tpot\nlatency\.tpot\.mean, latency\.tpot\.p50/],
      ['below-token-cycle', /^below-token-cycle\n\nThe expert cache is smaller/],
    ] as const) {
      const { stdout, stderr, code } = await moeprof(['explain', name]);
      expect([stderr, code]).toEqual(['', 0]);
      expect(stdout).toMatch(start);
      expect(stdout.trim().split('\n\n')).toHaveLength(3);
      for (const line of stdout.split('\n')) expect([...line].length).toBeLessThanOrEqual(80);
    }
    expect((await moeprof(['explain'])).stdout).toContain('  latency.ttft\n');
    expect(await moeprof(['explain', 'cache.hitrate'])).toMatchObject({
      code: 2,
      stderr: expect.stringContaining('did you mean "cache.hit_rate"'),
    });
    const ascii = await moeprof(['explain', 'does-not-fit'], { env: { LANG: 'C' } });
    expect(ascii.stdout).toMatch(/^[\x20-\x7e\n]*$/);
  });
});

describe('schema', () => {
  it('prints JSON Schema for every kind of file', async () => {
    for (const kind of ['run', 'system', 'hardware', 'machine', 'runtime', 'model', 'budgets', 'measurements', 'result']) {
      const { stdout, code } = await moeprof(['schema', kind]);
      expect(code).toBe(0);
      const schema = JSON.parse(stdout);
      expect(schema).toMatchObject({ $schema: 'http://json-schema.org/draft-07/schema#' });
      // A machine is written out, or composed of parts.
      for (const one of schema.anyOf ?? [schema]) expect(one).toMatchObject({ type: 'object' });
    }
    expect(await moeprof(['schema', 'trace'])).toMatchObject({ code: 2 });
  });
});

describe('completion', () => {
  it('completes commands, options, choices and names in bash', async () => {
    const cwd = temporaryFolder();
    writeFileSync(join(cwd, 'my-run.yaml'), '');
    writeFileSync(join(cwd, 'moeprof.bash'), (await moeprof(['completion', 'bash'])).stdout);
    const complete = async (...words: string[]): Promise<string[]> => {
      const quoted = ['moeprof', ...words].map((word) => `'${word}'`).join(' ');
      const { stdout, stderr } = await shell(
        `source moeprof.bash; COMP_WORDS=(${quoted}); COMP_CWORD=${words.length}; _moeprof; printf '%s\\n' "\${COMPREPLY[@]}"`,
        { cwd },
      );
      expect(stderr).toBe('');
      return stdout.split('\n').filter((line) => line !== '');
    };
    expect(await complete('co')).toEqual(['compare', 'completion']);
    expect(await complete('compare', '--upd')).toEqual(['--update-baseline']);
    expect(await complete('compare', '--prog')).toEqual(['--progress']);
    expect(await complete('run', '--model', 'qwen3-30')).toEqual(['qwen3-30b-a3b']);
    const cards = await complete('run', '-w', 'rtx-30');
    // The bundled machine, and cards that a machine may be composed of.
    expect(cards).toEqual(expect.arrayContaining(['rtx-3090', 'rtx-3060']));
    expect(cards.filter((name) => !name.startsWith('rtx-30'))).toEqual([]);
    expect(await complete('run', '--on-miss', 'c')).toEqual(['cpu', 'cheaper']);
    expect(await complete('run', '-q', '--progress', 'n')).toEqual(['never']);
    expect(await complete('run', 'my')).toEqual(['my-run.yaml']);
    expect(await complete('baseline', 's')).toEqual(['save', 'show']);
    expect(await complete('baseline', 'save', '--f')).toEqual(['--force']);
    expect(await complete('schema', 'b')).toEqual(['budgets']);
    expect(await complete('explain', 'below')).toEqual(['below-token-cycle']);
  });

  it.each(['zsh', 'fish'])('is a script that %s reads, with every command', async (name) => {
    const { stdout, code } = await moeprof(['completion', name]);
    expect(code).toBe(0);
    for (const command of ['run', 'compare', 'baseline', 'explain', 'doctor']) expect(stdout).toMatch(new RegExp(`\\b${command}\\b`));
    for (const option of ['update-baseline', 'on-miss', 'no-color']) expect(stdout).toContain(option);
    const found = ['/usr/bin', '/bin', '/usr/local/bin'].find((folder) => existsSync(join(folder, name)));
    if (found === undefined) {
      console.warn(`SKIPPED: ${name} is not installed, its completion script was not read by it`);
      return;
    }
    const cwd = temporaryFolder();
    writeFileSync(join(cwd, 'script'), stdout);
    expect(await shell(`${join(found, name)} -n script`, { cwd })).toMatchObject({ code: 0, stderr: '' });
  });
});

describe('doctor', () => {
  it('says what there is, and passes where moeprof works', async () => {
    const { stdout, code } = await moeprof(['doctor']);
    expect(code).toBe(0);
    expect(stdout).toContain(process.version);
    expect(stdout).toMatch(/\d+ models, \d+ hardware, \d+ runtimes, \d+ systems/);
    expect((await moeprof(['doctor'], { env: { LANG: 'C' } })).stdout).toMatch(/^[\x20-\x7e\n]*$/);
  });
});
