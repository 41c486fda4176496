// `moeprof machine` from outside: it detects this machine without root, with tools that lie in the path or do not, and reads its own file.
import { spawn } from 'node:child_process';
import { chmodSync, existsSync, mkdirSync, readdirSync, readFileSync, symlinkSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { describe, expect, it, vi } from 'vitest';
import { BIN, inTurn, shell, temporaryFolder } from './moeprof.js';

/** A folder of programs, each of which prints a text. */
function programs(cwd: string, printing: Readonly<Record<string, string>>): string {
  const folder = join(cwd, 'bin');
  mkdirSync(folder);
  for (const [name, text] of Object.entries(printing)) {
    writeFileSync(join(folder, `${name}.txt`), text);
    writeFileSync(join(folder, name), `#!/bin/sh\nexec /bin/cat "${join(folder, `${name}.txt`)}"\n`);
    chmodSync(join(folder, name), 0o755);
  }
  return folder;
}

describe('moeprof machine detect', () => {
  it('sees this machine, writes it, and reads it again', async () => {
    const cwd = temporaryFolder();
    const detected = await inTurn(['machine', 'detect', '-o', 'box.yaml', '-o', 'box.json'], { cwd });
    expect([detected.stderr, detected.code]).toEqual(['', 0]);
    for (const line of detected.stdout.split('\n')) expect([...line].length).toBeLessThanOrEqual(80);
    const { machine, parts, schema } = JSON.parse(readFileSync(join(cwd, 'box.json'), 'utf8'));
    expect(schema).toBe('moeprof.machine/1');
    expect(machine).toBe(parts.map(({ part }: { part: string }) => part).join('+'));
    const shown = await inTurn(['machine', 'show', 'box.yaml'], { cwd });
    expect([shown.stderr, shown.code]).toEqual(['', 0]);
    const run = await inTurn(['run', '-m', 'olmoe-1b-7b', '-w', 'box.yaml', '--tokens', '20', '-q'], { cwd });
    expect(run.code).toBe(0);
  });

  it('believes the tools that there are, and says which are missing', async () => {
    const cwd = temporaryFolder();
    const path = programs(cwd, { 'nvidia-smi': '00000000:01:00.0, NVIDIA GeForce RTX 3090, 24576, 4, 4, 16, 250.00, 350.00\n' });
    const { code, stdout } = await inTurn(['machine', 'detect', '--no-color'], { cwd, env: { PATH: path } });
    expect(code).toBe(0);
    expect(stdout).toMatch(/^rtx-3090 +NVIDIA GeForce RTX 3090, 24.0 GiB$/m);
    expect(stdout.replace(/\s+/g, ' ')).toContain('runs with 4 of its 16 PCIe lanes');
    expect(stdout.replace(/\s+/g, ' ')).toContain('may draw 250 of 350 W');
    expect(stdout).not.toContain('\x1b');
  });

  it('a tool that prints nonsense tells nothing', async () => {
    const cwd = temporaryFolder();
    const nonsense = '\x1b[31m\0{"a": ,,,\n'.repeat(1000);
    const path = programs(cwd, Object.fromEntries(['nvidia-smi', 'rocm-smi', 'lspci', 'lscpu'].map((name) => [name, nonsense])));
    const { code, stderr, stdout } = await inTurn(['machine', 'detect'], { cwd, env: { PATH: path } });
    expect([code, stderr]).toEqual([0, '']);
    expect(stdout.replace(/\s+/g, ' ')).not.toContain('undefined');
    expect(stdout).not.toContain('\x1b[31m');
  });
});

/** Tools that run a script in which each sleeps. @returns their folder, and what names the processes of them that are left (on Linux) */
function hostileTools(cwd: string, script: string): [folder: string, left: () => string[]] {
  const folder = programs(cwd, {});
  const names = ['nvidia-smi', 'rocm-smi', 'lspci'];
  for (const name of names) {
    writeFileSync(join(folder, name), `#!/bin/sh\n${script.replaceAll('/bin/sleep', join(cwd, 'sleep'))}\n`);
    chmodSync(join(folder, name), 0o755);
  }
  symlinkSync('/bin/sleep', join(cwd, 'sleep'));
  const left = (): string[] =>
    (existsSync('/proc/self') ? readdirSync('/proc') : []).flatMap((pid) => {
      try {
        const words = readFileSync(`/proc/${pid}/cmdline`, 'utf8').replaceAll('\0', ' ').trim();
        return /^\d+$/.test(pid) && words.includes(cwd) ? [words] : [];
      } catch {
        return [];
      }
    });
  return [folder, left];
}

describe('moeprof machine detect beside hostile tools', () => {
  it.concurrent.each([
    ['prints without end', 'exec /usr/bin/yes "0, NVIDIA \\033[31m\\u202e, 1, 4, 4, 16, 1, 1"'],
    ['prints escape codes', "printf '0, \\033]0;title\\007NVIDIA \\033[2JRTX 3090\\342\\200\\256, 24576, 4, 4, 16, 250, 350\\n'"],
    ['never ends', 'exec /bin/sleep 60'],
    ['leaves a process that keeps its output open', '/bin/sleep 60 &'],
    ['leaves one that is silent', '/bin/sleep 60 >/dev/null 2>&1 &'],
    ['never ends, nor do those that it has started', '(/bin/sleep 60; :) & /bin/sleep 60 & /bin/sleep 60'],
    ['ends for no signal that can be heard', "trap '' INT TERM HUP; while :; do /bin/sleep 60; done"],
    ['fails with much to say', 'i=0; while [ $i -lt 20000 ]; do echo error >&2; i=$((i+1)); done; exit 9'],
    ['is ended by a signal', 'kill -9 $$'],
  ])(
    'one that %s tells nothing',
    async (_, script) => {
      const cwd = temporaryFolder();
      const [folder, left] = hostileTools(cwd, script);
      const { code, stderr, stdout } = await inTurn(['machine', 'detect', '--no-color'], { cwd, env: { PATH: folder } });
      expect([code, stderr]).toEqual([0, '']);
      expect(stdout).not.toMatch(/[\x1b\x07\u202e]/);
      expect(stdout).not.toContain('undefined');
      await vi.waitFor(() => expect(left()).toEqual([]), 10_000);
    },
    90_000,
  );

  it.skipIf(process.platform !== 'linux').each(['SIGINT', 'SIGTERM'] as const)(
    '%s ends it, and all that they have started',
    async (signal) => {
      const cwd = temporaryFolder();
      const [folder, left] = hostileTools(cwd, '/bin/sleep 60 & /bin/sleep 60');
      const child = spawn(process.execPath, [BIN, 'machine', 'detect'], { cwd, env: { PATH: folder, HOME: cwd }, stdio: 'ignore' });
      const ended = new Promise((resolve) => child.on('close', (code, by) => resolve(by ?? code)));
      await vi.waitFor(() => expect(left().length).toBeGreaterThanOrEqual(9), { timeout: 30_000, interval: 200 });
      child.kill(signal);
      expect(await ended).toBe(signal);
      await vi.waitFor(() => expect(left()).toEqual([]), 10_000);
    },
  );
});

describe('moeprof machine show', () => {
  it('shows parts, and what a runtime reaches', async () => {
    const { code, stdout } = await inTurn(['machine', 'show', 'rtx-3090+ryzen-9-7950x+2xddr5-6000+64GB', '--runtime', 'ik_llama.cpp']);
    expect(code).toBe(0);
    expect(stdout).toContain('96.0 GB/s of the data sheet');
    expect(stdout).toMatch(/^CPU +96.0 GB\/s +50.9 %/m);
  });

  it('a machine that there is not ends with one line', async () => {
    const { code, stderr, stdout } = await inTurn(['machine', 'show', 'rtx-3091+64GB']);
    expect([code, stdout]).toEqual([2, '']);
    expect(stderr).toMatch(/^moeprof: unknown part "rtx-3091": [^\n]+\n$/);
    expect(existsSync('rtx-3091+64GB')).toBe(false);
  });
});

describe('moeprof machine learn', () => {
  const test = (layers: number, speed: number): string =>
    JSON.stringify({
      model_filename: 'olmoe-1b-7b-q4_k_m.gguf',
      n_gpu_layers: 99,
      n_cpu_moe: layers,
      n_prompt: 0,
      n_gen: 128,
      n_depth: 0,
      avg_ts: speed,
      stddev_ts: 1,
    });

  it('keeps what llama-bench printed, and every run on the machine learns from it', async () => {
    const cwd = temporaryFolder();
    writeFileSync(join(cwd, 'bench.jsonl'), [test(0, 260), test(16, 120), test(8, 170)].join('\n'));
    const parts = 'rtx-3090+ryzen-9-7950x+2xddr5-6000+64GB+pcie4x16';
    const { code, stderr, stdout } = await inTurn(['machine', 'learn', 'bench.jsonl', '-w', parts, '-o', 'box.yaml', '-o', '-'], { cwd });
    expect([code, stderr]).toEqual([0, '']);
    for (const line of stdout.split('\n')) expect([...line].length).toBeLessThanOrEqual(80);
    expect(stdout).toMatch(/^bench\.jsonl:3 +decode +170 /m);
    expect(stdout).toMatch(/Learned from 3 timings/);
    const run = await inTurn(['run', '-m', 'olmoe-1b-7b', '-w', 'box.yaml', '-s', 'llama.cpp-static', '--tokens', '20', '--json'], {
      cwd,
    });
    const { warnings } = JSON.parse(run.stdout);
    expect(warnings.find(({ code: name }: { code: string }) => name === 'machine-calibrated').message).toMatch(
      /^Learned from 3 timings of this machine: /,
    );
  });

  it.each([
    [['none.log'], /^moeprof: .*none\.log: /],
    [['bad.jsonl'], /^moeprof: .*bad\.jsonl:1: avg_ts: "slow" is no speed/],
    [['bad.log', '-w', 't4'], /^moeprof: .*bad\.log:1: names no model; name one with -m|^moeprof: -w t4: is a profile of tiers/],
    [
      ['tail.log', '-w', 'rtx-3060+32GB', '-m', 'olmoe-1b-7b', '--quantization', 'q4_k_m'],
      /^moeprof: tail\.log:2: nothing says where its experts lay; .*put the command line into the log/,
    ],
  ])('%j ends with one line', async (args, message) => {
    const cwd = temporaryFolder();
    writeFileSync(join(cwd, 'bad.jsonl'), test(0, 1).replace(':1,', ':"slow",'));
    const timing = (kind: string): string => `${kind} time = 3400.00 ms / 512 tokens ( 6.64 ms per token, 150.59 tokens per second)\n`;
    writeFileSync(join(cwd, 'tail.log'), timing('prompt eval') + timing('eval'));
    writeFileSync(join(cwd, 'bad.log'), 'eval rate: 3.0 tokens/s\n');
    const { code, stderr, stdout } = await inTurn(['machine', 'learn', ...args], { cwd });
    expect([code, stdout]).toEqual([2, '']);
    expect(stderr).toMatch(message);
    expect(stderr.trimEnd()).not.toContain('\n');
  });
});

describe('measuring', () => {
  it('memory and drive are measured, and nothing is left on the drive', async () => {
    const cwd = temporaryFolder();
    const args = ['machine', 'calibrate', '-w', 'ryzen-9-7950x+64GB', '--measure', 'memory,drive', '-q', '-o', 'box.yaml'];
    const { code, stderr } = await inTurn(args, { cwd });
    expect([code, stderr]).toEqual([0, '']);
    const text = readFileSync(join(cwd, 'box.yaml'), 'utf8');
    expect(text).toMatch(/^ {2}memory: \d+(\.\d+)? GB\/s$/m);
    expect(text).toMatch(/^ {2}byThreads:\n {4}- threads: 1\n {6}read: \d+(\.\d+)? GB\/s\n {6}triad: \d+(\.\d+)? GB\/s\n {6}spread: /m);
    expect(readdirSync(cwd)).toEqual(['box.yaml']);
    expect((await inTurn(['machine', 'show', 'box.yaml'], { cwd })).stdout).toMatch(/measured \d/);
  });

  it('Ctrl-C ends it at once and leaves nothing', async () => {
    const cwd = temporaryFolder();
    const { code } = await shell('timeout -s INT 4 $MOEPROF machine calibrate -w ryzen-9-7950x+64GB -o box.yaml; test $? = 124', { cwd });
    expect(code).toBe(0);
    expect(readdirSync(cwd)).toEqual([]);
  });

  it.each([
    [['--measure', 'memry'], /--measure memry: unknown "memry": did you mean "?memory/],
    [['--measure', 'none'], /--measure none: unknown "none"/],
    [['--folder', '/none/such'], /\/none\/such/],
  ])('%j ends with one line', async (args, message) => {
    const { code, stderr } = await inTurn(['machine', 'calibrate', '-w', 'ryzen-9-7950x+64GB', ...args]);
    expect(code).toBe(2);
    expect(stderr).toMatch(message);
    expect(stderr.trimEnd()).not.toContain('\n');
  });
});
