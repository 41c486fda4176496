// What a queue costs beside what it runs: node bench/queue.mjs [cells = 10000] [tokens a cell = 500] [cells enqueued = 10000]
// Needs a build (npm run build), and valkey-server or redis-server. Two workers of one process each run a study over a server on this
// machine; then two shards run the same study. Shares are processor time of runs over all processor time of the processes in question, which
// other programs on the machine disturb little; the clock's figures stand beside them.
import { execFileSync, spawn } from 'node:child_process';
import { mkdtempSync, readdirSync, readFileSync, writeFileSync } from 'node:fs';
import { createServer } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { fileURLToPath } from 'node:url';
import { machine } from './lib/bench.mjs';

const BIN = fileURLToPath(new URL('../bin/moeprof.js', import.meta.url));
const [cells = 10_000, tokens = 500, enqueued = 10_000] = process.argv.slice(2).map(Number);
const folder = mkdtempSync(join(tmpdir(), 'moeprof-queue-'));
const SEEDS = 1000;
/** A study of so many cells; more than a thousand: of a multiple of that. */
function study(name, count) {
  const capacities = Array.from({ length: Math.ceil(count / SEEDS) }, (_, i) => `${10 + i * 5}%`);
  const axes = `{ seed: 1..${Math.min(SEEDS, count)}, memory.expertCache: [${capacities.join(', ')}] }`;
  writeFileSync(join(folder, name), `set: { trace: mini-finegrained-64x12l, workload.tokens: ${tokens} }\naxes: ${axes}\n`);
}
study('study.yaml', cells);
study('enqueued.yaml', enqueued);
const TICKS_PER_S = Number(execFileSync('getconf', ['CLK_TCK'], { encoding: 'utf8' }));

/** Runs a command; its processor time with that of its children, s, and what it said. */
function timed(args) {
  const begun = performance.now();
  const script = `TIMEFORMAT='cpu %U %S'; time "$0" "$@"`;
  const child = spawn('bash', ['-c', script, process.execPath, BIN, ...args], { cwd: folder, stdio: ['ignore', 'ignore', 'pipe'] });
  let said = '';
  child.stderr.on('data', (chunk) => {
    said += chunk;
  });
  return new Promise((resolve) => {
    child.on('close', (code) => {
      const [, user, system] = /cpu ([\d.]+) ([\d.]+)/.exec(said) ?? [];
      if (code !== 0) throw new Error(`${args.join(' ')}: ${code}\n${said}`);
      resolve({ cpu: Number(user) + Number(system), said, wall: (performance.now() - begun) / 1000 });
    });
  });
}

/** Processor time of a process so far, s. */
function cpuOf(pid) {
  const fields = readFileSync(`/proc/${pid}/stat`, 'utf8')
    .replace(/^.*\) /, '')
    .split(' ');
  return (Number(fields[11]) + Number(fields[12])) / TICKS_PER_S;
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
  console.error('there is no valkey-server; apt-get install valkey-server');
  process.exit(2);
}
const server = spawn(program, ['--port', String(port), '--dir', folder, '--appendonly', 'yes', '--save', ''], { stdio: 'ignore' });
await sleep(1000);
const { Redis } = await import('ioredis');
const redis = new Redis({ port });
const queue = (prefix) => ['--queue', `redis://127.0.0.1:${port}/0`, '--queue-prefix', prefix];
const percent = (share) => `${(100 * share).toFixed(1)} %`;
console.log(`${machine()}, ${cells} cells of ${tokens} tokens`);

// Enqueueing, nobody there to run.
{
  const begun = performance.now();
  const args = [BIN, 'sweep', 'enqueued.yaml', ...queue('enqueue'), '--store', 'none', '-q', '-o', 'none.csv'];
  const sweep = spawn(process.execPath, args, { cwd: folder, stdio: 'ignore' });
  const key = async () => (await redis.keys('enqueue:cells-*:wait'))[0];
  let at = null;
  for (let waiting = 0; waiting < enqueued; waiting = at === null ? 0 : await redis.llen(at)) {
    await sleep(20);
    at ??= (await key()) ?? null;
  }
  console.log(
    `enqueued in ${((performance.now() - begun) / 1000).toFixed(2)} s, ${cpuOf(sweep.pid).toFixed(2)} s of processor time, from start to last`,
  );
  const used = Number(/used_memory:(\d+)/.exec(await redis.info('memory'))[1]);
  console.log(`server holds ${(used / 2 ** 20).toFixed(0)} MiB, ${(used / enqueued / 1024).toFixed(1)} KiB a cell`);
  sweep.kill('SIGKILL');
  await redis.flushall();
}

// An idle worker.
{
  const worker = spawn(process.execPath, [BIN, 'worker', ...queue('idle'), '-j', '1'], { cwd: folder, stdio: 'ignore' });
  await sleep(8000);
  const [before, seconds] = [cpuOf(worker.pid), 30];
  await sleep(seconds * 1000);
  console.log(`an idle worker takes ${percent((cpuOf(worker.pid) - before) / seconds)} of a core`);
  worker.kill('SIGKILL');
}

const serverBefore = cpuOf(server.pid);
const workers = [1, 2].map(() => timed(['worker', ...queue('run'), '-j', '1', '--exit-idle', '15']));
const sweep = await timed(['sweep', 'study.yaml', ...queue('run'), '--store', 'queued', '-q', '-o', 'queued.csv']);
const ended = await Promise.all(workers);
const runs = ended.map(({ said }) => Number(/in ([\d.]+) s of processor time/.exec(said)[1])).reduce((a, b) => a + b);
const worked = ended[0].cpu + ended[1].cpu;
const served = cpuOf(server.pid) - serverBefore;
const each = (seconds) => `${((1000 * seconds) / cells).toFixed(2)} ms a cell`;
console.log(`queue, 2 workers: ${sweep.wall.toFixed(0)} s by the clock; runs ${runs.toFixed(1)} s, ${each(runs)}`);
console.log(`  workers ${worked.toFixed(1)} s, ${percent(runs / worked)} of it in runs, ${each(worked - runs)} beside them`);
console.log(`  sweep ${sweep.cpu.toFixed(1)} s, ${each(sweep.cpu)}; server ${served.toFixed(1)} s, ${each(served)}`);
console.log(`  of all four processes, ${percent(runs / (worked + sweep.cpu + served))} in runs`);

const shards = await Promise.all(
  [1, 2].map((i) => timed(['sweep', 'study.yaml', '--shard', `${i}/2`, '-j', '1', '--store', `shard-${i}`, '-q', '-o', `shard-${i}.csv`])),
);
const sharded = shards[0].cpu + shards[1].cpu;
console.log(
  `--shard, 2 processes: ${Math.max(...shards.map(({ wall }) => wall)).toFixed(0)} s by the clock, ${sharded.toFixed(1)} s, ${percent(runs / sharded)} of it the runs above`,
);
const entries = (store) => readdirSync(join(folder, store), { recursive: true }).filter((name) => name.endsWith('.json')).length;
if (entries('queued') !== cells || entries('shard-1') + entries('shard-2') !== cells) throw new Error('cells are missing');
redis.disconnect();
server.kill('SIGTERM');
