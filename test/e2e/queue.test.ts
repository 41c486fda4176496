// Studies on a queue, with a real Valkey and workers that are killed.
import type { ChildProcess } from 'node:child_process';
import { copyFileSync, existsSync, mkdirSync, readdirSync, readFileSync, symlinkSync, writeFileSync } from 'node:fs';
import { basename, join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { fileURLToPath } from 'node:url';
import { Redis } from 'ioredis';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { type Finished, moeprof, temporaryFolder } from './moeprof.js';
import { type Begun, begin as beginIn, cuttingProxy, freePort, killAll, SERVER, startServer as serverAt } from './valkey.js';

it('has a Valkey where one is required', () => {
  expect(SERVER !== undefined || process.env.MOEPROF_VALKEY !== 'required').toBe(true);
});
if (SERVER === undefined) console.warn('SKIPPED: studies on a queue, which need valkey-server (apt-get install valkey-server)');

const TRACE = fileURLToPath(new URL('../../profiles/traces/mini-mixtral-8x8l.safetensors', import.meta.url));
const PASSWORD = 's3cret-of-the-queue';
const home = temporaryFolder();
let port = 0;
let server: ChildProcess | null = null;

async function startServer(): Promise<void> {
  const data = join(home, 'valkey');
  mkdirSync(data, { recursive: true });
  server = await serverAt(port, { port, dir: data, requirepass: PASSWORD, appendonly: 'yes', appendfsync: 'always' });
}

async function stopServer(): Promise<void> {
  const closed = new Promise((resolve) => server!.once('close', resolve));
  server!.kill('SIGTERM');
  await closed;
}

/** @param file a trace of which only this process has a name: /dev/fd/3 */
const begin = (args: readonly string[], cwd: string, file?: string): Begun =>
  beginIn(args, { cwd, file, env: { HOME: home, MOEPROF_QUEUE_PASSWORD: PASSWORD } });

/** A queue of each folder's own: no test meets the workers of another. */
const queue = (cwd: string): string[] => ['--queue', `redis://127.0.0.1:${port}/0`, '--queue-prefix', basename(cwd)];
const worker = (cwd: string, ...more: string[]) => begin(['worker', ...queue(cwd), '-j', '1', ...more], cwd);
const sweep = (cwd: string, more: readonly string[] = [], trace?: string) =>
  begin(['sweep', 'study.yaml', ...queue(cwd), '--store', 'queued', '-o', 'queued.csv', '-q', ...more], cwd, trace);
const alone = (cwd: string, more: readonly string[] = [], trace?: string) =>
  begin(['sweep', 'study.yaml', '--store', 'alone', '-o', 'alone.csv', '-q', ...more], cwd, trace).ended;

function entriesIn(store: string): string[] {
  if (!existsSync(store)) return [];
  return readdirSync(store, { recursive: true, encoding: 'utf8' })
    .filter((name) => name.endsWith('.json'))
    .sort();
}

async function until(what: () => boolean, child: { readonly ended: Promise<Finished> }): Promise<void> {
  let over: Finished | null = null;
  void child.ended.then((finished) => {
    over = finished;
  });
  while (!what()) {
    if (over !== null) throw new Error(`ended too early: ${JSON.stringify(over)}`);
    await sleep(20);
  }
}

function expectSameStores(cwd: string): void {
  const names = entriesIn(join(cwd, 'alone'));
  expect(entriesIn(join(cwd, 'queued'))).toEqual(names);
  const differing = names.filter((name) => !readFileSync(join(cwd, 'queued', name)).equals(readFileSync(join(cwd, 'alone', name))));
  expect(differing).toEqual([]);
  expect(readFileSync(join(cwd, 'queued.csv'), 'utf8')).toBe(readFileSync(join(cwd, 'alone.csv'), 'utf8'));
}

function folderWith(study: string): string {
  const cwd = temporaryFolder();
  writeFileSync(join(cwd, 'study.yaml'), study);
  return cwd;
}

beforeAll(async () => {
  if (SERVER === undefined) return;
  port = await freePort();
  await startServer();
});
afterAll(killAll);

describe.skipIf(SERVER === undefined)('a study on a queue', () => {
  it('loses nothing where workers, the sweep and the server die, and gives the bytes of one process', async () => {
    const cwd = folderWith(
      'set: { trace: mini-mixtral-8x8l, workload.tokens: 5, bounds: false }\n' +
        'axes: { seed: 1..100, memory.expertCache: [10%, 25%, 50%, 75%, 90%], system: [on-demand-lru, fiddler] }\n',
    );
    const store = join(cwd, 'queued');
    const kept = (): number => entriesIn(store).length;
    const first = sweep(cwd);
    const workers = [worker(cwd), worker(cwd), worker(cwd)];
    await until(() => kept() > 100, first);
    for (const { child } of workers.slice(0, 2)) child.kill('SIGKILL');
    first.child.kill('SIGKILL');
    await first.ended;
    const second = sweep(cwd);
    const watching = sweep(cwd, ['--progress', 'always']);
    const another = worker(cwd, '--exit-idle', '600');
    const before = kept();
    await until(() => kept() > before + 50, second);
    await stopServer();
    await startServer();
    const [ended, watched] = await Promise.all([second.ended, watching.ended]);
    expect([ended.code, watched.code, ended.stderr]).toEqual([0, 0, '']);
    expect(watched.stderr).toMatch(/queue 100 % \(1,000 of 1,000 cells\), .*\d workers?: /s);
    expect((await alone(cwd)).code).toBe(0);
    expectSameStores(cwd);
    // Nobody is in the way of one that ends.
    for (const { child } of [workers[2]!, another]) child.kill('SIGTERM');
    const [drained, other] = await Promise.all([workers[2]!.ended, another.ended]);
    expect([drained.code, other.code]).toEqual([0, 0]);
    expect(drained.stderr).toMatch(/: the server has gone; waiting for it\n.*: the server is back\n/s);
    expect(drained.stderr).toMatch(/takes no more cells; .*\nworker \S+: ran \d+ cells in [\d.]+ s of processor time, 0 failed\n$/s);
    expect([ended, watched, drained, other].map(({ stderr }) => stderr).join()).not.toContain(PASSWORD);
  }, 300_000);

  it('repeats what was cut off in the middle of an answer', async () => {
    const cwd = folderWith('set: { trace: mini-mixtral-8x8l, workload.tokens: 5, bounds: false }\naxes: { seed: 1..400 }\n');
    // A connection begins with some 6 kB of what the server says of itself.
    const limits = Array.from({ length: 24 }, (_, at) => 8000 + 700 * (at % 9));
    const [forSweep, forWorker] = [await cuttingProxy(port, limits), await cuttingProxy(port, limits)];
    const through = ({ port: there }: { readonly port: number }) => ['--queue', `redis://127.0.0.1:${there}/0`];
    const waiting = sweep(cwd, through(forSweep));
    const runs = worker(cwd, ...through(forWorker));
    const { code, stderr } = await waiting.ended;
    runs.child.kill('SIGTERM');
    expect([code, stderr]).toEqual([0, '']);
    expect((await runs.ended).stderr).toMatch(/, 0 failed\n$/);
    expect(Math.min(forSweep.cuts(), forWorker.cuts())).toBeGreaterThan(3);
    expect((await alone(cwd)).code).toBe(0);
    expectSameStores(cwd);
  });
});

describe.skipIf(SERVER === undefined)('cells on a queue that fail, or lack their trace,', () => {
  it('fails the cells that kill their process or whose code is not here, in one line each, and runs the others', async () => {
    const cwd = folderWith(
      'set: { trace: mini-mixtral-8x8l, workload.tokens: 5, bounds: false }\naxes: { seed: [1, 2], system.cache.policy: [lru, ./poison.mjs, ./away.mjs] }\n',
    );
    mkdirSync(join(cwd, 'trusted'));
    const killing = "{ name: 'poison', summary: '', parameters: {}, needs: [], create: () => process.kill(process.pid, 'SIGKILL') }";
    writeFileSync(join(cwd, 'poison.mjs'), `export default ${killing};\n`);
    copyFileSync(join(cwd, 'poison.mjs'), join(cwd, 'trusted/copy.mjs'));
    writeFileSync(join(cwd, 'away.mjs'), 'export default {};\n');
    const runs = worker(cwd, '--modules', 'trusted');
    const { code, stderr } = await sweep(cwd, ['--allow-code']).ended;
    expect([code, stderr]).toEqual([70, '']);
    runs.child.kill('SIGTERM');
    const said = (await runs.ended).stderr;
    expect(said.match(/^run [0-9a-f]{12}: failed: its process was ended by SIGKILL$/gm)?.length).toBe(2);
    expect(said.match(/^run [0-9a-f]{12}: failed: \S+away\.mjs: is code, which never travels, .*$/gm)?.length).toBe(2);
    const rows = readFileSync(join(cwd, 'queued.csv'), 'utf8').trimEnd().split('\n').slice(1);
    expect([rows.filter((row) => row.includes(',done,')).length, rows.filter((row) => row.includes(',failed,')).length]).toEqual([2, 4]);
  });

  it('brings a trace to workers that have none of it, and fails its cells where their disk takes none', async () => {
    const cwd = folderWith('set: { workload.tokens: 5, bounds: false }\naxes: { trace: [/dev/fd/3, mini-mixtral-8x8l], seed: [1, 2] }\n');
    symlinkSync('/no/such/folder', join(cwd, 'full'));
    const full = worker(cwd, '--file-cache', 'full');
    const failed = await sweep(cwd, [], TRACE).ended;
    full.child.kill('SIGTERM');
    expect([failed.code, failed.stderr]).toEqual([70, '']);
    const said = (await full.ended).stderr;
    expect(said.match(/^run [0-9a-f]{12}: failed: \S+full: cannot be written: .*$/gm)?.length).toBe(2);
    // A worker with room runs what failed, and only that.
    const roomy = worker(cwd, '--file-cache', 'cache');
    expect((await sweep(cwd, [], TRACE).ended).code).toBe(0);
    roomy.child.kill('SIGTERM');
    expect((await roomy.ended).stderr).toMatch(/: ran 2 cells in /);
    expect(readdirSync(join(cwd, 'cache')).length).toBe(1);
    expect((await alone(cwd, [], TRACE)).code).toBe(0);
    expectSameStores(cwd);
  });
});

describe.skipIf(SERVER === undefined)('a queue whose server is not as it should be', () => {
  it('runs a cell again whose result lies on the server damaged', async () => {
    const cwd = folderWith('set: { trace: mini-mixtral-8x8l, workload.tokens: 5, bounds: false }\naxes: { seed: [1, 2] }\n');
    expect((await alone(cwd)).code).toBe(0);
    const fingerprint = basename(entriesIn(join(cwd, 'alone'))[0]!, '.json');
    const redis = new Redis({ port, password: PASSWORD });
    await redis.set(`${basename(cwd)}:result:${fingerprint}`, 'something else');
    redis.disconnect();
    const runs = worker(cwd);
    const { code, stderr } = await begin(['sweep', 'study.yaml', ...queue(cwd), '--store', 'queued', '-o', 'queued.csv'], cwd).ended;
    runs.child.kill('SIGTERM');
    expect([code, stderr]).toEqual([
      0,
      expect.stringMatching(
        new RegExp(
          `^run ${fingerprint.slice(0, 12)}: refused: its result on the server has not the seal of this queue; it is run again$`,
          'm',
        ),
      ),
    ]);
    expectSameStores(cwd);
  });

  it('says in one line where the server does not let in, or is not there', async () => {
    const cwd = folderWith('axes: { seed: [1] }\n');
    const nobody = `redis://127.0.0.1:${await freePort()}/0`;
    const wrong = `redis://:wrong-word@127.0.0.1:${port}/0`;
    const commands = [
      ['sweep', 'study.yaml'],
      ['worker', '-j', '1'],
    ];
    const said = await Promise.all(
      [wrong, nobody, `redis://127.0.0.1:${port}/0`].flatMap((address) =>
        commands.map((args) => moeprof([...args, '--queue', address], { cwd })),
      ),
    );
    expect(said.map(({ code }) => code)).toEqual([2, 2, 2, 2, 2, 2]);
    for (const { stderr, stdout } of said)
      expect([stdout, stderr.split('\n').length, stderr.includes('wrong-word')]).toEqual(['', 2, false]);
    expect(said[0]!.stderr).toMatch(/does not let in this user with this password/);
    expect(said[2]!.stderr).toMatch(/nobody listens there/);
    expect(said[4]!.stderr).toMatch(/asks for a password/);
  });
});

it.each<[string, string[], RegExp]>([
  ['flags of a run of its own', ['sweep', 'study.yaml', '--queue', 'redis://h', '-j', '2'], /^moeprof: --jobs: each worker has its own/],
  ['a queue without a store', ['sweep', 'study.yaml', '--queue', 'redis://h', '--no-store'], /^moeprof: --no-store: /],
  ['a queue without a study', ['sweep', '--rates', '1', '--queue', 'redis://h'], /^moeprof: --queue: .* give a study\.yaml/],
  ['a worker without a queue', ['worker'], /^moeprof: --queue: is missing/],
])('refuses %s', async (_, args, message) => {
  const { code, stderr } = await moeprof(args, { cwd: folderWith('axes: { seed: [1] }\n') });
  expect([code, stderr.split('\n').length]).toEqual([2, 2]);
  expect(stderr).toMatch(message);
});
