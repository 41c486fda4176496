// `moeprof check` from outside: a normal log, a slow one with a cause, standard input, mistakes.
import { writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { describe, expect, it } from 'vitest';
import { inTurn, temporaryFolder } from './moeprof.js';

const BOX = 'rtx-3090+ryzen-9-7950x+2xddr5-6000+64GB+pcie4x16';
const bench = (layers: number, tokens: [prompt: number, generated: number], speed: number): string =>
  JSON.stringify({
    model_filename: 'gpt-oss-120b-mxfp4.gguf',
    n_gpu_layers: 99,
    n_cpu_moe: layers,
    n_prompt: tokens[0],
    n_gen: tokens[1],
    n_depth: 0,
    avg_ts: speed,
    use_mmap: true,
  });

describe('moeprof check', () => {
  it('a normal run is told so', async () => {
    const args = ['check', '-', '-w', 'rtx-3090+ryzen-9-7950x+2xddr5-6000+128GB+pcie4x16'];
    const { code, stderr, stdout } = await inTurn(args, { stdin: bench(28, [0, 128], 30) });
    expect([code, stderr]).toEqual([0, '']);
    expect(stdout).toContain('1 run on rtx-3090+ryzen-9-7950x+2xddr5-6000+128GB+pcie4x16');
    expect(stdout.replace(/\s+/g, ' ')).toContain('as fast as comparable runs');
    for (const line of stdout.split('\n')) expect([...line].length).toBeLessThanOrEqual(80);
  });

  it('a model larger than the memory pages, and ends with 1', async () => {
    const { code, stdout } = await inTurn(['check', '-', '-w', BOX, '--no-color'], { stdin: bench(28, [0, 128], 1.7) });
    expect(code).toBe(1);
    expect(stdout.replace(/\s+/g, ' ')).toContain('slower than comparable runs');
    expect(stdout.replace(/\s+/g, ' ')).toMatch(
      /! paging, or a cold page cache: 5\d(\.\d)? GiB of weights in 5\d(\.\d)? GiB of memory for pages: .* about \d\.\d\d? tok\/s in place of/,
    );
    expect(stdout).not.toContain('\x1b');
  });

  it('gives JSON', async () => {
    const { code, stdout } = await inTurn(['check', '-', '-w', BOX, '--json'], { stdin: bench(28, [0, 128], 1.7) });
    const { runs, schema } = JSON.parse(stdout);
    expect([code, schema, runs[0].verdict, runs[0].findings[0].cause]).toEqual([1, 'moeprof.check/1', 'slow', 'paging']);
  });

  it.each([
    ['hello', /^moeprof: -: holds no timings that are known/],
    [bench(28, [0, 128], -1), /^moeprof: -:1: avg_ts: "-1" is no speed/],
    [bench(28, [0, 128], 3).replace('gpt-oss-120b', 'my-own'), /^moeprof: -:1: "my-own-mxfp4.gguf" is no bundled model; name one with -m/],
  ])('%#: a mistake ends with one line', async (stdin, message) => {
    const { code, stderr, stdout } = await inTurn(['check', '-', '-w', BOX], { cwd: temporaryFolder(), stdin });
    expect([code, stdout]).toEqual([2, '']);
    expect(stderr).toMatch(message);
    expect(stderr.trimEnd()).not.toContain('\n');
  });

  it('a file that there is not', async () => {
    const cwd = temporaryFolder();
    writeFileSync(join(cwd, 'empty.log'), '');
    for (const name of ['none.log', 'empty.log']) {
      const { code, stderr } = await inTurn(['check', name, '-w', BOX], { cwd });
      expect(code).toBe(2);
      expect(stderr).toContain(name);
    }
  });
});
