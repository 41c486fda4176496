// Who is let in to a queue and what it shows: TLS with a certificate of one's own, a user for one queue, workers of another build; and
// `moeprof queue`, which looks at one and empties it.
import { execFileSync } from 'node:child_process';
import { cpSync, readFileSync, symlinkSync, writeFileSync } from 'node:fs';
import { dirname, join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { Redis } from 'ioredis';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { BIN, moeprof, temporaryFolder } from './moeprof.js';
import { type Begun, begin, freePort, isThere, killAll, SERVER, startServer } from './valkey.js';

const OPENSSL = isThere('openssl', 'version');
if (!OPENSSL) console.warn('SKIPPED: a queue with TLS, whose certificates openssl makes');

const home = temporaryFolder();
const ca = join(home, 'ca.pem');
const PASSWORD = 'word-of-ann';
const STUDY = 'set: { trace: mini-mixtral-8x8l, workload.tokens: 5, bounds: false }\naxes: { seed: [1, 2] }\n';
let tls = 0;
let plain = 0;
let redis: Redis;

function folderWith(study: string): string {
  const cwd = temporaryFolder();
  writeFileSync(join(cwd, 'study.yaml'), study);
  return cwd;
}

/** A certificate authority, and a certificate of 127.0.0.1 that it signed. */
function makeCertificates(): void {
  const openssl = (...args: string[]) => execFileSync('openssl', args, { cwd: home, stdio: 'ignore' });
  const key = ['-newkey', 'ec', '-pkeyopt', 'ec_paramgen_curve:prime256v1', '-nodes', '-days', '2'];
  writeFileSync(join(home, 'names'), 'subjectAltName=IP:127.0.0.1\n');
  openssl('req', '-x509', ...key, '-keyout', 'ca.key', '-out', 'ca.pem', '-subj', '/CN=test authority');
  openssl('req', ...key.slice(0, -2), '-keyout', 'server.key', '-out', 'server.csr', '-subj', '/CN=127.0.0.1');
  const signed = ['-CA', 'ca.pem', '-CAkey', 'ca.key', '-CAcreateserial', '-days', '2', '-extfile', 'names'];
  openssl('x509', '-req', '-in', 'server.csr', ...signed, '-out', 'server.pem');
}

async function until(what: () => boolean | Promise<boolean>): Promise<void> {
  for (let tries = 0; !(await what()); tries++) {
    if (tries > 600) throw new Error('waited for too long');
    await sleep(50);
  }
}

const stop = async ({ child, ended }: Begun) => {
  child.kill('SIGTERM');
  return ended;
};

beforeAll(async () => {
  [tls, plain] = [await freePort(), await freePort()];
  const at = (name: string): string => join(home, name);
  if (OPENSSL) makeCertificates();
  const certificate = OPENSSL && {
    'tls-cert-file': at('server.pem'),
    'tls-key-file': at('server.key'),
    'tls-ca-cert-file': ca,
    'tls-auth-clients': 'no',
  };
  await startServer(plain, { port: plain, dir: home, ...(certificate && { 'tls-port': tls, ...certificate }) });
  redis = new Redis({ port: plain });
  // As docs/studies.md has it, with a prefix of her own.
  const [rule] = /ACL SETUSER ann .*/.exec(readFileSync(new URL('../../docs/studies.md', import.meta.url), 'utf8'))!;
  await redis.call('ACL', ...rule.replace('>password', `>${PASSWORD}`).replace('~moeprof:*', '~ann:*').split(' ').slice(1));
});
afterAll(() => {
  redis?.disconnect();
  killAll();
});

describe.skipIf(SERVER === undefined)('a queue', () => {
  it.skipIf(!OPENSSL)(
    'is reached with TLS by a user who may touch nothing else',
    async () => {
      const cwd = folderWith(STUDY);
      const env = { NODE_EXTRA_CA_CERTS: ca, MOEPROF_QUEUE_PASSWORD: PASSWORD };
      const queue = ['--queue', `rediss://ann@127.0.0.1:${tls}/0`, '--queue-prefix', 'ann'];
      const worker = begin(['worker', ...queue, '-j', '1'], { cwd, env });
      const { code, stderr } = await begin(['sweep', 'study.yaml', ...queue, '-o', 'ann.csv', '-q'], { cwd, env }).ended;
      expect([code, stderr]).toEqual([0, '']);
      expect(readFileSync(join(cwd, 'ann.csv'), 'utf8').match(/,done,/g)?.length).toBe(2);
      const shown = await moeprof(['queue', 'show', ...queue, '--json'], { cwd, env });
      expect(JSON.parse(shown.stdout)).toMatchObject({ cells: [{ waiting: 0, running: 0, done: 2, failed: 0 }], sweeps: [], failures: [] });
      const emptied = await moeprof(['queue', 'empty', ...queue], { cwd, env });
      expect([emptied.code, emptied.stdout]).toEqual([
        0,
        expect.stringMatching(/^0 cells, 2 results and 0 files removed from queue ann at /),
      ]);
      expect((await stop(worker)).stderr).toMatch(/: ran 2 cells in .*, 0 failed\n$/);

      const said = await Promise.all(
        [
          [
            queue,
            { MOEPROF_QUEUE_PASSWORD: PASSWORD },
            /shows a certificate that is not trusted here; NODE_EXTRA_CA_CERTS=ca\.pem names who signed it/,
          ],
          [['--queue', `rediss://ann@localhost:${tls}/0`], env, /shows a certificate of another name; write the host as/],
          [['--queue', `redis://127.0.0.1:${tls}/0`], {}, /ends the connection; with TLS, write rediss:\/\//],
          [['--queue', `rediss://127.0.0.1:${plain}/0`], {}, /does not speak TLS there; write redis:\/\/|does not answer/],
          [queue.slice(0, 2), env, /does not let this user do what a queue needs: ~moeprof:/],
          [queue, { ...env, MOEPROF_QUEUE_PASSWORD: 'wrong-word' }, /does not let in this user with this password/],
        ].map(async ([flags, own, message]) => {
          const finished = await moeprof(['worker', '-j', '1', ...(flags as string[])], { cwd, env: own as Record<string, string> });
          return { ...finished, message: message as RegExp };
        }),
      );
      for (const { code: ended, message, stderr: told, stdout } of said) {
        expect([ended, stdout, told.split('\n').length, told.includes('wrong-word')]).toEqual([2, '', 2, false]);
        expect(told).toMatch(message);
      }
    },
    60_000,
  );
});

describe.skipIf(SERVER === undefined)('cells of a queue', () => {
  it('is shown and emptied, and never of what somebody waits for unless that is said', async () => {
    const cwd = folderWith(STUDY);
    const queue = ['--queue', `redis://127.0.0.1:${plain}/0`, '--queue-prefix', 'bob'];
    const here = (...args: string[]) => moeprof(['queue', ...args, ...queue], { cwd });
    expect((await here('show')).stdout).toMatch(/^queue bob at redis:\/\/127\.0\.0\.1:\d+\/0\n\nnothing is there\n$/);
    await redis.set('bobby:other', 'stays');
    const sweep = begin(['sweep', 'study.yaml', ...queue, '-q'], { cwd });
    await until(async () => (await redis.keys('bob:cells-*:wait')).length > 0);
    const refused = await here('empty');
    expect([refused.code, refused.stdout]).toEqual([2, '']);
    expect(refused.stderr).toMatch(/^moeprof: --queue redis:\S+: 1 sweep waits for its cells; end what waits, or say --force\n$/);
    const { stdout } = await here('show');
    expect(stdout).toMatch(/^\S+ +2 +0 +0 +0 +0$/m);
    expect(stdout).toMatch(/^! no worker is here; moeprof worker --queue redis:/m);
    sweep.child.kill('SIGKILL');
    await sweep.ended;
    // What a killed sweep says of itself is believed for a while.
    await redis.del(...(await redis.keys('bob:sweep:*')));
    const worker = begin(['worker', ...queue, '-j', '1'], { cwd });
    await until(async () => (await redis.keys('bob:result:*')).length === 2);
    await stop(worker);
    expect((await here('empty')).stderr).toMatch(/: no sweep has taken 2 results; start the sweep again to take them, or say --force\n$/);
    const emptied = await here('empty', '--force');
    expect([emptied.code, emptied.stdout]).toEqual([
      0,
      expect.stringMatching(/^0 cells, 2 results and 0 files removed from queue bob at /),
    ]);
    expect((await redis.keys('bob*')).filter((key) => key !== 'bob:workers' && key !== 'bob:sweeps')).toEqual(['bobby:other']);
  }, 60_000);

  it('leaves cells of one build to workers of that build, and both sides say so', async () => {
    // Without its sources, a copy is the published package, which is another build.
    const other = temporaryFolder();
    const root = dirname(dirname(BIN));
    for (const part of ['dist', 'bin', 'package.json', 'profiles']) cpSync(join(root, part), join(other, part), { recursive: true });
    symlinkSync(join(root, 'node_modules'), join(other, 'node_modules'));
    const cwd = folderWith(STUDY);
    const queue = ['--queue', `redis://127.0.0.1:${plain}/0`, '--queue-prefix', 'carl'];
    const sweep = begin(['sweep', 'study.yaml', ...queue], { cwd });
    await until(async () => (await redis.keys('carl:cells-*:wait')).length > 0);
    const worker = begin(['worker', ...queue, '-j', '1', '--name', 'old'], { cwd, bin: join(other, 'bin/moeprof.js') });
    const texts = { sweep: '', worker: '' };
    sweep.child.stderr!.on('data', (chunk: Buffer) => (texts.sweep += chunk.toString()));
    worker.child.stderr!.on('data', (chunk: Buffer) => (texts.worker += chunk.toString()));
    await until(() => /same version on both/.test(texts.worker) && /same version on both/.test(texts.sweep));
    expect(texts.worker).toMatch(
      /^cells of moeprof \S+\+[0-9a-f]{12} wait here, which this worker, [\d.]+, does not run; install the same version on both$/m,
    );
    expect(texts.sweep).toMatch(/^worker old is moeprof [\d.]+, which does not run cells of \S+; install the same version on both$/m);
    const { stdout } = await moeprof(['queue', 'show', ...queue], { cwd });
    expect(stdout).toMatch(/^old +0 +[\d.]+\*$/m);
    expect(stdout).toMatch(/^\S+\+[0-9a-f]{12} +2 +0 +0 +0 +0$/m);
    expect((await stop(worker)).stderr).toMatch(/: ran 0 cells in /);
    sweep.child.kill('SIGKILL');
  }, 60_000);
});
