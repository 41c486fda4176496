// Routing variants and candidates as a user meets them: flags, profiles, conversions, mistakes.
import { readFileSync, writeFileSync } from 'node:fs';
import { join, resolve } from 'node:path';
import { describe, expect, it } from 'vitest';
import { inTurn, temporaryFolder } from './moeprof.js';

const RUN = ['run', '-t', 'mini-mixtral-8x8l', '--tokens', '200', '--cache', '50%'];

/** Metrics of a run, by name. */
async function metricsOf(args: readonly string[], cwd = temporaryFolder()): Promise<Record<string, number>> {
  const { code, stderr, stdout } = await inTurn([...args, '--json'], { cwd });
  expect([stderr, code]).toEqual(['', 0]);
  const { metrics } = JSON.parse(stdout) as { metrics: Record<string, { value: number }> };
  return Object.fromEntries(Object.entries(metrics).map(([name, { value }]) => [name, value]));
}

describe('moeprof run --variant', () => {
  it('says in the table what was done, in 80 columns', async () => {
    const { code, stdout } = await inTurn([...RUN, '--variant', 'skip=0.25', '--top-k', '1']);
    expect(code).toBe(0);
    expect(stdout.replace(/\s+/g, ' ')).toMatch(
      /routing skip=0.25, top-k=1: 0.7\d experts per token and layer, 6\d.\d % of the activations saved/,
    );
    for (const line of stdout.split('\n')) expect([...line].length, line).toBeLessThanOrEqual(80);
  });

  it('is the same in a profile', async () => {
    const cwd = temporaryFolder();
    writeFileSync(
      join(cwd, 'run.yaml'),
      'trace: mini-mixtral-8x8l\nvariants: [skip=0.25, random]\nworkload: { tokens: 200 }\nmemory: { expertCache: 50% }\n',
    );
    const profile = await metricsOf(['run', 'run.yaml'], cwd);
    expect(profile).toEqual(await metricsOf([...RUN, '--variant', 'skip=0.25', '--variant', 'random']));
  });

  it('answers mistakes in one line and exit code 2', async () => {
    for (const [spec, message] of [
      ['top-z=3', '--variant: variants.0: unknown routing variant "top-z"; did you mean "top-k" or "top-p"?'],
      ['top-p=0.9', 'variant top-p=0.9: needs gate weights, which'],
      ['top-k=3', 'has 2 choices per token and layer'],
    ] as const) {
      const { code, stderr } = await inTurn([...RUN, '--variant', spec]);
      expect(stderr).toContain(message);
      expect(stderr.trimEnd().split('\n')).toHaveLength(1);
      expect(code).toBe(2);
    }
  });

  it('lists the family, and says of each where it is from', async () => {
    expect((await inTurn(['profiles', 'list', 'variant'])).stdout).toContain('variant/two-sizes');
    expect((await inTurn(['profiles', 'show', 'variant/null'])).stdout).toContain('AdaMoE, arXiv 2406.13233');
  });
});

describe('candidates', () => {
  it('are generated, refused where they do not fit, cut, and re-ranked', async () => {
    const cwd = temporaryFolder();
    const made = await inTurn(
      ['trace', 'generate', '--like', 'mini-mixtral-8x8l', '--tokens', '512', '--candidates', '8', '-o', 'wide.safetensors'],
      {
        cwd,
      },
    );
    expect([made.stderr, made.code]).toEqual(['wide.safetensors: 512 tokens in 2 requests, synthetic\n', 0]);
    const run = ['run', '-t', 'wide.safetensors', '--cache', '25%', '--scope', 'layer'];
    const plain = await inTurn(run, { cwd });
    expect(plain.code).toBe(2);
    expect(plain.stderr).toContain('keep the first choices with --variant top-k=2');
    const cut = await metricsOf([...run, '--top-k', '2'], cwd);
    const [none, some] = [await metricsOf([...run, '--rerank', '0'], cwd), await metricsOf([...run, '--rerank', '1.5'], cwd)];
    expect(none['cache.hits']).toBe(cut['cache.hits']);
    expect(some['cache.hit_rate']!).toBeGreaterThan(none['cache.hit_rate']!);
    expect(some['rerank.changed']!).toBeGreaterThan(0.05);

    const slim = await inTurn(
      ['trace', 'convert', 'wide.safetensors', '-m', 'mini-mixtral-8x8l', '--variant', 'top-k=2', '-o', 'slim.safetensors'],
      {
        cwd,
      },
    );
    expect([slim.stderr, slim.code]).toEqual(['slim.safetensors: 512 tokens, 8 layers\n', 0]);
    // A model that the trace is not of is refused, as ever.
    const wrong = await inTurn(['trace', 'convert', 'slim.safetensors', '-m', 'mixtral-8x7b', '-o', 'wrong.safetensors'], { cwd });
    expect([wrong.code, wrong.stderr]).toEqual([2, expect.stringContaining('has 8 MoE layers, mixtral-8x7b has 32')]);
    const converted = await metricsOf(['run', '-t', 'slim.safetensors', '--cache', '25%', '--scope', 'layer'], cwd);
    expect(converted['cache.hits']).toBe(cut['cache.hits']);
  });
});

describe('docs/routing.md', () => {
  const page = readFileSync(resolve(import.meta.dirname, '../../docs/routing.md'), 'utf8');

  it('shows the screen of 150 models on three machines as it is printed today', async () => {
    const command = /^ {4}moeprof (run -m coe-150x7b .*)$/m.exec(page)![1]!;
    const { stdout } = await inTurn(command.split(' '), { env: { LC_ALL: 'C.UTF-8' } });
    const screen = stdout.replace(/^(?=.)/gm, '    ');
    expect(page.includes(screen), `paste this into docs/routing.md:\n${screen}`).toBe(true);
  });
});

describe('whole models as experts', () => {
  it('are switched, and said so', async () => {
    const { stdout } = await inTurn(['run', '-m', 'coe-150x7b', '-w', 'sn40l', '--tokens', '1024']);
    expect(stdout).toMatch(/switching +16\.9 ms per model switch/);
    expect(stdout).toMatch(/footprint +40 models held, 977 within reach/);
  });
});
