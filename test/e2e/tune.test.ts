// Ctrl-C and a kill in the middle of `advise --tune`: the benchmark ends too, what was measured is kept, and the next call goes on from there.
import { spawn } from 'node:child_process';
import { existsSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { fileURLToPath } from 'node:url';
import { describe, expect, it } from 'vitest';
import { BIN, moeprof, temporaryFolder } from './moeprof.js';

const BENCH = fileURLToPath(new URL('../support/scripted-bench.mjs', import.meta.url));
const ASKED = ['advise', 'qwen3-30b-a3b', '-w', 'rtx-3060+ryzen-5-5600+2xddr4-3200+32GB', '--quantizations', 'q4_k_m', '-q'];
const tune = [...ASKED, '--tune', `'${process.execPath}' '${BENCH}' -m x.gguf`];

const RULE = { calls: 'calls.txt', slow: '-ub 2048' };

const linesOf = (path: string): string[] => (existsSync(path) ? readFileSync(path, 'utf8').trimEnd().split('\n') : []);
/** False for a process that has ended, too, while nobody has asked for its end (a zombie). */
const isRunning = (id: number): boolean => {
  try {
    return !/^\d+ \(.*\) Z/.test(readFileSync(`/proc/${id}/stat`, 'utf8'));
  } catch {
    return false;
  }
};

/** Ends the command in its second run of the benchmark. @returns its exit, and the number of the benchmark's process */
async function ended(cwd: string, signal: 'SIGINT' | 'SIGKILL') {
  // The engine is slower with the first setting than predicted, and hangs with the second.
  const env = { PATH: process.env.PATH, HOME: cwd, BENCH: JSON.stringify({ ...RULE, ids: 'ids.txt', hangsAt: 2 }) };
  const child = spawn(process.execPath, [BIN, ...tune], { cwd, env, stdio: 'ignore' });
  const close = new Promise<number | string | null>((resolve) => void child.on('close', (code, by) => resolve(by ?? code)));
  while (linesOf(join(cwd, 'ids.txt')).length < 2 && child.exitCode === null) await sleep(50);
  child.kill(signal);
  return { exit: await close, bench: Number(linesOf(join(cwd, 'ids.txt'))[1]) };
}

describe('a search that is ended', { timeout: 240_000 }, () => {
  it.each(['SIGINT', 'SIGKILL'] as const)('by %s keeps what was measured, and goes on', async (signal) => {
    const cwd = temporaryFolder();
    const { bench, exit } = await ended(cwd, signal);
    expect([signal, 130]).toContain(exit);
    if (signal === 'SIGINT') expect(isRunning(bench)).toBe(false);
    else if (isRunning(bench)) process.kill(bench, 'SIGKILL');
    const first = linesOf(join(cwd, 'calls.txt'));
    expect(readFileSync(join(cwd, 'moeprof-machine.yaml'), 'utf8').match(/ {2}- eval64 /g)).toHaveLength(1);
    const { code, stderr } = await moeprof(tune, { cwd, env: { BENCH: JSON.stringify(RULE) } });
    expect({ code, stderr }).toEqual({ code: 0, stderr: '' });
    const calls = linesOf(join(cwd, 'calls.txt'));
    // The first is not run again, the one that was ended is.
    expect(calls.filter((line) => line === first[0])).toHaveLength(1);
    expect(calls.filter((line) => line === first[1])).toHaveLength(2);
  });
});

describe('a server that is run', { timeout: 240_000 }, () => {
  it.each(['SIGINT', 'SIGKILL'] as const)('ends with %s, and the run without a cache is kept', async (signal) => {
    const cwd = temporaryFolder();
    const server = fileURLToPath(new URL('../support/llama-server.mjs', import.meta.url));
    const asked = ['advise', 'olmoe-1b-7b', '-w', 'rtx-3060+ryzen-5-5600+2xddr4-3200+32GB', '--quantizations', 'bf16', '-q'];
    const words = [...asked, '--tune', `'${process.execPath}' '${server}' -m x.gguf`];
    const env = { PATH: process.env.PATH, HOME: cwd, SERVER: JSON.stringify({ ids: 'ids.txt', hang: '--moe-cache-mib' }) };
    const child = spawn(process.execPath, [BIN, ...words], { cwd, env, stdio: 'ignore' });
    const close = new Promise<number | string | null>((resolve) => void child.on('close', (code, by) => resolve(by ?? code)));
    const ids = join(cwd, 'ids.txt');
    while (linesOf(ids).length < 2 && child.exitCode === null) await sleep(50);
    await sleep(1000);
    child.kill(signal);
    expect([signal, 130]).toContain(await close);
    const last = Number(linesOf(ids)[1]);
    if (signal === 'SIGINT') expect(isRunning(last)).toBe(false);
    else if (isRunning(last)) process.kill(last, 'SIGKILL');
    expect(readFileSync(join(cwd, 'moeprof-machine.yaml'), 'utf8').match(/ {2}- eval128 /g)).toHaveLength(1);
  });
});
