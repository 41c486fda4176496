// What is no file, in the place of every value of every command: an error of one line, within seconds of work and little memory.
import { execFileSync, spawn } from 'node:child_process';
import { mkdirSync, mkdtempSync, symlinkSync, truncateSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { describe, expect, it } from 'vitest';
import { Random } from '../../src/base/random.js';
import { cases } from '../cases.js';
import { places } from './hostile.js';
import { BIN, LESS_OPTIMIZED } from './moeprof.js';

const folder = mkdtempSync(join(tmpdir(), 'hostile-'));
const at = (name: string): string => join(folder, name);

/** What is put there. */
const THINGS = ['zero', 'pipe', 'folder', 'loop', 'sparse'] as const;
symlinkSync('/dev/zero', at('zero'));
execFileSync('mkfifo', [at('pipe')]);
mkdirSync(at('folder'));
symlinkSync('loop', at('loop'));
writeFileSync(at('sparse'), '');
truncateSync(at('sparse'), 10 * 2 ** 30);
/** Names decide what some readers take a file for, so each thing has a name with each ending. */
const ENDINGS = ['', '.yaml', '.json', '.jsonl', '.csv', '.safetensors', '.gguf', '.onnx', '.mjs', '.npz', '.pt', '.parquet'];
for (const ending of ENDINGS.slice(1)) for (const thing of THINGS) symlinkSync(thing, at(thing + ending));

/** Told by the process itself as it ends. */
interface Usage {
  /** Microseconds. */
  readonly userCPUTime: number;
  readonly systemCPUTime: number;
  /** KiB. */
  readonly maxRSS: number;
}

const PROBE = `
  if (require('node:worker_threads').isMainThread)
    process.on('exit', () => require('node:fs').writeSync(3, JSON.stringify(process.resourceUsage())));
`;
writeFileSync(at('probe.cjs'), PROBE);

/** Runs a command that is killed after half a minute. */
function measured(args: readonly string[]): Promise<{ code: number | null; stdout: string; stderr: string; usage: Usage | null }> {
  const env = { PATH: process.env.PATH, HOME: folder, NODE_OPTIONS: `--require=${at('probe.cjs')}` };
  const child = spawn(process.execPath, [...LESS_OPTIMIZED, BIN, ...args], {
    cwd: folder,
    env,
    stdio: ['ignore', 'pipe', 'pipe', 'pipe'],
    timeout: 30_000,
  });
  const texts = child.stdio.slice(1).map((stream) => {
    const chunks: Buffer[] = [];
    stream!.on('data', (chunk: Buffer) => chunks.push(chunk));
    return () => Buffer.concat(chunks).toString();
  });
  return new Promise((resolve) => {
    child.on('close', (code) => {
      const [stdout, stderr, usage] = texts.map((text) => text());
      resolve({ code, stdout: stdout!, stderr: stderr!, usage: usage === '' ? null : (JSON.parse(usage!) as Usage) });
    });
  });
}

const cpuTime = ({ systemCPUTime, userCPUTime }: Usage): number => systemCPUTime + userCPUTime;

/**
 * Microseconds that a command may work: 2 s. Where the machine is slow or others keep it busy, starting alone takes that; then three times
 * what the command takes that finds nothing in the place: some tell that before they start their threads.
 */
async function allowed(taken: Usage, absent: readonly string[]): Promise<number> {
  if (cpuTime(taken) < 2e6) return 2e6;
  const { usage } = await measured(absent);
  return Math.max(2e6, 3 * cpuTime(usage!));
}

const MODEL = 'olmoe-1b-7b';
execFileSync(process.execPath, [BIN, 'trace', 'generate', '--like', MODEL, '--tokens', '64', '-q', '-o', at('sound.trace.jsonl')]);
execFileSync(process.execPath, [BIN, 'run', '--tokens', '20', '-q', '-o', at('sound.json')]);
writeFileSync(
  at('sound.log'),
  JSON.stringify({ model_filename: `${MODEL}-q4_k_m.gguf`, n_gpu_layers: 99, n_prompt: 0, n_gen: 128, avg_ts: 20 }),
);

writeFileSync(at('sound.prompts.jsonl'), '"hello"\n');
writeFileSync(at('sound.study.yaml'), 'axes: { seed: [1] }\nset: { model: olmoe-1b-7b, workload.tokens: 20 }\n');
execFileSync(process.execPath, [BIN, 'sweep', at('sound.study.yaml'), '--store', at('sound.store'), '-q', '-o', at('sound.csv')]);

writeFileSync(
  at('sound.space.yaml'),
  'axes: { seed: [1] }\nset: { model: olmoe-1b-7b, workload.tokens: 20 }\nobjectives: [throughput.total]\n',
);

/** Sound values that no command and no attack changes. */
const ALWAYS: Readonly<Record<string, string>> = { fingerprint: 'ab', 'name[/scenario]': 'main', paper: 'fate', papers: 'fate', x: 'seed' };

/** What a command needs to come as far as opening its files. */
const found = await places((command, name, attacked) => {
  const fits = ['fit', 'model', 'traceFormat'].includes(attacked);
  const served = ['proxy', 'listen', 'model', 'requests'].includes(attacked);
  switch (name) {
    case 'trace':
      return command !== 'place' && /^(set|tune|keep|tuneLimit)$/.test(attacked) ? undefined : at('sound.trace.jsonl');
    case 'policies':
      return attacked === 'popularity' ? 'static' : undefined;
    case 'before':
    case 'after':
      return at('sound.trace.jsonl');
    case 'base':
    case 'candidate':
    case 'result':
    case 'run':
    case 'results':
    case 'runs':
      return at('sound.json');
    case 'from':
      return at('sound.store');
    case 'store':
      return command === 'store show' ? at('sound.store') : undefined;
    case 'space':
      return at('sound.space.yaml');
    case 'vary':
      return attacked === 'rates' ? undefined : 'workload.batch=1,2';
    case 'assert':
      return command === 'plan' ? 'latency.tpot.p50 <= 1s' : undefined;
    case 'fit':
      return fits ? at('sound.trace.jsonl') : undefined;
    case 'like':
      return fits ? undefined : MODEL;
    case 'output':
      if (command === 'play') return 'out.html';
      return command === 'predict train' ? 'out.onnx' : /^(trace (convert|generate)|record)$/.test(command) ? 'out.jsonl' : undefined;
    case 'queue':
      // Nobody listens there; what is wrong is told before.
      return command === 'worker' || command.startsWith('queue ') ? 'redis://127.0.0.1:1/0' : undefined;
    case 'model':
      return ['model inspect', 'advise', 'breakeven'].includes(command) ? MODEL : undefined;
    case 'hardware':
      // This machine may have no card.
      return command === 'breakeven' ? 'rtx-3060+64GB' : undefined;
    case 'gguf':
      return served ? undefined : MODEL;
    case 'tune':
      return attacked === 'keep' || attacked === 'tuneLimit' ? 'llama-bench -m sound.gguf' : undefined;
    case 'prompts':
      return served ? undefined : at('sound.prompts.jsonl');
    case 'proxy':
      return served ? 'http://127.0.0.1:1' : undefined;
    case 'for':
      return command === 'place' && attacked === 'output' ? 'codacus' : undefined;
    case 'log':
    case 'llamaBench':
      return /^(check|measure)$/.test(command) || /^(model|quantization)$/.test(attacked) ? at('sound.log') : undefined;
    case 'timings':
      return at('sound.log');
    case 'name':
      return command === 'baseline save' ? 'main' : undefined;
    default:
      return ALWAYS[name];
  }
});

const all = cases(10) === 10;

// Commands share many of their options: every third place will do where not all are wanted.
describe.each(found.filter(({ number }, at) => all || (!number && at % 3 === 0)))('in the place of $name', ({ line, name, written }) => {
  const random = new Random(1, name);
  // An empty folder is a store to begin with, and a folder of modules or of files.
  const stored = /--(store|into|profiles|modules|files|file-cache)$/.test(name);
  const things = THINGS.filter((thing) => (!written || thing === 'folder' || thing === 'loop') && !(stored && thing === 'folder'));
  const first = random.below(things.length);
  const drawn = things.map((_, index) => things[(first + index) % things.length]!).slice(0, cases(things.length));
  it.each(drawn)('%s', async (thing) => {
    const ending = ENDINGS[random.below(ENDINGS.length)]!;
    const path = at(thing + ending);
    const form = random.below(100);
    const args = line(path, form);
    const { code, stderr, stdout, usage } = await measured(args);
    const said = `${args.join(' ')}\n${stderr}`;
    expect([code, stdout], said).toEqual([2, '']);
    expect(stderr, said).toMatch(/^moeprof: [^\p{C}]{1,500}\n$/u);
    // The file, or why nothing may stand there.
    expect(stderr, said).toMatch(new RegExp(`${thing}|${name.split(' ').at(-1)}:|unknown family`));
    expect(usage!.maxRSS, said).toBeLessThan(300 * 1024);
    expect(cpuTime(usage!), said).toBeLessThan(await allowed(usage!, line(at(`absent${ending}`), form)));
  });
});

it('knows the places that take files', () => {
  const names = found.map(({ name }) => name);
  expect(names).toEqual(expect.arrayContaining(['run --model', 'run profile', 'compare candidate', 'trace convert --remap']));
});
