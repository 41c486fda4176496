// The whole command under attack: signals at any moment, what is no file in the place of every file, too few descriptors.
import { execFileSync, spawn } from 'node:child_process';
import { mkdirSync, readdirSync, symlinkSync, truncateSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { describe, expect, it } from 'vitest';
import { BIN, inTurn, shell, temporaryFolder } from './moeprof.js';

const folder = temporaryFolder();
const at = (name: string): string => join(folder, name);
execFileSync('mkfifo', [at('pipe')]);
symlinkSync('loop', at('loop'));
mkdirSync(at('folder'));
writeFileSync(at('sparse'), '');
truncateSync(at('sparse'), 10 * 2 ** 30);

/** A text trace that takes seconds to read. */
const lines: string[] = ['layer_id,expert_ids'];
for (let token = 0; token < 400_000; token++) for (let layer = 0; layer < 4; layer++) lines.push(`${layer},${token % 7} 7`);
writeFileSync(at('long.csv'), `${lines.join('\n')}\n`);
const tokens = Array.from({ length: 400_000 }, (_, i) => `{"layer":0,"expert":${i % 8},"token":${i},"nested":[[1],[2]]}`);
writeFileSync(at('long.jsonl'), `${tokens.join('\n')}\n`);
writeFileSync(at('long.yaml'), Array.from({ length: 20_000 }, (_, i) => `k${i}: [1, 2]`).join('\n'));
writeFileSync(at('long.arrivals.csv'), `arrival,prompt,output\n${Array.from({ length: 2_000_000 }, (_, i) => `${i},1,1`).join('\n')}\n`);

// Where a sweep keeps what has ended.
mkdirSync(at('.moeprof'));
writeFileSync(
  at('long.study.yaml'),
  'set: { model: mini-mixtral-8x8l, workload.tokens: 8, bounds: false }\naxes: { seed: 1..1000, memory.expertCache: [10%, 30%, 50%] }\n',
);

/** How a command ends that gets a signal so many ms after it began; one that does not hear it is killed. */
function ended(args: readonly string[], signal: NodeJS.Signals, delay: number): Promise<number | string> {
  const child = spawn(process.execPath, [BIN, ...args], { cwd: folder, stdio: ['pipe', 'ignore', 'ignore'] });
  const timers = [setTimeout(() => child.kill(signal), delay), setTimeout(() => child.kill('SIGKILL'), delay + 5000)];
  return new Promise((resolve) => {
    child.on('close', (code, by) => {
      for (const timer of timers) clearTimeout(timer);
      resolve(code ?? by ?? '');
    });
  });
}

describe('a signal ends at any moment', () => {
  it.each([
    [
      'a run over a long text trace that has opened its outputs',
      ['run', '-m', 'olmoe-1b-7b', '-t', 'long.csv', '-o', 'out.json', '--timeline', 'out.json.gz'],
    ],
    ['an inspection of a long table', ['trace', 'inspect', 'long.jsonl']],
    ['a run with a long profile', ['run', 'long.yaml', '-o', 'out.json']],
    ['a run with many arrivals', ['run', '-m', 'olmoe-1b-7b', '--workload', './long.arrivals.csv']],
    ['a sweep of many short runs', ['sweep', 'long.study.yaml', '-j', '1', '-o', 'out.csv']],
    ['a wait for a trace on stdin', ['trace', 'inspect', '-']],
    ['a wait for a result on stdin', ['compare', '-', '-']],
  ])('%s', async (_, args) => {
    const before = readdirSync(folder);
    const both = (['SIGTERM', 'SIGINT'] as const).map(async (signal, index) => {
      for (const delay of [100, 500, 900 + index * 300, 3000]) {
        // It may have ended before.
        expect([0, 2, 130, 143, signal], `${signal} after ${delay} ms`).toContain(await ended(args, signal, delay));
      }
    });
    await Promise.all(both);
    expect(readdirSync(folder)).toEqual(before);
  });
});

const OPERANDS: Readonly<Record<string, (path: string) => readonly string[]>> = {
  'the trace of a run': (path) => ['run', '-m', 'olmoe-1b-7b', '-t', path],
  'the model of a run': (path) => ['run', '-m', path],
  'the machine of a run': (path) => ['run', '-m', 'olmoe-1b-7b', '-w', path],
  'the system of a run': (path) => ['run', '-m', 'olmoe-1b-7b', '-s', path],
  'the profile of a run': (path) => ['run', path],
  'the predictor of a run': (path) => ['run', '-m', 'olmoe-1b-7b', '--predictor', `onnx:file=${path}`],
  'a result to report': (path) => ['report', path],
  'the base of a comparison': (path) => ['compare', path, path],
  'a trace to inspect': (path) => ['trace', 'inspect', path],
  'a trace to convert': (path) => ['trace', 'convert', path, '-o', 'converted.jsonl'],
  'a trace to learn from': (path) => ['predict', 'eval', 'popularity', '--eval', path],
};

describe.each(Object.entries(OPERANDS))('in the place of %s', (_, command) => {
  it.each([
    ['/dev/zero', '/dev/zero'],
    ['a pipe without a writer', at('pipe')],
    ['a folder', at('folder')],
    ['symbolic links in a circle', at('loop')],
    ['ten gigabytes of nothing', at('sparse')],
  ])('%s is an error of one line', async (_what, path) => {
    const { code, stderr, stdout } = await inTurn(command(path), { cwd: folder });
    expect([code, stdout]).toEqual([2, '']);
    expect(stderr).toMatch(/^moeprof: [^\p{C}]{1,500}\n$/u);
  });
});

it('too few descriptors are an error of one line, and never a failed gate', async () => {
  // Below 19, Node itself cannot open the file that it is told to run, and says so with 1.
  const commands = ['run', 'compare missing.json missing.json', 'curve', 'plan --slo tpot=1s'];
  const limits = [...Array.from({ length: 14 }, (_, i) => 19 + i), 34, 40, 48, 56, 64];
  let refused = 0;
  const tried = async (command: string, limit: number): Promise<void> => {
    const { code, stderr } = await shell(`ulimit -n ${limit}; $MOEPROF ${command}`);
    // What needs fewer files than others goes through; a gate without its base never does.
    if (code === 0 && !command.startsWith('compare')) return;
    refused++;
    expect(stderr, `${command} with ${limit}`).toMatch(/^moeprof: [^\p{C}]{1,500}\n$/u);
    // What comes as far as looking for its base has no figure to compare with.
    const absent = stderr.includes('there is no such file');
    if (!absent) expect(stderr).toMatch(/allow more (open files )?with ulimit -n\n$/);
    expect(code, `${command} with ${limit}: ${stderr}`).toBe(absent ? 3 : 2);
  };
  for (const [index, limit] of limits.entries()) await Promise.all([0, 1].map((next) => tried(commands[(index + next) % 4]!, limit)));
  expect(refused).toBeGreaterThan(20);
});
