// Which machine judges a log: the one that it names, -w where they agree, and this one only where nothing else is named.
import { writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { describe, expect, it } from 'vitest';
import { commands } from '../../src/cli/commands.js';
import { runCli } from '../../src/cli/program.js';
import { catchOutput } from '../support/cli-output.js';
import { temporaryFolder } from '../support/folder.js';

const output = catchOutput();
const folder = temporaryFolder();

async function run(...args: string[]): Promise<number> {
  output.stdout = '';
  output.stderr = '';
  return runCli(args, commands);
}

/** A test of llama-bench, as a file. */
function bench(more: Readonly<Record<string, unknown>>, name = 'bench.jsonl'): string {
  const path = join(folder, name);
  const test = { gpu_info: 'NVIDIA GeForce RTX 4080', cpu_info: 'AMD Ryzen 9 5950X 16-Core Processor', backends: 'CUDA' };
  const setting = { model_filename: 'gpt-oss-20b-mxfp4.gguf', n_gpu_layers: 99, n_cpu_moe: 12, n_prompt: 0, n_gen: 128, n_depth: 0 };
  writeFileSync(path, `${JSON.stringify({ ...test, ...setting, avg_ts: 40, ...more })}\n`);
  return path;
}

const titleOf = (): string => output.stdout.split('\n')[0]!;

describe('a log is judged', () => {
  it('by the machine that it names, with what it does not name as assumed', async () => {
    await run('check', bench({}));
    expect(titleOf()).toMatch(/^1 run on rtx-4080\+ryzen-9-5950x: /);
    expect(output.stdout).toContain('Memory not given: 2xddr4-3200');
  });

  it('by -w, completed with what only the log names', async () => {
    await run('check', bench({}), '-w', '2xddr4-3600+64GB');
    expect(titleOf()).toMatch(/^1 run on rtx-4080\+ryzen-9-5950x\+2xddr4-3600\+64GB: |^1 run on rtx-4080\+ryzen-9-5950x\+/);
    expect(output.stdout).not.toContain('Memory not given');
  });

  it.each<[Readonly<Record<string, unknown>>, string, RegExp]>([
    [{}, 'rtx-3090', /bench.jsonl:1: was printed on rtx-4080, and -w rtx-3090 is another machine; write -w rtx-4080\+ryzen-9-5950x$/],
    [{}, 'rtx-4080+ryzen-9-7950x', /was printed on ryzen-9-5950x, and -w/],
    [{ gpu_info: 'NVIDIA GeForce RTX 4080, NVIDIA GeForce RTX 4080' }, 'rtx-4080', /was printed on 2xrtx-4080, and -w rtx-4080 is another/],
    [{ gpu_info: '' }, 'rtx-4080+ryzen-9-5950x', /was printed on a machine without a card, and -w/],
  ])('and contradicts another one in one line: %j with %s', async (more, machine, message) => {
    for (const command of [
      ['check', bench(more)],
      ['machine', 'learn', bench(more)],
      ['measure', bench(more)],
    ]) {
      expect(await run(...command, '-w', machine)).toBe(2);
      expect(output.stderr.trimEnd()).toMatch(message);
      expect(output.stderr.trimEnd()).not.toContain('\n');
    }
  });

  it('never by this machine if it was printed on a card that nobody names', async () => {
    const log = join(folder, 'table.md');
    writeFileSync(
      log,
      '| model | backend | ngl | test | t/s |\n|---|---|---|---|---|\n| gpt-oss 20B MXFP4 MoE | CUDA | 99 | tg128 | 40 |\n',
    );
    await run('check', log, '-w', 'rtx-4080');
    expect(titleOf()).toMatch(/^1 run on rtx-4080: /);
    await run('check', log);
    expect(output.stderr + output.stdout).toMatch(
      /ran on a card \(CUDA\) that it does not name; name the machine with -w|The log names no machine/,
    );
  });
});

describe('a log', () => {
  it('is of one machine: logs of two are refused', async () => {
    const both = join(folder, 'both.jsonl');
    const rows = ['NVIDIA A10', 'NVIDIA L4'].map((gpu_info) => {
      const test = { gpu_info, model_filename: 'gpt-oss-20b-mxfp4.gguf', n_cpu_moe: 0, n_prompt: 0, n_gen: 128, avg_ts: 40 };
      return JSON.stringify(test);
    });
    writeFileSync(both, rows.join('\n'));
    expect(await run('check', both)).toBe(2);
    expect(output.stderr).toMatch(/both.jsonl:2: is of l4, and .*both.jsonl:1 of a10; check the logs of each machine alone/);
  });

  it('teaches no other machine', async () => {
    expect(await run('advise', 'gpt-oss-20b', '-w', 'rtx-3090+64GB', '--timing', bench({}))).toBe(2);
    expect(output.stderr).toMatch(/was printed on rtx-4080, and -w rtx-3090\+64GB is another machine/);
  });

  it('outside of its band is never normal: 10 times and more asks for machine, model and unit', async () => {
    expect(await run('check', bench({ avg_ts: 4000 }))).toBe(0);
    expect(output.stdout).toContain('faster than comparable runs');
    expect(output.stdout.replace(/\s+/g, ' ')).toMatch(
      /is it the right machine, model and unit\?: decode reaches [\d.]+ times what gpt-oss-20b/,
    );
    expect(await run('check', bench({ avg_ts: 0.4 }))).toBe(1);
    expect(output.stdout).toContain('is it the right machine, model and unit?');
  });

  it('is shown with what its prediction does not count', async () => {
    await run('check', bench({ n_threads: 24, split_mode: 'row', no_kv_offload: true, gpu_info: 'NVIDIA A10, NVIDIA A10' }));
    expect(output.stdout.replace(/\s+/g, ' ')).toContain(
      'not understood, and not counted in what is expected: -sm row, -nkvo 1, -t 24 on 16 cores.',
    );
  });
});

describe('hostile texts', () => {
  const table = '| model | ngl | ot | test | t/s |\n|---|---|---|---|---|\n| gpt-oss 20B MXFP4 MoE | 99 | OT | tg128 | 40 |\n';
  const device = (name: string): string => `ggml_cuda_init: found 1 CUDA devices:\n  Device 0: ${name}, compute capability 8.6\n`;
  it.each<[string, string]>([
    ['a hundred thousand lines', 'x y z\n'.repeat(100_000)],
    ['a hundred thousand blank lines', `${' \n'.repeat(100_000)}eval time = 1.00 ms / 1 tokens (1 ms, 9 tokens per second)\n`],
    ['a hundred thousand runs', `${table}${table.split('\n')[2]}\n`.replaceAll('OT', 'none') + `${table.split('\n')[2]}\n`.repeat(100_000)],
    ['ten thousand columns', `| tg128 |${'a|'.repeat(10_000)}\n|---|${'---|'.repeat(10_000)}\n| 1 |${'1|'.repeat(10_000)}\n`],
    ['a rule of bars', device('NVIDIA A10') + table.replace('OT', `(${'0|'.repeat(100_000)}5)\\.ffn_(up|down|gate)_exps=CPU`)],
    ['a name of 10 kB', device('A'.repeat(10_000)) + table.replace('OT', 'none')],
    ['control characters in a name', device('RTX \x1b]0;x\x07 30\u202e80') + table.replace('OT', 'none')],
    ['control characters in a sentence', 'gpt-oss-120b \x1b[2J\x07 3090 11 tok/s\x00'],
    ['a huge number', `gpt-oss-120b 3090 ${'9'.repeat(400)} tok/s`],
    ['a large number', 'gpt-oss-120b 3090 99999999 tok/s'],
  ])('%s: one printable line', async (_, text) => {
    const path = join(folder, 'hostile.log');
    writeFileSync(path, text);
    expect(await run('check', path)).toBe(2);
    expect(output.stdout).toBe('');
    expect(output.stderr).toMatch(/^moeprof: [^\p{C}]{1,600}\n$/u);
  });
});
