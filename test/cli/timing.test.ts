// `--timing` from the command line: what was learned is said, bands are the machine's own, and what is not understood ends with 2.
import { readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { describe, expect, it } from 'vitest';
import { commands } from '../../src/cli/commands.js';
import { runCli } from '../../src/cli/program.js';
import { catchOutput } from '../support/cli-output.js';
import { temporaryFolder } from '../support/folder.js';

const output = catchOutput();
const run = (...args: string[]): Promise<number> => runCli(args, commands);
const folder = temporaryFolder();
const PARTS = 'rtx-3060+ryzen-5-5600+2xddr4-3200+32GB';
const MACHINE = ['-w', PARTS];
const TIMING = 'eval 70 tok/s, prompt 900 tok/s, q4_k_m, -m olmoe-1b-7b -ncmoe 8';
const LEARNED = /Learned from 1 timing\s+of this machine/;
const BAND = /for\s+80\s+%\s+of\s+runs,\s+learned\s+from\s+1\s+timing\s+of\s+this\s+machine\)/;
const MODEL = ['-m', 'olmoe-1b-7b', '--quantization', 'q4_k_m'];

describe('--timing', () => {
  it('teaches a run, which the command in its report repeats', async () => {
    expect(await run('run', ...MODEL, ...MACHINE, '-s', 'llama.cpp-static', '--timing', TIMING, '-v')).toBe(0);
    expect(output.stdout).toMatch(BAND);
    expect(output.stdout).toMatch(LEARNED);
    expect(output.stdout.replaceAll(/\s+/g, ' ')).toContain(`--timing '${TIMING}'`);
  });

  it('teaches a plan, advice and a check', async () => {
    const log = join(folder, 'server.log');
    const eval_ = '       eval time =    2000.00 ms /   128 runs   (   15.63 ms per token,    64.00 tokens per second)';
    writeFileSync(log, `$ llama-server -m olmoe-1b-7b-q4_k_m.gguf -ncmoe 8\n${eval_}\n`);
    expect(await run('plan', ...MODEL, ...MACHINE, '-s', 'llama.cpp-static', '--slo', 'tpot=1s', '--timing', TIMING)).toBe(0);
    expect(output.stdout).toMatch(BAND);
    output.stdout = '';
    expect(await run('check', log, ...MACHINE, '--timing', TIMING)).toBe(0);
    expect(output.stdout).toMatch(LEARNED);
    const asked = ['advise', 'olmoe-1b-7b', ...MACHINE, '-v', '--prompt', '512', '--quantizations', 'q4_k_m', '--timing', TIMING];
    expect(await run(...asked)).toBe(0);
    expect(output.stdout).toMatch(/80 % of runs, learned\s+from\s+1\s+timing\s+of\s+this\s+machine/);
    expect(output.stdout).not.toContain('llama-bench');
  });

  it('of an expert cache teaches nothing, and is refused in a line', async () => {
    const timing = 'eval 70 tok/s, q4_k_m, -m olmoe-1b-7b -ncmoe 8 --moe-cache-mib 1024';
    expect(await run('advise', 'olmoe-1b-7b', ...MACHINE, '--prompt', '512', '--quantizations', 'q4_k_m', '--timing', timing)).toBe(2);
    expect(output.stderr).toMatch(
      /: ran with an expert cache, which teaches nothing of fixed placements; give a run without --moe-cache-mib\n$/,
    );
  });

  it('is asked for by advice without one, with the command that makes it', async () => {
    expect(await run('advise', 'olmoe-1b-7b', ...MACHINE, '-v', '--prompt', '512', '--quantizations', 'q4_k_m')).toBe(0);
    const text = output.stdout.replaceAll(/\s+/g, ' ');
    expect(text).toMatch(
      /2 runs make decode ±\d+ %, with --timing bench.jsonl: llama-bench -hf allenai\/OLMoE-1B-7B-0924-Instruct-GGUF:q4_k_m .*-d 0,\d+ -p 512 -n 64 -r 2 -o jsonl/,
    );
    expect(text).toContain('moeprof machine learn keeps them for every command.');
  });

  it('stands in a machine file, where learn writes it', async () => {
    const file = join(folder, 'box.yaml');
    expect(await run('machine', 'learn', TIMING, ...MACHINE, '-o', file)).toBe(0);
    expect(readFileSync(file, 'utf8')).toContain(
      'timings:\n  - eval 70 tok/s, prompt 900 tok/s, llama.cpp, q4_k_m, -m olmoe-1b-7b -ncmoe 8\n',
    );
    expect(await run('run', ...MODEL, '-w', file, '-s', 'llama.cpp-static', '-v')).toBe(0);
    expect(output.stdout).toMatch(BAND);
    writeFileSync(file, `name: box\nparts: [${PARTS.split('+').join(', ')}]\ntimings: [eval fast]\n`);
    expect(await run('run', ...MODEL, '-w', file, '-s', 'llama.cpp-static')).toBe(2);
    expect(output.stderr).toMatch(/box\.yaml: timings\.0: .*eval fast/);
  });

  it.each([
    ['eval 24.3 tok/s, foo 3', 'it was read up to "eval 24.3 tok/s"; not understood is "foo 3"'],
    ['eval 0 tok/s', 'nothing of it was read'],
    ['eval 3 tok/s', 'nothing says where its experts lay'],
    ['eval 3 tok/s, -m nobody-9b -ncmoe 3', '"nobody-9b" is no bundled model'],
    ['no-such.log', 'there is no such file'],
  ])('%s is refused in one line', async (text, message) => {
    expect(await run('run', ...MODEL, ...MACHINE, '--timing', text)).toBe(2);
    expect(output.stderr).toContain(message);
    expect(output.stderr.trimEnd().split('\n')).toHaveLength(1);
  });

  it('needs a machine of parts', async () => {
    expect(await run('run', ...MODEL, '-w', 'sn40l', '--timing', TIMING)).toBe(2);
    expect(output.stderr).toContain('is a profile of tiers and links; name its parts instead');
  });
});
