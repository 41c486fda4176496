// `moeprof record` as a user has it. With the real engine only where its packages are installed (NODE_PATH); without, that is said.
import { spawn } from 'node:child_process';
import { cpSync, existsSync, mkdirSync, readdirSync, readFileSync, symlinkSync, truncateSync, writeFileSync } from 'node:fs';
import { createRequire } from 'node:module';
import { dirname, join } from 'node:path';
import { setTimeout as pause } from 'node:timers/promises';
import { describe, expect, it } from 'vitest';
import { writeRandomMoe } from '../../bench/lib/random-moe-gguf.mjs';
import { BIN, moeprof, shell, temporaryFolder } from './moeprof.js';

const cwd = temporaryFolder();
const at = (name: string): string => join(cwd, name);
const SHAPE = { layers: 3, hidden: 256, experts: 16, topK: 4, width: 256, heads: 4, kvHeads: 2, headSize: 64, format: 'q8_0' } as const;
writeRandomMoe(at('model.gguf'), { ...SHAPE, architecture: 'qwen3moe' });
writeRandomMoe(at('cut.gguf'), { ...SHAPE, architecture: 'qwen3moe' });
truncateSync(at('cut.gguf'), 2 ** 20);
writeFileSync(at('my.jsonl'), '{"prompt": "hello world"}\n"one more"\n');
writeFileSync(at('bad.jsonl'), '"fine"\n{"text": "no prompt"}\n');

const ARGS = ['record', 'model.gguf', '--prompts', 'my.jsonl'];

/** Folder of the packages; null: they are not installed. */
function packages(): string | null {
  const { resolve } = createRequire(import.meta.url);
  try {
    const found = ['koffi', '@fugood/llama.node/package.json', `@fugood/node-llama-${process.platform}-${process.arch}/package.json`].map(
      (name) => resolve(name),
    );
    return dirname(dirname(dirname(found[1]!)));
  } catch {
    return null;
  }
}

const installed = packages();
if (installed === null) console.warn('SKIPPED: moeprof record with the real engine, whose packages are not installed');
const env = { NODE_PATH: installed ?? '' };

describe('without the packages', () => {
  it.each([
    [
      [...ARGS, '-o', 't.safetensors'],
      'koffi is not installed; record needs it: npm install --ignore-scripts @fugood/llama.node@1.7 koffi@3',
    ],
    [[...ARGS, '-o', 't.csv'], 'the ending does not tell the layout'],
    [[...ARGS, '-o', 'gone/t.jsonl'], 'its folder does not exist'],
    [['record', 'model.gguf', '--prompts', 'bad.jsonl', '-o', 't.jsonl'], 'bad.jsonl:2: is no prompt'],
    [['record', 'my.jsonl', '--prompts', 'my.jsonl', '-o', 't.jsonl'], 'my.jsonl: is no GGUF file'],
    [[...ARGS, '--listen', '127.0.0.1:1', '-o', 't.jsonl'], "'--listen <host:port>' cannot be used with option '--prompts <file>'"],
    [[...ARGS, '--keep-text', '-o', 't.jsonl'], "'--keep-text' cannot be used with option '--prompts <file>'"],
    [['record', 'cut.gguf', '--prompts', 'my.jsonl', '-o', 't.jsonl'], 'it was cut short'],
  ])('%j is one line', async (args, message) => {
    const { code, stderr, stdout } = await moeprof(args, { cwd });
    expect([code, stdout]).toEqual([2, '']);
    expect(stderr).toMatch(/^moeprof: [^\n]*\n$/);
    expect(stderr).toContain(message);
    expect(readdirSync(cwd).filter((name) => /^t\.|\.tmp$/.test(name))).toEqual([]);
  });
});

/** Packages with a header in which a field of a struct is gone, as in another build. */
function otherBuild(): string {
  const folder = at('other/node_modules');
  mkdirSync(join(folder, '@fugood'), { recursive: true });
  for (const name of readdirSync(installed!).filter((one) => one !== '@fugood')) symlinkSync(join(installed!, name), join(folder, name));
  for (const name of readdirSync(join(installed!, '@fugood')).filter((one) => one !== 'llama.node'))
    symlinkSync(join(installed!, '@fugood', name), join(folder, '@fugood', name));
  cpSync(join(installed!, '@fugood/llama.node'), join(folder, '@fugood/llama.node'), { recursive: true });
  const header = join(folder, '@fugood/llama.node/src/llama.cpp/include/llama.h');
  writeFileSync(header, readFileSync(header, 'utf8').replace(/\n[^\n]*uint32_t n_seq_max;[^\n]*/, ''));
  return folder;
}

describe.skipIf(installed === null)('with the real engine', () => {
  it('records, inspects and audits, and the trace can be replayed', { timeout: 300_000 }, async () => {
    const { code, stderr, stdout } = await moeprof([...ARGS, '--tokens', '200', '-o', 't.safetensors'], { cwd, env });
    expect([code, stderr]).toEqual([0, '']);
    expect(stdout).toMatch(/^t\.safetensors\n\d+ tokens in 2 requests, 3 layers of 16 experts, top-4; safetensors, recorded\nfrom random/);
    expect(stdout.replaceAll('\n', ' ')).toMatch(/the first prompt without recording: the same \d+ tokens; a token takes/);
    expect(stdout).toContain('clean: 10 checks found nothing that would falsify a result');
    expect(stdout).toContain('moeprof advise model.gguf -t t.safetensors');
    expect((await moeprof(['curve', '-t', 't.safetensors'], { cwd })).code).toBe(0);
  });

  it('records candidates, the choices first, which --top-k takes', { timeout: 300_000 }, async () => {
    const made = await moeprof([...ARGS, '--tokens', '120', '--gates', '3', '-q', '-o', 'wide.jsonl'], { cwd, env });
    expect(made).toMatchObject({ code: 0, stdout: '' });
    const narrow = await moeprof([...ARGS, '--tokens', '120', '-q', '-o', 'narrow.jsonl'], { cwd, env });
    expect(narrow.code).toBe(0);
    const rows = (name: string): { experts: number[][]; token: number }[] =>
      readFileSync(at(name), 'utf8')
        .trim()
        .split('\n')
        .slice(1)
        .map((line) => JSON.parse(line));
    const [wide, few] = [rows('wide.jsonl'), rows('narrow.jsonl')];
    expect(wide.map(({ experts, token }) => [token, experts.map((ids) => ids.slice(0, 4))])).toEqual(
      few.map(({ experts, token }) => [token, experts]),
    );
    expect(wide.at(-1)!.experts.map((ids) => ids.length)).toEqual([7, 7, 7]);
  });

  it.each([
    [['--tokens', '9'], 'the prompts alone have'],
    [['--tokens', '4000000000'], '--tokens 4000000000: must be at most 10000000'],
    [['--backend', 'vulkan'], 'vulkan'],
  ])('%j is one line', async (more, message) => {
    // A build for a GPU may be installed, too; then its driver is missing here.
    if (more[1] === 'vulkan' && existsSync(join(installed!, `@fugood/node-llama-${process.platform}-${process.arch}-vulkan`))) return;
    const { code, stderr } = await moeprof([...ARGS, ...more, '-o', 'none.jsonl'], { cwd, env });
    expect(code).toBe(2);
    expect(stderr).toMatch(/^moeprof: [^\n]*\n$/);
    expect(stderr).toContain(message);
    expect(readdirSync(cwd)).not.toContain('none.jsonl');
  });
});

describe.skipIf(installed === null)('a recording that cannot end', () => {
  it('refuses a build whose layout is another than its header has', async () => {
    const { code, stderr } = await moeprof([...ARGS, '-o', 'none.jsonl'], { cwd, env: { NODE_PATH: otherBuild() } });
    expect(code).toBe(2);
    expect(stderr).toMatch(
      /^moeprof: model\.gguf: @fugood\/node-llama-\S+ \S+ is no build that can be recorded: llama_context_params\.\w+ reads as [^\n]*\n$/,
    );
    expect(stderr).toContain('take one that can: npm install --ignore-scripts');
  });

  it('says that memory does not suffice', async () => {
    // Keys and values of 5 million tokens, of three layers with 512 bytes each: 7.7 GB.
    const line = 'ulimit -v 6000000; $MOEPROF record model.gguf --prompts my.jsonl --tokens 10000000 -o none.jsonl';
    const { code, stderr } = await shell(line, { cwd, env });
    expect(code).toBe(2);
    expect(stderr).toMatch(/^moeprof: model\.gguf: the engine has no memory for 5\d{6} tokens; take fewer --tokens: [^\n]*\n$/);
  });

  it('says that stdout is full', async () => {
    const { code, stderr } = await shell('$MOEPROF record model.gguf --prompts my.jsonl --tokens 60 -o - > /dev/full', { cwd, env });
    expect(code).toBe(2);
    expect(stderr).toContain('stdout: cannot be written');
  });

  it.each(['SIGINT', 'SIGKILL'] as const)('leaves no half file and no process after %s', { timeout: 120_000 }, async (signal) => {
    for (const delay of [500, 1500, 4000]) {
      const child = spawn(process.execPath, [BIN, ...ARGS, '--tokens', '100000', '-o', 'half.safetensors'], {
        cwd,
        env: { PATH: process.env.PATH, ...env },
        stdio: 'ignore',
      });
      await pause(delay);
      const engines = readChildren(child.pid!);
      child.kill(signal);
      await new Promise((resolve) => child.on('close', resolve));
      expect(readdirSync(cwd).filter((name) => name.startsWith('half') || name.endsWith('.tmp'))).toEqual([]);
      for (let tries = 0; engines.some((pid) => existsSync(`/proc/${pid}`)) && tries < 200; tries++) await pause(100);
      expect(engines.filter((pid) => existsSync(`/proc/${pid}`))).toEqual([]);
    }
  });
});

/** Processes that a process has started. */
function readChildren(pid: number): string[] {
  const path = `/proc/${pid}/task/${pid}/children`;
  return existsSync(path) ? readFileSync(path, 'utf8').trim().split(' ').filter(Boolean) : [];
}
