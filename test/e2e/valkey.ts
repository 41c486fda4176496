// A Valkey (or Redis) of a test's own, and commands that run on while the test goes on. Without a server's program tests of queues skip, and
// one says so; with MOEPROF_VALKEY=required (as CI sets) that one fails.
import { type ChildProcess, execFileSync, spawn } from 'node:child_process';
import { closeSync, openSync } from 'node:fs';
import { type AddressInfo, connect, createServer } from 'node:net';
import { setTimeout as sleep } from 'node:timers/promises';
import { BIN, type Finished, LESS_OPTIMIZED } from './moeprof.js';

/** The server's program; undefined: there is none. */
export const SERVER = ['valkey-server', 'redis-server'].find((name) => isThere(name, '--version'));

/** True where a program can be run. */
export function isThere(name: string, ...args: readonly string[]): boolean {
  try {
    execFileSync(name, args, { stdio: 'ignore' });
    return true;
  } catch {
    return false;
  }
}

const children = new Set<ChildProcess>();

/** Ends all that is still running: of a test that failed. */
export function killAll(): void {
  for (const child of children) child.kill('SIGKILL');
}

/** A port that nobody listens on. */
export async function freePort(): Promise<number> {
  const probe = createServer();
  await new Promise<void>((resolve) => probe.listen(0, '127.0.0.1', resolve));
  const { port } = probe.address() as AddressInfo;
  await new Promise((resolve) => probe.close(resolve));
  return port;
}

/** Starts a server, and waits until it listens. @param options as its command line has them */
export async function startServer(port: number, options: Readonly<Record<string, string | number>>): Promise<ChildProcess> {
  const all = { bind: '127.0.0.1', save: '', ...options };
  const server = spawn(
    SERVER!,
    Object.entries(all).flatMap(([name, value]) => [`--${name}`, String(value)]),
    { stdio: 'ignore' },
  );
  children.add(server);
  for (let tries = 0; tries < 100; tries++) {
    const there = await new Promise<boolean>((resolve) => {
      const socket = connect(port, '127.0.0.1');
      socket.on('connect', () => resolve(true)).on('error', () => resolve(false));
      socket.on('connect', () => socket.destroy());
    });
    if (there) return server;
    await sleep(50);
  }
  throw new Error('the server does not start');
}

/**
 * A way to a server that cuts its first connections, each in the middle of what the server answers.
 * @param after bytes of answers after which each connection is cut; later connections last
 * @returns the port to reach the server through, and how many connections were cut
 */
export async function cuttingProxy(port: number, after: readonly number[]): Promise<{ readonly port: number; cuts(): number }> {
  let begun = 0;
  let cuts = 0;
  const proxy = createServer((near) => {
    const last = after[begun++] ?? Number.POSITIVE_INFINITY;
    const far = connect(port, '127.0.0.1');
    let answered = 0;
    far.on('data', (bytes) => {
      near.write(bytes.subarray(0, last - answered));
      answered += bytes.length;
      if (answered < last) return;
      cuts++;
      near.end();
      far.destroy();
    });
    near.on('data', (bytes) => far.write(bytes));
    for (const [one, other] of [
      [near, far],
      [far, near],
    ] as const)
      one.on('error', () => undefined).on('close', () => other.end());
  });
  await new Promise<void>((resolve) => proxy.listen(0, '127.0.0.1', resolve));
  proxy.unref();
  return { port: (proxy.address() as AddressInfo).port, cuts: () => cuts };
}

/** A command that runs on. */
export interface Begun {
  readonly child: ChildProcess;
  readonly ended: Promise<Finished>;
}

/** How a command is begun. */
interface Beginning {
  readonly cwd: string;
  readonly env?: Readonly<Record<string, string>>;
  /** A file that only this process has a name of: /dev/fd/3. */
  readonly file?: string | undefined;
  /** The program; this build's unless given. */
  readonly bin?: string;
}

/** Begins `moeprof <arguments>`. */
export function begin(args: readonly string[], { bin = BIN, cwd, env = {}, file }: Beginning): Begun {
  const fd = file === undefined ? null : openSync(file, 'r');
  const stdio = ['ignore', 'pipe', 'pipe', ...(fd === null ? [] : [fd])] as const;
  const child = spawn(process.execPath, [...LESS_OPTIMIZED, bin, ...args], {
    cwd,
    env: { PATH: process.env.PATH ?? '', HOME: cwd, ...env },
    stdio: [...stdio],
  });
  if (fd !== null) closeSync(fd);
  children.add(child);
  const texts = [child.stdout!, child.stderr!].map((stream) => {
    const chunks: Buffer[] = [];
    stream.on('data', (chunk: Buffer) => chunks.push(chunk));
    return () => Buffer.concat(chunks).toString();
  });
  const ended = new Promise<Finished>((resolve) => {
    child.on('close', (code) => resolve({ code, stdout: texts[0]!(), stderr: texts[1]!() }));
  });
  return { child, ended };
}
