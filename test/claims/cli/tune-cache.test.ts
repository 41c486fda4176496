// `advise --tune` with a scripted server: its expert cache by a record, what is printed and kept, and servers that fail, a line each.
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
const PARTS = 'rtx-3060+ryzen-5-5600+2xddr4-3200+32GB';
const [file, calls] = [join(folder, 'box.yaml'), join(folder, 'calls.txt')];
const called = (): string[] => readFileSync(calls, 'utf8').trimEnd().split('\n');
const kept = (): string => readFileSync(file, 'utf8');
const SERVER = `'${process.execPath}' '${fileURLToPath(new URL('../../support/llama-server.mjs', import.meta.url))}'`;
const CACHED = ['advise', 'olmoe-1b-7b', '-w', PARTS, '--quantizations', 'bf16', '--keep', file];
const served = (rule: Readonly<Record<string, unknown>>, ...more: string[]): Promise<number> => {
  process.env.SERVER = JSON.stringify({ calls, ...rule });
  return runCli([...CACHED, '--tune', `${SERVER} -m x.gguf`, ...more], commands);
};
beforeEach(() => {
  writeFileSync(file, `name: box\nparts: [${PARTS.split('+').join(', ')}]\n`);
  writeFileSync(calls, '');
});
afterEach(() => {
  delete process.env.SERVER;
});

interface TunedCache {
  readonly best: { readonly setting: { readonly cache: string | null; readonly slots: number | null }; readonly line: readonly string[] };
  readonly runs: readonly { readonly end: { readonly decode: number } }[];
  readonly replayed: readonly {
    readonly mebibytes: number;
    readonly cpuShare: number;
    readonly hitRate: number;
    readonly decode: number;
  }[];
}
const found = (): TunedCache => JSON.parse(output.stdout) as TunedCache;

describe('the expert cache of a server', () => {
  it('is chosen by few runs where it is fast, with all sizes and shares by replay', async () => {
    expect(await served({}, '--json')).toBe(0);
    const { best, replayed, runs } = found();
    const first = called();
    expect(first).toHaveLength(runs.length);
    expect(first.map((line) => line.includes('--moe-cache-mib'))).toEqual(runs.map((_, i) => i > 0));
    expect(best.setting.cache).toMatch(/^llama\.cpp-cache/);
    expect(best.line[0]).toContain(`${SERVER} -m x.gguf`);
    expect(replayed).toHaveLength(16);
    const sizes = replayed.filter(({ cpuShare }) => cpuShare === 0);
    expect(sizes.map(({ hitRate }) => hitRate)).toEqual(sizes.map(({ hitRate }) => hitRate).toSorted((a, b) => b - a));
    // The run itself is among them, as it was measured.
    expect(sizes[0]!.decode / runs[1]!.end.decode).toBeCloseTo(1, 1);
    // Only the run without a cache is a timing for other commands; it is not run again.
    expect(kept().match(/ {2}- eval128 /g)).toHaveLength(1);
    expect(kept()).not.toContain('moe-cache');
    expect(await served({}, '--json')).toBe(0);
    expect(called()).toHaveLength(2 * first.length - 1);
    expect(output.stderr).toContain('holds the run without a cache already; it is not run again');
  });

  it('is left out where its misses are slow', async () => {
    expect(await served({ slowCache: 9 })).toBe(0);
    expect(called().length).toBeLessThanOrEqual(4);
    expect(output.stdout).toMatch(/measured; sure, \d+ %/);
    expect(output.stdout.split('setting')[0]).not.toContain('--moe-cache-mib');
    expect(output.stdout).toMatch(/Expert caches, replayed on the routing of a run\nMiB +hits +decode +50 % on CPU/);
  });

  it('of a program that ends by itself', async () => {
    process.env.SERVER = JSON.stringify({ calls });
    writeFileSync(
      join(folder, 'llama-completion.mjs'),
      `import ${JSON.stringify(new URL('../../support/llama-server.mjs', import.meta.url).href)};\n`,
    );
    const words = `'${process.execPath}' '${join(folder, 'llama-completion.mjs')}' -m x.gguf --once -f p.txt`;
    expect(await runCli([...CACHED, '--tune', words, '--json'], commands)).toBe(0);
    expect(found().replayed).toHaveLength(16);
    expect(called()[0]).not.toContain('-np');
    // Its prompt is of unknown length: no timing of it is kept.
    expect(kept()).not.toContain('timings');
  });
});

describe('a server', () => {
  it.each([
    ['does not know the cache', { noCache: true }, /invalid argument: --moe-cache-mib/, 2],
    ['writes no record', { noRecord: true }, /left no record of its routing/, 2],
    ['crashes with it', { crash: '--moe-cache-mib' }, /ended with SIGSEGV/, 2],
    ['hangs with it', { hang: '--moe-cache-mib' }, /ended after 3s/, 2],
    ['lacks memory for all sizes', { memory: '--moe-cache-mib' }, /out of memory/, 4],
  ])('that %s: a line, and the answer is the line without', async (_, rule, message, count) => {
    expect(await served(rule, '--tune-limit', '3s')).toBe(0);
    expect(called()).toHaveLength(count);
    const lines = output.stderr.split('\n').filter((line) => line.startsWith('   does not run: '));
    expect(lines).toHaveLength(count - 1);
    for (const line of lines) expect(line).toMatch(message);
    expect(output.stdout.split('setting')[0]).not.toContain('--moe-cache-mib');
    expect(output.stdout).toMatch(/measured; no other setting ran\n/);
  });

  it('that refuses: both lines say why', async () => {
    expect(await served({ refuse: 500 })).toBe(1);
    expect(output.stdout).toContain('Nothing ran; the reasons stand below');
    expect(output.stdout.replaceAll(/\s+/g, ' ')).toMatch(/the server answers 500 at \/tokenize: \{"error"/);
  });

  it('lacks memory for the largest size: the next is recorded', async () => {
    expect(await served({ memory: '--moe-cache-mib 9' }, '--json')).toBe(0);
    expect(called().filter((line) => line.includes('--moe-cache-mib 9'))).toHaveLength(1);
    expect(found().replayed).toHaveLength(16);
  });

  it.each([
    [['--tune', `${SERVER} -m x.gguf -c 8192`], '--tune: -c is what is tuned; leave it out'],
    [['--tune', SERVER], '--tune: names no model file; write e.g. "llama-server -m model.gguf"'],
    [['--tune', `${SERVER} -m x.gguf --port`], '--tune: --port : is no port; write 1 to 65535, or leave it out'],
    [['--tune', `${SERVER} -m x.gguf --port 8o80`], '--tune: --port 8o80: is no port'],
    [['--tune', `${SERVER} -m x.gguf --host 0.0.0.0`], '--tune: --host: the server is asked at 127.0.0.1'],
    [['--tune', 'llama-completion -m x.gguf'], '--tune: names no prompt'],
    [['--tune', `${SERVER} -m x.gguf`, '--runtime', 'ik_llama.cpp'], 'ik_llama.cpp records no routing of a cache'],
    [['--tune', `${SERVER} -m x.gguf`, '--tune-text', join(folder, 'none.txt')], 'none.txt'],
    [['--tune', `${SERVER} -m x.gguf`, '--quantizations', 'q4_k_m'], 'olmoe-1b-7b fits the GPU whole'],
  ])('%j is refused before anything runs', async (words, message) => {
    process.env.SERVER = JSON.stringify({ calls });
    expect(await runCli([...CACHED, ...words], commands)).toBe(2);
    expect(output.stderr).toContain(message);
    expect(readFileSync(calls, 'utf8')).toBe('');
  });

  it('a text of too few tokens is no prompt', async () => {
    writeFileSync(join(folder, 'short.txt'), 'few words');
    expect(await served({}, '--tune-text', join(folder, 'short.txt'))).toBe(1);
    expect(output.stdout.replaceAll(/\s+/g, ' ')).toContain('the text has 2 tokens, and prompts are of');
  });
});
