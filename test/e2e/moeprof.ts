// Runs the built command as a user does: in a temporary folder, as a process of its own, with a clean environment.
import { type ChildProcess, fork, spawn } from 'node:child_process';
import { mkdtempSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';

/** The executable. */
export const BIN = fileURLToPath(new URL('../../bin/moeprof.js', import.meta.url));

/** Arguments of Node in front of a script: most processes end before code that the optimizing compiler makes saves what it costs. */
export const LESS_OPTIMIZED = process.versions.node.startsWith('20.') ? ['--interrupt-budget=1000000'] : [];

/** What a process left behind. */
export interface Finished {
  readonly stdout: string;
  readonly stderr: string;
  readonly code: number | null;
}

/** How to run it. */
export interface Invocation {
  /** Working folder; a fresh temporary one unless given. */
  readonly cwd?: string;
  /** Added to an environment that has only PATH, HOME and TMPDIR. */
  readonly env?: Readonly<Record<string, string>>;
  readonly stdin?: string;
}

/** A fresh temporary folder. */
export function temporaryFolder(): string {
  return mkdtempSync(join(tmpdir(), 'moeprof-e2e-'));
}

/** Runs `moeprof <arguments>` to its end. */
export function moeprof(args: readonly string[], invocation: Invocation = {}): Promise<Finished> {
  return run(process.execPath, [...LESS_OPTIMIZED, BIN, ...args], invocation);
}

/** Processes of {@link inTurn} that wait for a command. */
const waiting: ChildProcess[] = [];

/**
 * Runs `moeprof <arguments>` in a process that has run other commands before, which takes a fraction of the time: for tests of what a command
 * answers, not of how a process starts and ends. One with an environment or an input of its own gets a process of its own.
 */
export function inTurn(args: readonly string[], invocation: Invocation = {}): Promise<Finished> {
  const { cwd = temporaryFolder(), env, stdin } = invocation;
  if (env !== undefined || stdin !== undefined) return moeprof(args, invocation);
  const child = waiting.pop() ?? started();
  return new Promise((resolve, reject) => {
    const ended = (): void => reject(new Error(`moeprof ${args.join(' ')} ended its process`));
    child.once('close', ended);
    child.once('message', (finished: Finished) => {
      child.off('close', ended);
      waiting.push(child);
      resolve(finished);
    });
    child.send({ args, cwd });
  });
}

function started(): ChildProcess {
  const { HOME = '', PATH = '' } = process.env;
  return fork(new URL('in-turn.mjs', import.meta.url), {
    execArgv: LESS_OPTIMIZED,
    env: { PATH, HOME, TMPDIR: tmpdir() },
    stdio: ['ignore', 'pipe', 'pipe', 'ipc'],
  });
}

/** Runs a shell command in which `$MOEPROF` stands for the command. */
export function shell(script: string, invocation: Invocation = {}): Promise<Finished> {
  // Its input is a socket, which bash takes for a remote shell's, and reads the user's own ~/.bashrc.
  return run('/bin/bash', ['--norc', '-c', script], {
    ...invocation,
    env: { ...invocation.env, MOEPROF: [process.execPath, ...LESS_OPTIMIZED, BIN].join(' ') },
  });
}

function run(command: string, args: readonly string[], { cwd = temporaryFolder(), env = {}, stdin = '' }: Invocation): Promise<Finished> {
  return new Promise((resolve, reject) => {
    const { HOME = '', PATH = '' } = process.env;
    const child = spawn(command, args, { cwd, env: { PATH, HOME, TMPDIR: tmpdir(), ...env } });
    const out: Buffer[] = [];
    const err: Buffer[] = [];
    child.stdout.on('data', (chunk: Buffer) => out.push(chunk));
    child.stderr.on('data', (chunk: Buffer) => err.push(chunk));
    child.on('error', reject);
    // A child that does not read its input closes the pipe; that is its right.
    child.stdin.on('error', () => undefined);
    child.stdin.end(stdin);
    child.on('close', (code) => resolve({ stdout: Buffer.concat(out).toString(), stderr: Buffer.concat(err).toString(), code }));
  });
}
