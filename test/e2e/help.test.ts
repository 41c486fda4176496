// Help without a network: explain, schema, completion in a real shell, the man page, doctor.
import { existsSync, readFileSync, writeFileSync } from 'node:fs';
import { dirname, join } from 'node:path';
import { describe, expect, it } from 'vitest';
import { BIN, inTurn, shell, temporaryFolder } from './moeprof.js';

describe('explain', () => {
  it('says in two paragraphs what a metric, a family or a warning is', async () => {
    for (const [name, start] of [
      ['cache.hit_rate', /^cache\.hit_rate\nDemanded experts that were resident[\s\S]*ratio; better when higher; simulated/],
      ['latency.tpot', /^latency\.tpot\nlatency\.tpot\.mean, latency\.tpot\.p50/],
      ['TPOT', /^TPOT\nTime per output token,[\s\S]*\n\nlatency\.tpot\nlatency\.tpot\.mean, latency\.tpot\.p50/],
      ['below-token-cycle', /^below-token-cycle\n\nThe expert cache is smaller/],
    ] as const) {
      const { stdout, stderr, code } = await inTurn(['explain', name]);
      expect([stderr, code]).toEqual(['', 0]);
      expect(stdout).toMatch(start);
      // A word of the screens has a sentence of its own above.
      expect(stdout.trim().split('\n\n')).toHaveLength(name === 'TPOT' ? 4 : 3);
      for (const line of stdout.split('\n')) expect([...line].length).toBeLessThanOrEqual(80);
    }
    expect((await inTurn(['explain'])).stdout).toContain('  latency.ttft\n');
    expect(await inTurn(['explain', 'cache.hitrate'])).toMatchObject({
      code: 2,
      stderr: expect.stringContaining('did you mean "cache.hit_rate"'),
    });
    const ascii = await inTurn(['explain', 'does-not-fit'], { env: { LANG: 'C' } });
    expect(ascii.stdout).toMatch(/^[\x20-\x7e\n]*$/);
  });
});

describe('schema', () => {
  it('prints JSON Schema for every kind of file', async () => {
    for (const kind of ['run', 'system', 'hardware', 'machine', 'runtime', 'model', 'budgets', 'measurements', 'result']) {
      const { stdout, code } = await inTurn(['schema', kind]);
      expect(code).toBe(0);
      const schema = JSON.parse(stdout);
      expect(schema).toMatchObject({ $schema: 'http://json-schema.org/draft-07/schema#' });
      // A machine is written out, or composed of parts.
      for (const one of schema.anyOf ?? [schema]) expect(one).toMatchObject({ type: 'object' });
    }
    expect(await inTurn(['schema', 'trace'])).toMatchObject({ code: 2 });
  });
});

describe('completion', () => {
  it('completes commands, options, choices and names in bash', async () => {
    const cwd = temporaryFolder();
    writeFileSync(join(cwd, 'my-run.yaml'), '');
    writeFileSync(join(cwd, 'moeprof.bash'), (await inTurn(['completion', 'bash'])).stdout);
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
    const { stdout, code } = await inTurn(['completion', name]);
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

describe('the script for PowerShell', () => {
  it('offers the values of options, and the words of commands, in well-formed blocks', async () => {
    const { stdout, code } = await inTurn(['completion', 'powershell']);
    expect(code).toBe(0);
    expect(stdout).toMatch(/^ {4}'baseline save'$/m);
    expect(stdout).toMatch(/^ {4}'run:--progress' \{ \$known = \$true; \$words = @\('auto', 'always', 'never'\) \}$/m);
    expect(stdout).toMatch(/^ {4}'run:-m' \{ \$known = \$true; \$words = @\(.*'gpt-oss-120b'.*\); \$files = \$true \}$/m);
    expect(stdout).toMatch(/^ {4}'' \{ \$words = @\('run', 'curve', /m);
    // Quotes are even in each line, and outside of them brackets close.
    for (const line of stdout.split('\n').filter((one) => !one.startsWith('#'))) expect(line.split("'").length % 2, line).toBe(1);
    const bare = stdout.replace(/^#.*$/gm, '').replace(/'[^']*'/g, '');
    let open = '';
    for (const [letter] of bare.matchAll(/[()[\]{}]/g)) {
      if ('([{'.includes(letter)) open += letter;
      else {
        expect(open.at(-1)).toBe({ ')': '(', ']': '[', '}': '{' }[letter]);
        open = open.slice(0, -1);
      }
    }
    expect(open).toBe('');
    const found = ['/usr/bin/pwsh', '/usr/local/bin/pwsh', '/snap/bin/pwsh'].find((path) => existsSync(path));
    if (found === undefined) {
      console.warn('SKIPPED: PowerShell is not installed, its completion script was not read by it');
      return;
    }
    const cwd = temporaryFolder();
    const asks = "(TabExpansion2 'moeprof compare --upd' 21).CompletionMatches.CompletionText";
    writeFileSync(join(cwd, 'ask.ps1'), `${stdout}\n${asks}\n`);
    expect((await shell(`${found} -NoProfile -File ask.ps1`, { cwd })).stdout.trim()).toBe('--update-baseline');
  });
});

describe('the man page', () => {
  it('has the help of every command, and roff has no complaint', async () => {
    const path = join(dirname(BIN), '../dist/moeprof.1');
    const page = readFileSync(path, 'utf8');
    const listed = [...(await inTurn(['--help', 'all'])).stdout.matchAll(/^ {2}([a-z]+) {2}/gm)].map(([, name]) => name!);
    expect(listed.length).toBeGreaterThan(20);
    for (const name of listed) expect(page).toContain(`.SH MOEPROF ${name.toUpperCase()}\n`);
    expect(page).toContain('.SS moeprof trace convert\n');
    for (const option of ['\\-\\-cache <size>', '\\-\\-fail\\-on', '\\-\\-trace\\-format <format>']) expect(page).toContain(option);
    const { stdout } = await shell(`command -v man >/dev/null && command -v groff >/dev/null && echo there`);
    if (stdout.trim() !== 'there') {
      console.warn('SKIPPED: there is no man, which would read the page');
      return;
    }
    const read = await shell(`MANWIDTH=100 man --warnings -l "${path}" | head -40`, { env: { LC_ALL: 'C.UTF-8', MANPAGER: 'cat' } });
    expect([read.code, read.stderr]).toEqual([0, '']);
    expect(read.stdout).toContain('moeprof <command> [options]');
  });
});

describe('doctor', () => {
  it('says what there is, and passes where moeprof works', async () => {
    const { stdout, code } = await inTurn(['doctor']);
    expect(code).toBe(0);
    expect(stdout).toContain(process.version);
    expect(stdout).toMatch(/\d+ models, \d+ hardware, \d+ runtimes, \d+ systems/);
    expect((await inTurn(['doctor'], { env: { LANG: 'C' } })).stdout).toMatch(/^[\x20-\x7e\n]*$/);
  });
});
