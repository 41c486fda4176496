// What a queue costs beside what it runs: node bench/queue.mjs [cells = 3000] [tokens a cell = 1500] [cells enqueued = 10000] [parts] [--short]
// Needs a build (npm run build), and valkey-server or redis-server. Two workers of one process each run a study over a server on this
// machine; then two shards run the same study. All shares are of processor time, which other programs on the machine disturb little; the
// clock's figures stand beside them. What counts as a run is simulateRun alone. Parts: any of enqueue,idle,queue,shards; all unless said.
import { execFileSync, spawn } from 'node:child_process';
import { mkdtempSync, readdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { createServer } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { fileURLToPath } from 'node:url';
import { ARGUMENTS, machine, SHORT, skip } from './lib/bench.mjs';

const BIN = fileURLToPath(new URL('../bin/moeprof.js', import.meta.url));
const TIMER = new URL('./lib/runs-timer.mjs', import.meta.url).href;
const [asked, tokens, enqueued] = [3000, 1500, 10_000].map((usual, i) => Number(ARGUMENTS[i] ?? (SHORT ? usual / 50 : usual)));
const parts = ARGUMENTS[3]?.split(',') ?? ['enqueue', 'idle', 'queue', 'shards'];
const folder = mkdtempSync(join(tmpdir(), 'moeprof-queue-'));
const SEEDS = 1000;
/** Seconds after which a worker of this bench ends that has nothing to do. */
const EXIT_IDLE = 5;
/** A study of so many cells; more than a thousand: of a multiple of that. @returns how many they are */
function study(name, count) {
  const seeds = Math.min(SEEDS, count);
  const capacities = Array.from({ length: Math.ceil(count / SEEDS) }, (_, i) => `${10 + i * 5}%`);
  const axes = `{ seed: 1..${seeds}, memory.expertCache: [${capacities.join(', ')}] }`;
  writeFileSync(join(folder, name), `set: { trace: mini-finegrained-64x12l, workload.tokens: ${tokens} }\naxes: ${axes}\n`);
  return seeds * capacities.length;
}
const cells = study('study.yaml', asked);
const put = study('enqueued.yaml', enqueued);
const TICKS_PER_S = Number(execFileSync('getconf', ['CLK_TCK'], { encoding: 'utf8' }));

/**
 * Runs a command.
 * @returns its processor time with that of its children, and alone, s; and what it said
 */
function timed(args) {
  const begun = performance.now();
  const script = `TIMEFORMAT='cpu %U %S'; time "$0" "$@"`;
  const child = spawn('bash', ['-c', script, process.execPath, ...args], { cwd: folder, stdio: ['ignore', 'ignore', 'pipe'] });
  let said = '';
  child.stderr.on('data', (chunk) => {
    said += chunk;
  });
  // Of the process alone: looked at while it is there, since what bash says has that of its children.
  let alone = 0;
  const looking = setInterval(() => {
    for (const pid of childrenOf(child.pid)) alone = Math.max(alone, cpuOf(pid) ?? 0);
  }, 100);
  return new Promise((resolve) => {
    child.on('close', (code) => {
      clearInterval(looking);
      const [, user, system] = /cpu ([\d.]+) ([\d.]+)/.exec(said) ?? [];
      if (code !== 0) throw new Error(`${args.join(' ')}: ${code}\n${said}`);
      resolve({ alone, cpu: Number(user) + Number(system), said, wall: (performance.now() - begun) / 1000 });
    });
  });
}

function childrenOf(pid) {
  try {
    return readFileSync(`/proc/${pid}/task/${pid}/children`, 'utf8').trim().split(' ').filter(Boolean);
  } catch {
    return [];
  }
}

/** Processor time of a process so far, s; null: it has ended. */
function cpuOf(pid) {
  try {
    const fields = readFileSync(`/proc/${pid}/stat`, 'utf8')
      .replace(/^.*\) /, '')
      .split(' ');
    return (Number(fields[11]) + Number(fields[12])) / TICKS_PER_S;
  } catch {
    return null;
  }
}

async function freePort() {
  const probe = createServer();
  await new Promise((resolve) => probe.listen(0, '127.0.0.1', resolve));
  const { port } = probe.address();
  await new Promise((resolve) => probe.close(resolve));
  return port;
}

const port = await freePort();
const program = ['valkey-server', 'redis-server'].find((name) => {
  try {
    execFileSync(name, ['--version']);
    return true;
  } catch {
    return false;
  }
});
if (program === undefined) {
  rmSync(folder, { recursive: true });
  skip('a queue, which needs a server; apt-get install valkey-server');
  process.exit(0);
}
const server = spawn(program, ['--port', String(port), '--dir', folder, '--appendonly', 'yes', '--save', ''], { stdio: 'ignore' });
await sleep(1000);
const { Redis } = await import('ioredis');
const redis = new Redis({ port });
const queue = (prefix) => ['--queue', `redis://127.0.0.1:${port}/0`, '--queue-prefix', prefix];
const percent = (share) => `${(100 * share).toFixed(1)} %`;
const each = (seconds) => `${((1000 * seconds) / cells).toFixed(2)} ms`;
const load = () => readFileSync('/proc/loadavg', 'utf8').split(' ')[0];
console.log(`${machine()}, ${cells} cells of ${tokens} tokens, load ${load()}`);

// Enqueueing, nobody there to run.
if (parts.includes('enqueue')) {
  const begun = performance.now();
  const args = [BIN, 'sweep', 'enqueued.yaml', ...queue('enqueue'), '--store', 'none', '-q', '-o', 'none.csv'];
  const sweep = spawn(process.execPath, args, { cwd: folder, stdio: 'ignore' });
  const key = async () => (await redis.keys('enqueue:cells-*:wait'))[0];
  let at = null;
  for (let waiting = 0; waiting < put; waiting = at === null ? 0 : await redis.llen(at)) {
    await sleep(20);
    at ??= (await key()) ?? null;
  }
  const seconds = ((performance.now() - begun) / 1000).toFixed(2);
  console.log(`${put} cells enqueued in ${seconds} s, ${cpuOf(sweep.pid).toFixed(2)} s of processor time, from start to last`);
  const used = Number(/used_memory:(\d+)/.exec(await redis.info('memory'))[1]);
  console.log(`server holds ${(used / 2 ** 20).toFixed(0)} MiB, ${(used / put / 1024).toFixed(1)} KiB a cell`);
  sweep.kill('SIGKILL');
  await redis.flushall();
}

// An idle worker.
if (parts.includes('idle')) {
  const worker = spawn(process.execPath, [BIN, 'worker', ...queue('idle'), '-j', '1'], { cwd: folder, stdio: 'ignore' });
  await sleep(SHORT ? 2000 : 8000);
  const [before, seconds] = [cpuOf(worker.pid), SHORT ? 1 : 30];
  await sleep(seconds * 1000);
  console.log(`an idle worker takes ${percent((cpuOf(worker.pid) - before) / seconds)} of a core`);
  worker.kill('SIGKILL');
}

if (parts.includes('queue')) {
  const serverBefore = cpuOf(server.pid);
  const workers = [1, 2].map(() => timed([BIN, 'worker', ...queue('run'), '-j', '1', '--exit-idle', String(EXIT_IDLE)]));
  const sweep = await timed([BIN, 'sweep', 'study.yaml', ...queue('run'), '--store', 'queued', '-q', '-o', 'queued.csv']);
  const served = cpuOf(server.pid) - serverBefore;
  const ended = await Promise.all(workers);
  const sum = (of) => ended.map(of).reduce((a, b) => a + b);
  const runs = sum(({ said }) => Number(/in ([\d.]+) s of processor time/.exec(said)[1]));
  const [worked, alone] = [sum(({ cpu }) => cpu), sum((one) => one.alone)];
  console.log(`queue, 2 workers: ${sweep.wall.toFixed(0)} s by the clock, load ${load()}; a run takes ${each(runs)}`);
  console.log(`  workers spend ${percent(runs / worked)} of their time in runs, and ${each(worked - runs)} a cell beside them:`);
  console.log(`    ${each(alone)} in the worker itself, ${each(worked - alone - runs)} in the process that runs`);
  console.log(`  sweep ${each(sweep.cpu)} a cell; server ${each(served)} a cell`);
  console.log(`  of all four processes, ${percent(runs / (worked + sweep.cpu + served))} in runs`);
  checkEntries('queued');
}

if (parts.includes('shards')) {
  const shard = (i) => ['--shard', `${i}/2`, '-j', '1', '--store', 'sharded', '-q', '-o', `shard-${i}.csv`];
  const shards = await Promise.all([1, 2].map((i) => timed(['--import', TIMER, BIN, 'sweep', 'study.yaml', ...shard(i)])));
  const sum = (of) => shards.map(of).reduce((a, b) => a + b);
  const runs = sum(({ said }) => Number(/^runs ([\d.]+) s/m.exec(said)[1]));
  const took = sum(({ cpu }) => cpu);
  const wall = Math.max(...shards.map((one) => one.wall));
  console.log(`--shard, 2 processes: ${wall.toFixed(0)} s by the clock, load ${load()}; a run takes ${each(runs)}`);
  console.log(`  they spend ${percent(runs / took)} of their time in runs, and ${each(took - runs)} a cell beside them`);
  checkEntries('sharded');
}
redis.disconnect();
server.kill('SIGTERM');
rmSync(folder, { recursive: true, force: true, maxRetries: 5 });

/** Ends with an error where a store lacks cells. */
function checkEntries(store) {
  const entries = readdirSync(join(folder, store), { recursive: true }).filter((name) => name.endsWith('.json')).length;
  if (entries !== cells) throw new Error(`${entries} of ${cells} cells are in the store`);
}
