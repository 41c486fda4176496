// Runs the built command as a user does: in a temporary folder, as a process of its own, with a clean environment.
import { spawn } from 'node:child_process';
import { mkdtempSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';

/** The executable. */
export const BIN = fileURLToPath(new URL('../../bin/moeprof.js', import.meta.url));

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
  return run(process.execPath, [BIN, ...args], invocation);
}

/** Runs a shell command in which `$MOEPROF` stands for the command. */
export function shell(script: string, invocation: Invocation = {}): Promise<Finished> {
  // Its input is a socket, which bash takes for a remote shell's, and reads the user's own ~/.bashrc.
  return run('/bin/bash', ['--norc', '-c', script], { ...invocation, env: { ...invocation.env, MOEPROF: `${process.execPath} ${BIN}` } });
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
