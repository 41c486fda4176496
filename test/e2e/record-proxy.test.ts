// `moeprof record --proxy` as a user runs it: Ctrl-C leaves a whole trace, and kill -9 nothing under its name.
import { type ChildProcess, spawn } from 'node:child_process';
import { existsSync, readdirSync } from 'node:fs';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { type TestServer, testServer } from '../record/servers.js';
import { BIN, moeprof, temporaryFolder } from './moeprof.js';

let server: TestServer;
beforeAll(async () => {
  server = await testServer();
});
afterAll(() => server.close());

/** A proxy of its own process, and its address. */
async function started(folder: string, more: readonly string[] = []) {
  const args = [BIN, 'record', '--proxy', `${server.url}/vllm`, '--listen', '127.0.0.1:0', '-o', 'out.safetensors', ...more];
  const child = spawn(process.execPath, args, { cwd: folder, stdio: ['ignore', 'pipe', 'pipe'] });
  let [stdout, stderr] = ['', ''];
  child.stdout.on('data', (part: Buffer) => (stdout += part.toString()));
  const url = await new Promise<string>((done) => {
    child.stderr.on('data', (part: Buffer) => {
      stderr += part.toString();
      const found = /^(http:\/\/127\.0\.0\.1:\d+) stands before/m.exec(stderr)?.[1];
      if (found !== undefined) done(found);
    });
  });
  return { child, url, output: () => ({ stdout, stderr }) };
}

const ask = async (url: string, prompt: string): Promise<unknown> =>
  (await fetch(`${url}/v1/completions`, { method: 'POST', body: JSON.stringify({ prompt }) })).json();

const ended = (child: ChildProcess): Promise<number | string | null> =>
  new Promise((done) => child.on('close', (code, signal) => done(code ?? signal)));

describe('record --proxy', () => {
  it('ends with Ctrl-C, and what is written is whole', async () => {
    const folder = temporaryFolder();
    const { child, output, url } = await started(folder);
    for (const prompt of ['1', '2', '3']) await ask(url, prompt);
    expect(readdirSync(folder)).toEqual([]);
    const end = ended(child);
    child.kill('SIGINT');
    expect([await end, readdirSync(folder)]).toEqual([0, ['out.safetensors']]);
    expect(output().stdout).toContain(
      'out.safetensors: 18 tokens in 3 requests, 3 layers of 14 experts, top-2; replies, recorded from Qwen/Qwen3-30B-A3B',
    );
    expect(output().stdout).toContain('12 tokens are of prompts; 3 answers recorded');
    const { code, stdout } = await moeprof(['trace', 'inspect', 'out.safetensors'], { cwd: folder });
    expect([code, /12 prompt and 6 generated tokens/.test(stdout)]).toEqual([0, true]);
  });

  it('killed leaves nothing under the name of the trace', async () => {
    const folder = temporaryFolder();
    const { child, url } = await started(folder);
    await ask(url, '1');
    const end = ended(child);
    child.kill('SIGKILL');
    expect([await end, existsSync(join(folder, 'out.safetensors'))]).toEqual(['SIGKILL', false]);
  });

  it('ends after --requests, and says on stderr what it does', async () => {
    const folder = temporaryFolder();
    const { child, output, url } = await started(folder, ['--requests', '1', '--keep-text']);
    const end = ended(child);
    await ask(url, '1');
    expect(await end).toBe(0);
    expect(output().stderr).toMatch(/stands before http:.*\/vllm; Ctrl-C ends the recording and writes out\.safetensors\n$/);
  });

  it.each([
    [['--proxy', 'localhost:1'], /^moeprof: --proxy localhost:1: is no address of a server; write e\.g\. http:\/\/localhost:30000\n$/],
    [
      ['--proxy', 'http://localhost:1', '--listen', 'a b'],
      /^moeprof: --listen a b: is no address; write e\.g\. 127\.0\.0\.1:30080, or port 0 for a free one\n$/,
    ],
    [['--proxy', 'http://localhost:1', '-o', 'a.bin'], /the ending does not tell the layout/],
    [['--proxy', 'http://localhost:1', '-o', 'no/a.safetensors'], /its folder does not exist/],
  ])('%j is one line and exit code 2', async (args, message) => {
    const { code, stderr } = await moeprof(['record', ...args, ...(args.includes('-o') ? [] : ['-o', 'a.safetensors'])]);
    expect(code).toBe(2);
    expect(stderr).toMatch(message);
  });

  it('whose port is taken is one line and exit code 2', async () => {
    const taken = server.url.replace('http://', '');
    const { code, stderr } = await moeprof(['record', '--proxy', server.url, '--listen', taken, '-o', 'a.safetensors']);
    expect([code, stderr]).toEqual([2, expect.stringMatching(/^moeprof: --listen 127\.0\.0\.1:\d+: cannot be listened to: .*\n$/)]);
  });
});
