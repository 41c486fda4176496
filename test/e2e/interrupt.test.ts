// Ctrl-C in every command, at moments spread over its time: exit code 130 (or the end, where it was faster), at most one line, and no file that is not
// whole. MOEPROF_MOMENTS=20 tries as many for each command.
import { spawn } from 'node:child_process';
import { copyFileSync, mkdtempSync, readdirSync, readFileSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { beforeAll, describe, expect, it } from 'vitest';
import { commands } from '../../src/cli/commands.js';
import { BIN, moeprof, temporaryFolder } from './moeprof.js';

const home = temporaryFolder();
const PROFILES = fileURLToPath(new URL('../../profiles/measurements', import.meta.url));
const MOMENTS = Number(process.env.MOEPROF_MOMENTS ?? 1);

/** A short call of each command; what names files lies in its folder. */
const CALLS: Readonly<Record<string, string>> = {
  run: 'run --tokens 100 -o out.json',
  curve: 'curve -t mini-mixtral-8x8l#0:40 --policies lru,lfu -o out.json',
  sweep: 'sweep --tokens 50 --vary workload.batch=1,2 --store store -o out.csv',
  search: 'search space.yaml -o out.json',
  bound: 'bound adaptive -t mini-mixtral-8x8l#0:40 -o out.json',
  advise: 'advise gpt-oss-20b -w rtx-4090+64GB -o out.json',
  breakeven: 'breakeven olmoe-1b-7b -w rtx-3060+ryzen-5-5600+2xddr4-3200+32GB --quantizations q4_k_m -o out.json',
  play: 'play -o out.html',
  // play.test.ts interrupts one that serves: it has no end of its own.
  serve: 'serve --listen 127.0.0.1:99999',
  place: 'place -t mini-mixtral-8x8l --for codacus -o out.csv',
  plan: 'plan --tokens 50 --assert cache.hit_rate>=0% -o out.json',
  predict: 'predict eval transition --eval mini-mixtral-8x8l -o out.json',
  check: 'check result.json',
  reproduce: 'reproduce fiddler -o out.json',
  validate: 'validate measured.jsonl -o out.json',
  measure: 'measure bench.log -w rtx-3060+ryzen-5-5600+2xddr4-3200+32GB -o out.jsonl',
  compare: 'compare result.json result.json --html out.html',
  baseline: 'baseline save main result.json',
  report: 'report result.json -o out.html',
  table: 'table result.json -o out.csv',
  plot: 'plot result.json --x system --y speed.decode -o out.svg',
  cite: 'cite result.json -o out.bib',
  store: 'store ls result.json',
  record: 'record model.gguf --prompts my.jsonl -o out.jsonl',
  trace: 'trace convert mini-mixtral-8x8l -o out.jsonl',
  model: 'model inspect mixtral-8x7b -o out.json',
  machine: 'machine show rtx-4090+64GB -o out.json',
  init: 'init made',
  profiles: 'profiles list system',
  explain: 'explain speed.decode',
  schema: 'schema run',
  completion: 'completion bash',
  doctor: 'doctor',
  worker: 'worker --queue redis://127.0.0.1:9',
  queue: 'queue redis://127.0.0.1:9',
};

function folderWithInputs(): string {
  const folder = mkdtempSync(join(tmpdir(), 'moeprof-interrupt-'));
  copyFileSync(join(home, 'result.json'), join(folder, 'result.json'));
  const measured = join(PROFILES, readdirSync(PROFILES).filter((name) => name.endsWith('.jsonl'))[0]!);
  writeFileSync(join(folder, 'measured.jsonl'), `${readFileSync(measured, 'utf8').split('\n', 1)[0]}\n`);
  writeFileSync(
    join(folder, 'bench.log'),
    '$ llama-cli -m olmoe-1b-7b-q4_k_m.gguf -ncmoe 8\neval time = 2000 ms / 48 runs ( 41.67 ms per token, 24.0 tokens per second)\n',
  );
  writeFileSync(join(folder, 'space.yaml'), 'axes: { workload.batch: [1, 2] }\nobjectives: [speed.decode]\n');
  return folder;
}

interface Interrupted {
  readonly code: number | NodeJS.Signals | null;
  readonly stderr: string;
  readonly folder: string;
  readonly ms: number;
}

/** @param ms after its start; infinity: it is left alone */
function interrupted(call: string, ms: number): Promise<Interrupted> {
  const folder = folderWithInputs();
  const began = performance.now();
  const child = spawn(process.execPath, [BIN, ...call.split(' ')], {
    cwd: folder,
    env: { PATH: process.env.PATH, HOME: folder, TMPDIR: folder },
    stdio: ['ignore', 'ignore', 'pipe'],
  });
  const timer = Number.isFinite(ms) ? setTimeout(() => child.kill('SIGINT'), ms) : undefined;
  let stderr = '';
  child.stderr.on('data', (text: Buffer) => {
    stderr += text.toString();
  });
  return new Promise((resolve) => {
    child.on('close', (code, signal) => {
      clearTimeout(timer);
      resolve({ code: code ?? signal, stderr, folder, ms: performance.now() - began });
    });
  });
}

beforeAll(async () => {
  expect((await moeprof(['run', '--tokens', '8', '-q', '-o', join(home, 'result.json')])).code).toBe(0);
});

it('each command is tried', () => {
  const absent = commands.filter(({ name }) => CALLS[name] === undefined).map(({ name }) => name);
  expect(absent).toEqual([]);
});

// Two at a time: most of a short command is its start.
describe('ctrl-C', () => {
  it.concurrent.each([0, 1])('ends each command, %i of every two', { timeout: 1_800_000 }, async (lane) => {
    for (const call of Object.values(CALLS).filter((_, index) => index % 2 === lane)) {
      const whole = await interrupted(call, Number.POSITIVE_INFINITY);
      for (let at = 1; at <= MOMENTS; at++) {
        const moment = (whole.ms * at) / (MOMENTS + 1);
        const { code, folder, stderr } = await interrupted(call, moment);
        const told = `${call}, after ${moment.toFixed(0)} ms: ${stderr}`;
        // Before Node hears signals, the system ends it.
        expect([130, 'SIGINT', whole.code], told).toContain(code);
        // One that had ended has its notes.
        expect(stderr.split('\n').length, told).toBeLessThanOrEqual(Math.max(2, whole.stderr.split('\n').length));
        const left = readdirSync(folder, { recursive: true, encoding: 'utf8' }).filter((name) => /\.moeprof-.*\.tmp$/.test(name));
        expect(left, told).toEqual([]);
      }
    }
  });
});
