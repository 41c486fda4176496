// `moeprof record --proxy` as a user runs it: Ctrl-C leaves a whole trace, and kill -9 nothing under its name, but the answers beside it.
import { type ChildProcess, spawn } from 'node:child_process';
import { readdirSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { ROWS, type TestServer, testServer } from '../record/servers.js';
import { BIN, moeprof, temporaryFolder } from './moeprof.js';

const MOMENTS = Number(process.env.MOEPROF_MOMENTS ?? 1);
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
    expect(readdirSync(folder)).toEqual(['out.safetensors.part.jsonl']);
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

  // Moments spread over the traffic; MOEPROF_MOMENTS=20 tries as many.
  it.each(Array.from({ length: MOMENTS }, (_, at) => Math.ceil((1000 * (at + 1)) / MOMENTS)))(
    'killed after %i answers leaves them all, and nothing under the name of the trace',
    async (answers) => {
      const folder = temporaryFolder();
      const { child, url } = await started(folder);
      const end = ended(child);
      let got = 0;
      const client = async (): Promise<void> => {
        while (got < answers) {
          await ask(url, String(got % 9));
          if (++got === answers) child.kill('SIGKILL');
        }
      };
      await Promise.allSettled(Array.from({ length: 4 }, client));
      expect([await end, readdirSync(folder)]).toEqual(['SIGKILL', ['out.safetensors.part.jsonl']]);
      const again = await moeprof(['record', '--proxy', server.url, '-o', 'out.safetensors'], { cwd: folder });
      expect([again.code, again.stderr]).toEqual([
        2,
        'moeprof: out.safetensors.part.jsonl: holds a recording that did not end; make a trace of it ' +
          '(moeprof trace convert out.safetensors.part.jsonl -o NAME.safetensors), then remove it\n',
      ]);
      expect(await moeprof(['trace', 'convert', 'out.safetensors.part.jsonl', '-o', 'out.jsonl'], { cwd: folder })).toMatchObject({
        code: 0,
      });
      const rows = new Map<number, number>();
      for (const line of readFileSync(join(folder, 'out.jsonl'), 'utf8').trimEnd().split('\n').slice(1)) {
        const { request } = JSON.parse(line) as { request: number };
        rows.set(request, (rows.get(request) ?? 0) + 1);
      }
      // Answers that no client has got may be there, too, the last of them in part.
      expect(rows.size).toBeGreaterThanOrEqual(got);
      expect(new Set([...rows.values()].slice(0, got))).toEqual(new Set([ROWS]));
    },
  );

  it('ends after --requests, and says on stderr what it does', async () => {
    const folder = temporaryFolder();
    const { child, output, url } = await started(folder, ['--requests', '1', '--keep-text']);
    const end = ended(child);
    await ask(url, '1');
    expect(await end).toBe(0);
    expect(output().stderr).toMatch(/stands before http:.*\/vllm; Ctrl-C ends the recording and writes out\.safetensors\n$/);
  });
});

describe('record --proxy refuses', () => {
  it.each([
    [['--proxy', 'localhost:1'], /^moeprof: --proxy localhost:1: is no address of a server; write e\.g\. http:\/\/localhost:30000\n$/],
    [
      ['--proxy', 'http://localhost:1', '--listen', 'a b'],
      /^moeprof: --listen a b: is no address; write e\.g\. 127\.0\.0\.1:30080, or port 0 for a free one\n$/,
    ],
    [['--proxy', 'http://localhost:1/v1?key=a'], /is no address of a server/],
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
