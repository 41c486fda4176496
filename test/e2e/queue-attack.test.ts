// Who may write to a queue's server, and has not its key: forged cells, results, news and files, each on a cell of its own. No code runs, nothing
// hangs, and the study is that of one process, byte by byte. Where there is no key, nothing is sealed, and the same holds for all that contradicts
// itself or its cell.
import { execFileSync } from 'node:child_process';
import { createHash } from 'node:crypto';
import { copyFileSync, existsSync, mkdirSync, readdirSync, readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { deflateRawSync } from 'node:zlib';
import { Redis } from 'ioredis';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { canonicalJson } from '../../src/result/digest.js';
import { temporaryFolder } from './moeprof.js';
import { begin, freePort, killAll, SERVER, startServer } from './valkey.js';

const POLICY = `export default { name: 'mine', summary: 'oldest first', cites: 'ours', parameters: {}, needs: [],
  create: () => { const order = new Set(); return { touch() {}, insert: (id) => void order.add(id), remove: (id) => void order.delete(id), victim: () => order.values().next().value }; } };\n`;
const home = temporaryFolder();
const cwd = join(home, 'study');
const EVIL = `import { writeFileSync } from 'node:fs';\nwriteFileSync(${JSON.stringify(join(home, 'PWNED'))}, '');\n${POLICY.replace("'mine'", "'evil'")}`;
const sha256 = (bytes: string | Buffer): string => createHash('sha256').update(bytes).digest('hex');

let port = 0;
let redis: Redis;

/** Where a forgery is made: the keys of a queue, and one cell of it. */
interface Place {
  readonly prefix: string;
  readonly build: string;
  /** Key of the job, and the fingerprint in it. */
  readonly job: string;
  readonly name: string;
  readonly cell: Record<string, unknown> & { run: string; system: string; files: object[]; modules: { path: string; sha256: string }[] };
  /** The entry that the cell will have, and that of another one. */
  readonly entry: string;
  readonly other: string;
}

type Forgery = (place: Place) => Promise<unknown>;

/** Puts something else in the place of a cell. */
const asData =
  (data: (place: Place) => unknown): Forgery =>
  (place) =>
    redis.hset(place.job, 'data', JSON.stringify(data(place)));
const changed = (part: (place: Place) => object): Forgery => asData((place) => ({ ...place.cell, ...part(place) }));
/** Changes values inside the run of a cell. */
const ofRun = (part: object): Forgery =>
  changed(({ cell }) => ({ run: JSON.stringify({ ...JSON.parse(cell.run), ...part }), modules: [] }));
const ofSystem = (part: (system: Record<string, object>) => object): Forgery =>
  changed(({ cell }) => {
    const system = JSON.parse(cell.system);
    return { system: JSON.stringify({ ...system, ...part(system) }), modules: [] };
  });
const file = (path: string, more: object = {}): Forgery =>
  changed(({ cell }) => ({ files: [...cell.files, { path, sha256: 'a'.repeat(64), bytes: 1, ...more }] }));
const evil = { text: './evil.mjs', name: './evil.mjs', path: join(cwd, 'evil.mjs'), parameters: {} };

/** Plays a worker. */
async function publish({ build, name, prefix }: Place, data: Buffer, worker = 'forger'): Promise<void> {
  await redis.set(`${prefix}:result:${name}`, Buffer.concat([Buffer.from(` ${worker}\n`), data]));
  await news({ build, prefix } as Place, ['cell', name, 'worker', worker, 'seal', '']);
}
const news = ({ build, prefix }: Place, fields: string[]): Promise<unknown> => redis.xadd(`${prefix}:done-3-${build}`, '*', ...fields);

/** A result whose entry has this outcome, with a digest that is right. */
const outcome =
  (make: (entry: { outcome: { status: string; result: Record<string, never> } }, place: Place) => unknown): Forgery =>
  async (place) => {
    const text = canonicalJson(make(JSON.parse(place.entry), place));
    const head = { build: place.build, digest: sha256(text), fingerprint: place.name };
    const entry = `${JSON.stringify(head).slice(0, -1)},"outcome":${text},"schema":"moeprof.stored/1"}\n`;
    await publish(place, deflateRawSync(entry));
  };
const metrics = (change: (metrics: Record<string, { value: number }>) => object): Forgery =>
  outcome(({ outcome: { result, status } }) => ({ status, result: { ...result, digest: undefined, metrics: change(result.metrics!) } }));
const eachMetric = (change: (metric: { value: number }) => object): Forgery =>
  metrics((all) => Object.fromEntries(Object.entries(all).map(([name, metric]) => [name, change(metric)])));

const ESC = 'a\u001b[2J\n::error::q';

/** Each on a cell of its own. */
const FORGERIES: Readonly<Record<string, Forgery>> = {
  'a cell that claims no modules': changed(() => ({ modules: [] })),
  'a policy that lies beside the study': ofSystem(({ cache }) => ({ cache: { ...cache, policy: evil } })),
  'a policy of DRAM': ofSystem(({ dram }) => ({ dram: { ...dram, policy: evil } })),
  'a predictor': ofSystem(({ predictor }) => ({ predictor: { ...predictor, kind: evil } })),
  'a scheduler': ofSystem(({ scheduler }) => ({ scheduler: { ...scheduler, kind: evil } })),
  'a routing variant': ofRun({ variants: [evil] }),
  'a trace format': ofRun({ traceFormat: evil.path }),
  'code that claims to be trusted': changed(({ cell }) => ({
    system: cell.system.replaceAll('mine.mjs', 'evil.mjs'),
    modules: [{ path: evil.path, sha256: cell.modules[0]!.sha256 }],
  })),
  'code that travels as a file': async (place) => {
    const sha = sha256(EVIL);
    await redis.set(`${place.prefix}:file:${sha}:0`, EVIL);
    await redis.set(`${place.prefix}:file:${sha}`, JSON.stringify({ bytes: EVIL.length, chunks: 1, seal: '' }));
    await changed(({ cell }) => ({
      system: cell.system.replaceAll('mine.mjs', 'evil.mjs'),
      files: [...cell.files, { path: evil.path, sha256: sha, bytes: EVIL.length }],
      modules: [],
    }))(place);
  },
  'code in the cache of files': changed(({ cell }) => ({
    system: cell.system.replaceAll(join(cwd, 'mine.mjs'), join(home, 'cache', `${sha256(EVIL)}.mjs`)),
    modules: [],
  })),
  'a file that never ends': file('/proc/kmsg'),
  'a device': file('/dev/zero', { bytes: 0 }),
  'a pipe': file(join(cwd, 'pipe')),
  'a file outside': file('/etc/passwd'),
  'a file of a wrong name': file('/t', { sha256: '../../evil.mjs' }),
  'a file without a size': file('/t', { bytes: 1e300 }),
  'names that lead out of a folder': file('/t', { sha256: null, names: ['../../../x'] }),
  'a trace elsewhere': ofRun({ trace: ['/etc/passwd'] }),
  'a machine elsewhere': ofRun({ hardware: '/proc/self/environ' }),
  'another seed': ofRun({ seed: 999 }),
  'a prototype': changed(({ cell }) => ({ run: cell.run.replace('{', '{"__proto__":{"seed":9},"constructor":{},') })),
  'a run that is none': changed(() => ({ run: 'null' })),
  'a run that is no JSON': changed(() => ({ run: '{' })),
  'a run that nests': changed(() => ({ run: `${'['.repeat(100_000)}${']'.repeat(100_000)}` })),
  'a run without parts': changed(() => ({ run: '{}', system: '{}' })),
  'parts of the wrong kind': changed(() => ({ files: 'x', modules: null, system: 7 })),
  'the root as its folder': changed(() => ({ folder: '/' })),
  'another protocol': changed(() => ({ protocol: ESC })),
  'another build': changed(() => ({ build: ESC })),
  'another seal': changed(() => ({ seal: 'f'.repeat(64) })),
  nothing: asData(() => null),
  'a list': asData(() => []),
  'a long text': asData(() => 'x'.repeat(2 ** 20)),
  'no JSON': ({ job }) => redis.hset(job, 'data', '{broken'),
  'an outcome that is null': outcome(() => null),
  'an outcome that is a text': outcome(() => 'x'),
  'an outcome of no kind': outcome(() => ({ status: 'zzz', reason: null })),
  'no result': outcome(() => ({ status: 'done' })),
  'an empty result': outcome(() => ({ status: 'done', result: {} })),
  'a reason that is an object': outcome(() => ({ status: 'refused', reason: { a: 1 } })),
  'no metrics': metrics(() => ({})),
  'metrics that are texts': eachMetric((metric) => ({ ...metric, value: 'NaN' })),
  'negated metrics': eachMetric((metric) => ({ ...metric, value: -metric.value })),
  'metrics in another unit': eachMetric((metric) => ({ ...metric, unit: 'tokens/s' })),
  'a metric called toString': metrics((all) => ({ ...all, toString: { value: 1, unit: 'x' } })),
  'the result of another run': outcome((_, { other }) => JSON.parse(other).outcome),
  'a result that does not unpack': (place) => publish(place, Buffer.from('something else')),
  'a result that unpacks to 256 MiB': (place) => publish(place, deflateRawSync(Buffer.alloc(2 ** 28 - 10, 32))),
  'a result without a name': ({ name, prefix }) => redis.set(`${prefix}:result:${name}`, 'x'),
  'a result of a worker with an odd name': (place) => publish(place, Buffer.from('x'), ESC),
  'a list where a result belongs': ({ name, prefix }) => redis.rpush(`${prefix}:result:${name}`, 'x'),
  'news of a failure': (place) => news(place, ['cell', place.name, 'worker', 'w', 'seal', '', 'failure', 'boo']),
  'news that drives a terminal': (place) => news(place, ['cell', place.name, 'worker', ESC, 'failure', ESC, 'seal', '']),
  'news of a result that is not there': (place) => news(place, ['cell', place.name, 'worker', 'w', 'seal', '']),
  'news that the cell is to be put there again': (place) =>
    news(place, ['cell', place.name, 'worker', 'w', 'seal', '', 'failure', ESC, 'again', '1']),
  'news of nothing': (place) => news(place, ['x', 'y']),
  'a job that is no cell': ({ build, prefix }) =>
    redis
      .multi()
      .hset(`${prefix}:cells-3-${build}:../../x`, { name: 'cell', data: '{}', opts: '{}', timestamp: '1' })
      .lpush(`${prefix}:cells-3-${build}:wait`, '../../x')
      .exec(),
  'a presence that drives a terminal': ({ prefix }) =>
    redis
      .multi()
      .sadd(`${prefix}:workers`, ESC)
      .set(`${prefix}:worker:${ESC}`, JSON.stringify({ name: ESC, build: ESC, protocol: 3, running: 'x' }), 'EX', 60)
      .exec(),
};

beforeAll(async () => {
  if (SERVER === undefined) return;
  mkdirSync(join(home, 'cache'));
  mkdirSync(join(cwd, 'trusted'), { recursive: true });
  writeFileSync(join(cwd, 'mine.mjs'), POLICY);
  copyFileSync(join(cwd, 'mine.mjs'), join(cwd, 'trusted/copy.mjs'));
  writeFileSync(evil.path, EVIL);
  writeFileSync(join(home, 'cache', `${sha256(EVIL)}.mjs`), EVIL);
  writeFileSync(join(cwd, 'queue.key'), 'a key that nobody else has\n');
  execFileSync('mkfifo', [join(cwd, 'pipe')]);
  const count = Object.keys(FORGERIES).length;
  writeFileSync(
    join(cwd, 'study.yaml'),
    `set: { trace: mini-mixtral-8x8l, workload.tokens: 5, bounds: false }\naxes: { seed: 1..${count}, system.cache.policy: [./mine.mjs] }\n`,
  );
  port = await freePort();
  await startServer(port, { port, dir: home });
  redis = new Redis({ port });
  const { code, stderr } = await begin(['sweep', 'study.yaml', '--allow-code', '--store', 'alone', '-o', 'alone.csv', '-q'], { cwd }).ended;
  expect([code, stderr]).toEqual([0, '']);
}, 120_000);
afterAll(() => {
  redis?.disconnect();
  killAll();
});

const entriesIn = (store: string): string[] =>
  readdirSync(join(cwd, store), { recursive: true, encoding: 'utf8' })
    .filter((name) => name.endsWith('.json'))
    .sort();
const entryOf = (store: string, name: string): string => readFileSync(join(cwd, store, name), 'utf8');

/** The cells of a queue, once all are there. */
async function cellsOf(prefix: string, count: number): Promise<{ readonly build: string; readonly jobs: string[] }> {
  for (;;) {
    const keys = (await redis.keys(`${prefix}:cells-3-*`)).filter((key) => /:[0-9a-f]{64}$/.test(key));
    if (keys.length === count) return { build: /cells-3-([^:]+):/.exec(keys[0]!)![1]!, jobs: keys.sort() };
    await sleep(50);
  }
}

describe.skipIf(SERVER === undefined)('a queue that others write to', () => {
  it.each([
    ['with a key', ['--queue-key', 'queue.key']],
    ['without one', []],
  ])(
    'computes what one process computes, %s',
    async (how, key) => {
      const prefix = how.replaceAll(' ', '-');
      const queue = ['--queue', `redis://127.0.0.1:${port}/0`, '--queue-prefix', prefix, ...key];
      const store = `${prefix}.store`;
      const sweep = begin(['sweep', 'study.yaml', '--allow-code', ...queue, '--store', store, '-o', `${prefix}.csv`], { cwd });
      const names = Object.keys(FORGERIES);
      const { build, jobs } = await cellsOf(prefix, names.length);
      const alone = entriesIn('alone');
      for (const [at, name] of names.entries()) {
        const job = jobs[at]!;
        const fingerprint = job.slice(-64);
        const entry = (id: string): string => entryOf('alone', alone.find((path) => path.includes(id))!);
        const cell = JSON.parse((await redis.hget(job, 'data'))!);
        const other = jobs[(at + 1) % jobs.length]!.slice(-64);
        await FORGERIES[name]!({ prefix, build, job, name: fingerprint, cell, entry: entry(fingerprint), other: entry(other) });
      }
      const worker = begin(['worker', ...queue, '-j', '1', '--name', 'real', '--modules', 'trusted', '--file-cache', join(home, 'cache')], {
        cwd,
      });
      const { code, stderr } = await sweep.ended;
      worker.child.kill('SIGTERM');
      const ended = await worker.ended;
      expect([code, ended.code]).toEqual([0, 0]);
      expect(existsSync(join(home, 'PWNED'))).toBe(false);
      expect(entriesIn(store)).toEqual(alone);
      expect(alone.filter((path) => entryOf(store, path) !== entryOf('alone', path))).toEqual([]);
      expect(entryOf('.', `${prefix}.csv`)).toBe(entryOf('.', 'alone.csv'));
      for (const said of [stderr, ended.stderr]) expect(said).not.toMatch(/\u001b|^::error|internal error/m);
      const named = stderr.match(/^run [0-9a-f]{12}: refused.*$/gm) ?? [];
      expect(new Set(named.map((line) => line.slice(0, 16))).size).toBe(named.length);
      expect(named.length).toBeGreaterThan(30);
      // Its name is worth something only where there is no key.
      expect(stderr.match(/^worker forger is shut out: three of its results were refused$/gm)?.length ?? 0).toBe(key.length > 0 ? 0 : 1);
      expect(stderr.includes('is not sealed: whoever may write')).toBe(key.length === 0);
    },
    240_000,
  );

  it('shuts out a worker by name, which ends in one line', async () => {
    const queue = ['--queue', `redis://127.0.0.1:${port}/0`, '--queue-prefix', 'shut'];
    await redis.set('shut:shut:bad', '');
    const { code, stderr } = await begin(['worker', ...queue, '-j', '1', '--name', 'bad'], { cwd }).ended;
    expect(code).toBe(2);
    expect(stderr).toMatch(/^moeprof: worker bad is shut out: a sweep has refused its results time and again; .*$/m);
    expect(stderr.match(/^moeprof: /gm)?.length).toBe(1);
  }, 60_000);

  it('has the cells back of a worker that is told to end, at once', async () => {
    const prefix = 'back';
    const queue = ['--queue', `redis://127.0.0.1:${port}/0`, '--queue-prefix', prefix, '--queue-key', 'queue.key'];
    const slow = 'set: { workload.tokens: 60000, workload.output: 60000, found: all }\naxes: { seed: [1] }\n';
    writeFileSync(join(cwd, 'slow.yaml'), slow);
    const sweep = begin(['sweep', 'slow.yaml', ...queue, '--store', 'slow', '-q'], { cwd });
    const worker = begin(['worker', ...queue, '-j', '1', '--file-cache', join(home, 'cache')], { cwd });
    const { build, jobs } = await cellsOf(prefix, 1);
    const list = (name: string): Promise<string[]> => redis.lrange(`${prefix}:cells-3-${build}:${name}`, 0, -1);
    while ((await list('active')).length === 0) await sleep(20);
    worker.child.kill('SIGTERM');
    const { code, stderr } = await worker.ended;
    expect([code, await list('wait'), await list('active')]).toEqual([0, [jobs[0]!.slice(-64)], []]);
    expect(stderr).toMatch(/^takes no more cells; gives those under way back to the queue\nworker \S+: ran 0 cells in /m);
    sweep.child.kill('SIGKILL');
  }, 60_000);
});
