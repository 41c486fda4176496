// The hub on a hostile network. Each fault is one line, exit code 2, in little time and memory, and no byte reaches another server.
import { execFileSync, spawn } from 'node:child_process';
import { mkdirSync, readdirSync, readFileSync, rmSync, symlinkSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { begun, FAULTS, lists, pages } from './hub-faults.js';
import { entry, HEAD, HostileHub, json, type Lies, part } from './hub-hostile.js';
import { BIN, LESS_OPTIMIZED, temporaryFolder } from './moeprof.js';

const hub = new HostileHub();
beforeAll(() => hub.start());
afterAll(() => hub.stop());

/** Told by the process itself as it ends: its use of the machine, and each `host:port` that it connected to. */
interface Probe {
  /** Microseconds. */
  readonly userCPUTime: number;
  readonly systemCPUTime: number;
  /** KiB. */
  readonly maxRSS: number;
  readonly connected: readonly string[];
}

const probe = join(temporaryFolder(), 'probe.cjs');
writeFileSync(
  probe,
  `const { Socket } = require('node:net');
  const { connect } = Socket.prototype;
  const connected = new Set();
  Socket.prototype.connect = function (...args) {
    const { host, port } = [args[0]].flat()[0];
    if (port !== undefined) connected.add(host + ':' + port);
    return connect.apply(this, args);
  };
  if (require('node:worker_threads').isMainThread)
    process.on('exit', () => require('node:fs').writeSync(3, JSON.stringify({ ...process.resourceUsage(), connected: [...connected] })));`,
);

interface Finished {
  readonly code: number | null;
  readonly stdout: string;
  readonly stderr: string;
  readonly probe: Probe;
}

/** Runs a command against the hub; it is killed after half a minute. */
function run(args: readonly string[], cache: string, env: Readonly<Record<string, string>> = {}): Promise<Finished> {
  const own = { HF_ENDPOINT: `http://${hub.host}`, HF_TOKEN: 'secret-token', XDG_CACHE_HOME: cache };
  const all = { PATH: process.env.PATH, HOME: cache, NODE_OPTIONS: `--require=${probe}`, ...own, ...env };
  const child = spawn(process.execPath, [...LESS_OPTIMIZED, BIN, ...args], {
    env: all,
    cwd: cache,
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
      const [stdout, stderr, told] = texts.map((text) => text());
      resolve({ code, stdout: stdout!, stderr: stderr!, probe: JSON.parse(told!) as Probe });
    });
  });
}

/** Checks what every fault has to be. */
function expectOneLine({ code, probe, stderr, stdout }: Finished, says: RegExp): void {
  expect([code, stdout], stderr).toEqual([2, '']);
  expect(stderr).toMatch(/^moeprof: [^\p{C}]{1,500}\n$/u);
  expect(stderr).toMatch(says);
  expect(stderr).not.toContain('secret-token');
  expect(probe.maxRSS * 1024, stderr).toBeLessThan(200e6);
  expect(probe.userCPUTime + probe.systemCPUTime, stderr).toBeLessThan(2e6);
  expect(probe.connected.filter((place) => place !== hub.host)).toEqual([]);
  expect(hub.strangers).toBe(0);
}

describe('a server that answers', () => {
  it.each(FAULTS)('$name in the place of $of is one line', async ({ lies, of, says }) => {
    hub.lies = lies;
    const cache = temporaryFolder();
    const patience: Record<string, string> = says.source.includes('did not answer') ? { HF_HUB_DOWNLOAD_TIMEOUT: '0.5' } : {};
    expectOneLine(await run(['model', 'inspect', of === 'a list' ? 'hf:o/r:q4_k_m' : 'hf:o/r'], cache, patience), says);
    expect(readdirSync(cache, { recursive: true }).filter((name) => String(name).endsWith('.tmp'))).toEqual([]);
  });

  it.each([
    ['HF_ENDPOINT', 'ftp://x', /HF_ENDPOINT: expected an address/],
    ['HF_ENDPOINT', 'http://user:secret-token@x', /HF_ENDPOINT: expected an address/],
    ['HF_ENDPOINT', 'http://x/?a=', /HF_ENDPOINT: expected an address/],
    ['HF_TOKEN', 'secret-token\nX: y', /HF_TOKEN: expected a token of printable characters/],
    ['HF_HUB_DOWNLOAD_TIMEOUT', '-1', /HF_HUB_DOWNLOAD_TIMEOUT: expected seconds/],
  ])('is not asked with %s=%s', async (name, value, says) => {
    hub.lies = {};
    expectOneLine(await run(['model', 'inspect', 'hf:o/r'], temporaryFolder(), { [name]: value }), says);
  });
});

it('pages that each come a little late are given up together', async () => {
  hub.lies = { list: (asked) => void setTimeout(() => pages(1, (i) => `${i}.txt`)(asked), 50) };
  const late = await run(['model', 'inspect', 'hf:o/r'], temporaryFolder(), { HF_HUB_DOWNLOAD_TIMEOUT: '0.1' });
  expectOneLine(late, /did not answer (all that was asked for )?within \d\.\d s/);
});

describe('a sound server', () => {
  it.each<[string, Lies]>([
    ['of one page', {}],
    [
      'whose links are those of the hub, as mirrors pass them on',
      {
        list: (asked) => {
          const next = { link: '<https://huggingface.co/api/models/o/r/tree/x?recursive=true&cursor=1>; rel="next"' };
          json(asked, asked.cursor === 0 ? [entry('README.md', 5)] : [entry('tiny-Q8_0.gguf')], asked.cursor === 0 ? next : {});
        },
      },
    ],
    [
      'that names no size of a file in its answers',
      { file: (asked) => begun(asked).response.end(Buffer.concat([HEAD, Buffer.alloc(262_144 - HEAD.length)])) },
    ],
    ['that closes each connection', { file: (asked) => part({ ...asked, response: asked.response.setHeader('connection', 'close') }) }],
    ['with files of odd names', { list: lists(entry('\u{1f469}\u200d\u{1f680} #1?.txt', 5), entry('100% \u00e9/tiny-Q8_0.gguf')) }],
  ])('%s is read', async (_, lies) => {
    hub.lies = lies;
    const { code, probe, stderr, stdout } = await run(['model', 'inspect', 'hf:o/r'], temporaryFolder());
    expect([code, stderr]).toEqual([0, '']);
    expect(stdout).toContain('Tiny Mix');
    expect(probe.connected).toEqual([hub.host]);
  });
});

describe('an entry of the cache', () => {
  const INSPECT = ['model', 'inspect', 'hf:o/r'];
  const READ = ['run', '--set', 'model=hf:o/r', '--tokens', '20', '-q'];
  /** A cache with an entry, and its path. */
  const filled = async (): Promise<{ readonly cache: string; readonly path: string }> => {
    hub.lies = {};
    const cache = temporaryFolder();
    expect((await run(INSPECT, cache)).stderr).toBe('');
    const name = readdirSync(cache, { recursive: true, encoding: 'utf8' }).find((one) => one.endsWith('.json'))!;
    return { cache, path: join(cache, name) };
  };

  it.each<[string, RegExp, (path: string, whole: string) => void]>([
    ['a pipe', /is a pipe, not a file; delete it/, (path) => execFileSync('mkfifo', [path])],
    ['a link to /dev/zero', /is a device, not a file; delete it/, (path) => symlinkSync('/dev/zero', path)],
    ['nothing', /is not JSON; delete it/, (path) => writeFileSync(path, '')],
    ['half of itself', /is not JSON; delete it/, (path, whole) => writeFileSync(path, whole.slice(0, 500))],
    [
      'of another address',
      /is not what this version of moeprof stores; delete it/,
      (path, whole) => writeFileSync(path, whole.replace('"hf:o/r"', '"hf:o/x"')),
    ],
    [
      'of the year 99999',
      /is not what this version of moeprof stores; delete it/,
      (path, whole) => writeFileSync(path, whole.replace(/"fetched":"\d+/, '"fetched":"99999')),
    ],
    ['of 9 MiB', /more than an entry of the hub cache may have/, (path) => writeFileSync(path, ' '.repeat(9 * 2 ** 20))],
  ])('that is %s is named, and fetched again', async (_, says, damage) => {
    const { cache, path } = await filled();
    const whole = readFileSync(path, 'utf8');
    rmSync(path);
    damage(path, whole);
    expectOneLine(await run(READ, cache), says);
    const again = await run(INSPECT, cache);
    expect([again.code, again.stderr]).toEqual([0, '']);
    expect((await run(READ, cache)).code).toBe(0);
  });

  it('that is a folder is named', async () => {
    const { cache, path } = await filled();
    rmSync(path);
    mkdirSync(path);
    expectOneLine(await run(READ, cache), /is a folder, not a file; delete it/);
    expectOneLine(await run(INSPECT, cache), /cannot be written: it is a folder/);
  });

  it('is of one server', async () => {
    const { cache } = await filled();
    const other = await run(READ, cache, { HF_ENDPOINT: `http://${hub.host}/mirror` });
    expectOneLine(other, /hf:o\/r: has not been fetched yet/);
  });
});
