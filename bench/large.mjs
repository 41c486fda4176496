// What is large takes no more memory than what is small, and Ctrl-C ends it: node bench/large.mjs [case] [--short]
// Needs a build, Linux (/proc) and room for a trace of 5 GB and its rows. Each case runs the command at two sizes in a process of its own,
// prints its peak of resident memory, and then at the larger size again, until SIGINT at two moments: how long it took to end.
import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { closeSync, mkdtempSync, openSync, readFileSync, rmSync, writeFileSync, writeSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { ARGUMENTS, machine, SHORT } from './lib/bench.mjs';

const BIN = fileURLToPath(new URL('../bin/moeprof.js', import.meta.url));
const folder = mkdtempSync(join(tmpdir(), 'moeprof-large-'));
const at = (name) => join(folder, name);
process.on('exit', () => rmSync(folder, { recursive: true, force: true }));
// Where this process ignores SIGINT, as a shell lets what runs in the background do, the command would, too.
process.on('SIGINT', () => process.exit(130));

/** Rows of OLMoE (16 layers of 64 experts, top-8) as a text of about `bytes`, one block of them again and again. */
function* traceText(bytes) {
  const row = (token) =>
    JSON.stringify({
      experts: Array.from({ length: 16 }, (_, layer) =>
        Array.from({ length: 8 }, (__, k) => (token * 7 + layer * 5 + k * 8 + (token % 3)) % 64),
      ),
    });
  const block = Buffer.from(`${Array.from({ length: 16_384 }, (_, token) => row(token)).join('\n')}\n`);
  for (let written = 0; written < bytes; written += block.length) yield block;
}

/** Writes a file, part by part. */
function written(name, parts) {
  const fd = openSync(at(name), 'w');
  for (const part of parts) writeSync(fd, part);
  closeSync(fd);
  return at(name);
}

function* arrivalsText(requests) {
  yield 'arrival,prompt,output\n';
  for (let first = 0; first < requests; first += 10_000)
    yield Array.from({ length: Math.min(10_000, requests - first) }, (_, i) => `${((first + i) / 1000).toFixed(3)},2,1\n`).join('');
}

/** A study of so many cells, each a run of a few tokens. */
function study(cells) {
  const seeds = Math.ceil(cells / 10);
  const text = `set: { model: mini-mixtral-8x8l, system: on-demand-lru, workload.tokens: 8, bounds: false }\naxes:\n  seed: 1..${seeds}\n  memory.expertCache: [${Array.from({ length: 10 }, (_, i) => `${10 * (i + 1)}%`).join(', ')}]\n`;
  writeFileSync(at('study.yaml'), text);
}

let stores = 0;
const CASES = {
  trace: {
    unit: 'GB of JSONL in a file',
    sizes: SHORT ? [0.01, 0.02] : [1, 5],
    make: (size) => written('trace.jsonl', traceText(size * 1e9)),
    args: () => ['run', '-m', 'olmoe-1b-7b', '-t', at('trace.jsonl'), '--tokens', '64', '-o', at('result.json')],
  },
  pipe: {
    unit: 'GB of JSONL through a pipe',
    sizes: SHORT ? [0.01, 0.02] : [1, 4],
    make: () => undefined,
    args: () => ['run', '-m', 'olmoe-1b-7b', '-t', '-', '--tokens', '64', '-o', at('result.json')],
    stdin: (size) => traceText(size * 1e9),
  },
  study: {
    unit: 'cells of a study with a store',
    sizes: SHORT ? [20, 40] : [1000, 10_000],
    make: study,
    args: () => ['sweep', at('study.yaml'), '-j', '1', '--store', at(`store-${stores++}`), '-o', at('rows.jsonl')],
  },
  requests: {
    unit: 'requests of a file of arrivals',
    sizes: SHORT ? [100, 200] : [100_000, 1_000_000],
    make: (size) => written('arrivals.csv', arrivalsText(size)),
    args: () => ['run', '-m', 'mini-mixtral-8x8l', '--workload', at('arrivals.csv'), '--set', 'bounds=false', '-o', at('result.json')],
  },
};

/** Feeds a process; one that ends early closes its end. */
async function feed(child, parts) {
  child.stdin.on('error', () => undefined);
  for (const part of parts) {
    if (child.exitCode !== null || child.stdin.destroyed) break;
    // What is closed while it waits says so by an error.
    if (!child.stdin.write(part)) await once(child.stdin, 'drain').catch(() => undefined);
  }
  child.stdin.end();
}

/** Runs the command. @param interruptMs after which it gets SIGINT; null: never */
function run({ args, stdin }, size, interruptMs) {
  const begun = performance.now();
  const child = spawn(process.execPath, [BIN, ...args()], {
    cwd: folder,
    stdio: [stdin === undefined ? 'ignore' : 'pipe', 'ignore', 'pipe'],
  });
  let [peakKib, told, endedMs] = [0, '', Number.NaN];
  child.stderr.on('data', (some) => {
    told = `${told}${some}`.slice(-2000);
  });
  const look = setInterval(() => {
    try {
      peakKib = Math.max(peakKib, Number(/VmHWM:\s*(\d+)/.exec(readFileSync(`/proc/${child.pid}/status`, 'utf8'))?.[1] ?? 0));
    } catch {
      // It has ended.
    }
  }, 50);
  const interrupt =
    interruptMs === null
      ? null
      : setTimeout(() => {
          endedMs = performance.now();
          child.kill('SIGINT');
        }, interruptMs);
  if (stdin !== undefined) void feed(child, stdin(size));
  return new Promise((resolve, reject) => {
    child.on('close', (code, signal) => {
      clearInterval(look);
      clearTimeout(interrupt);
      const now = performance.now();
      if (interrupt === null && code !== 0) reject(new Error(`${args().join(' ')}: ${code ?? signal}: ${told}`));
      resolve({ ms: now - begun, peakMib: peakKib / 1024, endedMs: now - endedMs });
    });
  });
}

console.log(machine());
for (const [name, one] of Object.entries(CASES).filter(([name]) => ARGUMENTS[0] === undefined || ARGUMENTS[0] === name)) {
  let last = null;
  for (const size of one.sizes) {
    one.make(size);
    last = await run(one, size, null);
    console.log(`${name}: ${size} ${one.unit}: ${last.peakMib.toFixed(0)} MiB, ${(last.ms / 1000).toFixed(1)} s`);
  }
  const ends = [];
  for (const share of [0.1, 0.5]) ends.push((await run(one, one.sizes.at(-1), last.ms * share)).endedMs);
  console.log(
    `${name}: SIGINT after a tenth and a half of it: ends in ${ends.map((ms) => (Number.isNaN(ms) ? 'it had ended' : `${ms.toFixed(0)} ms`)).join(', ')}`,
  );
}
