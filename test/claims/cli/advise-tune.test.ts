// `advise --tune` with a scripted benchmark: what it runs, keeps and prints, and four kinds of engines that fail, a line each.
import { mkdtempSync, readFileSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { commands } from '../../../src/cli/commands.js';
import { runCli } from '../../../src/cli/program.js';
import { catchOutput } from '../../support/cli-output.js';

const output = catchOutput();
const folder = mkdtempSync(join(tmpdir(), 'tune-'));
const BENCH = `'${process.execPath}' '${fileURLToPath(new URL('../../support/scripted-bench.mjs', import.meta.url))}'`;
const PARTS = 'rtx-3060+ryzen-5-5600+2xddr4-3200+32GB';
const [file, calls] = [join(folder, 'box.yaml'), join(folder, 'calls.txt')];
const ASKED = ['advise', 'olmoe-1b-7b', '-w', PARTS, '--quantizations', 'q4_k_m', '--keep', file];
const tuned = (rule: Readonly<Record<string, unknown>>, ...more: string[]): Promise<number> => {
  process.env.BENCH = JSON.stringify({ calls, ...rule });
  return runCli([...ASKED, '--tune', `${BENCH} -m x.gguf`, ...more], commands);
};
const called = (): string[] => readFileSync(calls, 'utf8').trimEnd().split('\n');
const kept = (): string => readFileSync(file, 'utf8');
/** The file of a machine that leaves little to be tried: what the card holds. */
const fresh = (): void => writeFileSync(file, `# mine\nname: box\nparts: [${PARTS.split('+').join(', ')}]\n`);

beforeEach(() => {
  fresh();
  writeFileSync(calls, '');
});
afterEach(() => {
  delete process.env.BENCH;
});

describe('advise --tune', () => {
  it('measures a few settings, keeps them, and runs none of them again', async () => {
    expect(await tuned({ noise: 0.005 })).toBe(0);
    const first = called();
    expect(first.length).toBeGreaterThan(0);
    expect(first.length).toBeLessThanOrEqual(6);
    // The benchmark has no flag for all layers, and lacks none of those that place experts.
    for (const line of first) expect(line).toMatch(/^-m x\.gguf -p 2048 -n 64 -r 2 -o jsonl -ngl 99 (-ncmoe \d+ )?-ub \d+/);
    expect(output.stderr).toMatch(
      /^1 of at most 6: -ngl 99 .*: predicted [\d.]+ tok\/s, prompts [\d.,]+ tok\/s, about [\d.]+ m?s\n {3}measured /,
    );
    expect(output.stdout).toMatch(
      /^olmoe-1b-7b q4_k_m on box, llama\.cpp: tuned\n[\d.]+ tok\/s, prompts [\d.,]+ tok\/s, measured; sure, \d+ %: no other setting/,
    );
    expect(output.stdout).toMatch(/llama-server -(m|hf) .*olmoe-1b-7b/i);
    expect(kept()).toMatch(/^# mine\n/);
    expect(kept().match(/eval64 [\d.]+ tok\/s, prompt2048/g)).toHaveLength(first.length);
    // The same question again: everything stands in the file.
    output.stderr = '';
    expect(await tuned({ noise: 0.005 }, '--json')).toBe(0);
    expect(called()).toEqual(first);
    expect(output.stderr).toContain(`holds ${first.length} of these settings already`);
    // Other commands learn from it.
    output.stdout = '';
    expect(await runCli(['advise', 'olmoe-1b-7b', '-w', file, '--quantizations', 'q4_k_m', '--json'], commands)).toBe(0);
    expect(output.stdout).toMatch(/Learned from \d timings? of this machine/);
  });

  it('goes on from what was measured before the end came', async () => {
    expect(await tuned({ noise: 0.005, bias: 0.4 })).toBe(0);
    const whole = called();
    const timings = kept().match(/ {2}- eval.*\n/g)!;
    fresh();
    writeFileSync(file, `${kept()}timings:\n${timings[0]}`);
    writeFileSync(calls, '');
    expect(await tuned({ noise: 0.005, bias: 0.4 })).toBe(0);
    expect(called()).not.toContain(whole[0]);
  });

  it('finds what the engine is faster with than predicted', async () => {
    expect(await tuned({ slow: '-ub 2048' }, '--json')).toBe(0);
    const tunedTo = JSON.parse(output.stdout) as { best: { setting: { ubatch: number } }; chance: number; runs: unknown[]; schema: string };
    const { best, chance, runs, schema } = tunedTo;
    expect(schema).toBe('moeprof.tuned/2');
    expect(best.setting.ubatch).not.toBe(2048);
    expect(runs).toHaveLength(6);
    // It is told where runs end before the choice is sure.
    expect(chance).toBeLessThan(0.9);
    output.stdout = '';
    expect(await tuned({ slow: '-ub 2048' })).toBe(0);
    expect(output.stdout.replaceAll('\n', ' ')).toMatch(/measured; not sure, \d+ %: .*; all 6 runs are spent/);
  });
});

describe('an engine that fails', () => {
  it.each([
    ['lacks memory', { memory: '-ngl 99 (-ncmoe [12] )?-ub' }, /out of memory \(main: error: failed to load model\)/],
    ['crashes', { crash: '-ub 2048' }, /ended with SIGSEGV/],
    ['hangs', { hang: '-ub 2048' }, /ended after 2s/],
    ['prints no speed', { silent: '-ub 2048' }, /printed no speed/],
  ])('%s with one setting: a line, kept, and the search goes on', async (_, rule, message) => {
    expect(await tuned(rule, '--tune-limit', '2s')).toBe(0);
    const lines = output.stderr.split('\n').filter((line) => line.startsWith('   does not run: '));
    expect(lines.length).toBeGreaterThan(0);
    for (const line of lines) expect(line).toMatch(message);
    expect(kept().match(/^failed:\n(?: {2}- .*\n)+/m)![0]).toMatch(message);
    expect(output.stdout).toMatch(/measured; /);
    const first = called();
    expect(await tuned(rule, '--tune-limit', '2s')).toBe(0);
    expect(called()).toEqual(first);
  });

  it('with every setting: one, and three lines', async () => {
    expect(await tuned({ silent: '.' })).toBe(1);
    expect(called()).toHaveLength(3);
    expect(output.stdout).toContain('Nothing ran; the reasons stand below');
  });
});

describe('what is refused, before anything runs', () => {
  it.each([
    [['--tune', 'llama-bench -m x.gguf -ncmoe 8'], '--tune: -ncmoe is what is tuned; leave it out'],
    [['--tune', 'llama-bench -m x.gguf', '--tune-text', 'a.txt'], '--tune-text a.txt: is for llama-server'],
    [['--tune', 'llama-bench -m x.gguf', '--quality', 'a.txt'], '--quality a.txt: orders several models; name none, or more than one'],
    [['--tune', 'llama-bench'], '--tune: names no model file; write e.g. "llama-bench -m model.gguf"'],
    [['--tune', 'llama-bench -m x.gguf -p 0'], '--tune: -p 0: must be at least 1'],
    [['--tune', 'llama-bench -m x.gguf > log'], '> is for a shell'],
    [['--tune', 'no-such-bench -m x.gguf'], '--tune: no-such-bench: cannot be run (ENOENT); write the path of a program'],
    [['--tune', 'llama-bench -m x.gguf', '--runtime', 'vllm'], 'nothing measures vllm alone'],
    [['--tune', 'llama-bench -m x.gguf', '--users', '4'], 'llama-bench runs one conversation; leave out --users 4'],
    [['--tune', 'llama-bench -m x.gguf', '--tune-limit', 'long'], '--tune-limit'],
    [['--tune', 'llama-bench -m x.gguf', '-w', 'rtx-4090+64GB'], 'is of another machine, rtx-3060+ryzen-5-5600'],
    [['--tune', 'llama-bench -m x.gguf', '-w', 'sn40l'], 'is a profile of tiers and links; name its parts instead'],
  ])('%j', async (words, message) => {
    expect(await runCli([...ASKED, ...words], commands)).toBe(2);
    expect(output.stderr).toContain(message);
    expect(output.stderr.trimEnd().split('\n').at(-1)).toMatch(/^moeprof: /);
    expect(kept()).not.toContain('timings');
  });

  it('a model that does not fit is never loaded', async () => {
    const asked = ['advise', 'deepseek-v3', '-w', 'rtx-3060+16GB', '--keep', join(folder, 'small.yaml'), '--tune', `${BENCH} -m x.gguf`];
    process.env.BENCH = JSON.stringify({ calls });
    expect(await runCli(asked, commands)).toBe(2);
    expect(output.stderr).toContain('deepseek-v3 does not fit in the memory of');
    expect(readFileSync(calls, 'utf8')).toBe('');
  });
});
