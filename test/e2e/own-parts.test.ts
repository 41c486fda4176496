// Parts of the user's own from outside: the examples of the pages wherever a name of their family may stand, and broken ones in one line.
import { mkdirSync, rmSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { exampleOf } from '../support/own-parts.js';
import { moeprof, temporaryFolder } from './moeprof.js';

const MINI = ['-m', 'mini-mixtral-8x8l', '-t', 'mini-mixtral-8x8l', '--cache', '25%', '--tokens', '100', '--no-bounds'];

let cwd: string;
beforeAll(() => {
  cwd = temporaryFolder();
  for (const part of ['second-use', 'recent', 'longest-first', 'engine-log', 'noisy-last']) exampleOf(`${part}.mjs`, cwd);
  const row = (i: number): string => Array.from({ length: 8 }, (_, layer) => `${(i + layer) % 8},${(i + layer + 3) % 8}`).join(';');
  writeFileSync(join(cwd, 'engine.log'), Array.from({ length: 40 }, (_, i) => `0 decode ${row(i)}\n`).join(''));
});
afterAll(() => rmSync(cwd, { recursive: true, force: true }));

const run = (...args: string[]) => moeprof(args, { cwd });

describe('the examples of the pages', () => {
  it('run side by side, on one thread and on two', async () => {
    const parts = ['--policy', './second-use.mjs', '--predictor', './recent.mjs:memory=0.5', '--variant', './noisy-last.mjs:share=0.1'];
    const vary = ['--vary', 'system.scheduler=fcfs,./longest-first.mjs', '--batch', '2', '--json'];
    const both = await Promise.all(['1', '2'].map((threads) => run('sweep', ...MINI, ...parts, ...vary, '-j', threads)));
    for (const { code, stderr } of both) expect([stderr, code]).toEqual(['', 0]);
    const metrics = (text: string) => (JSON.parse(text) as { points: { metrics: unknown }[] }).points.map((point) => point.metrics);
    expect(metrics(both[1]!.stdout)).toEqual(metrics(both[0]!.stdout));
  });

  it('judge, convert and read', async () => {
    const judged = await run('predict', 'eval', './recent.mjs', 'last-token', '-m', 'mini-mixtral-8x8l', '-t', 'mini-mixtral-8x8l');
    expect([judged.stderr, judged.code]).toEqual(['', 0]);
    expect(judged.stdout).toContain('./recent.mjs');
    const format = ['--trace-format', './engine-log.mjs'];
    const converted = await run('trace', 'convert', 'engine.log', ...format, '--variant', './noisy-last.mjs', '-o', 'out.jsonl');
    expect([converted.stderr, converted.code]).toEqual([expect.stringContaining('40 tokens, 8 layers'), 0]);
    const direct = await run('run', '-m', 'mini-mixtral-8x8l', '-t', './engine.log', ...format, '--cache', '25%', '--json');
    expect([direct.stderr, direct.code]).toEqual(['', 0]);
    expect((JSON.parse(direct.stdout) as { inputs: { traces: { tokens: number }[] } }).inputs.traces[0]!.tokens).toBe(40);
    expect((await run('curve', '-m', 'mini-mixtral-8x8l', '-t', './engine.log', ...format)).code).toBe(0);
  });

  it('stand in files, relative to the file that names them, and only where the files are trusted', async () => {
    mkdirSync(join(cwd, 'profiles/systems'), { recursive: true });
    writeFileSync(
      join(cwd, 'profiles/systems/own.yaml'),
      'name: own\npredictor: { kind: ../../recent.mjs, memory: 0.5 }\nscheduler: ../../longest-first.mjs\n',
    );
    const head = 'model: mini-mixtral-8x8l\nmemory: { expertCache: 25% }\nworkload: { tokens: 50 }\n';
    const profiles = {
      system: `${head}system: systems/own.yaml\n`,
      variant: `${head}variants: ../noisy-last.mjs\n`,
      format: `${head}trace: ../engine.log\ntraceFormat: ../engine-log.mjs\n`,
    };
    for (const [name, text] of Object.entries(profiles)) {
      writeFileSync(join(cwd, `profiles/${name}.yaml`), text);
      const [refused, trusted] = await Promise.all([
        run('run', `profiles/${name}.yaml`, '--no-bounds'),
        run('run', `profiles/${name}.yaml`, '--no-bounds', '--allow-code'),
      ]);
      expect([name, refused.code, refused.stderr]).toEqual([
        name,
        2,
        expect.stringMatching(/^moeprof: profiles\/.*yaml:\d+:\d+: .* is code, which no file may run; name it with --/),
      ]);
      expect([name, trusted.stderr, trusted.code]).toEqual([name, '', 0]);
    }
    const flags = await run(
      'run',
      'profiles/variant.yaml',
      '--variant',
      'noisy-last.mjs',
      '--scheduler',
      'longest-first.mjs',
      '--no-bounds',
    );
    expect([flags.stderr, flags.code]).toEqual(['', 0]);
  });
});

const POLICY = 'touch() {}, insert() {}, remove() {}';
const BROKEN: readonly (readonly [family: string, what: string, module: string, message: RegExp])[] = [
  ['policy', 'no default export', 'export const policy = 1;', /own\.mjs: there is no default export; it must be a policy definition/],
  [
    'policy',
    'a wrong victim',
    `export default { name: 'own', create: () => ({ ${POLICY}, victim: () => 7e9 }) };`,
    /victim\(\d+\) returned 7000000000, which is not a resident/,
  ],
  ['predictor', 'a syntax error', 'export default {\n  name: own"\n};\n', /own\.mjs:2:12: cannot be loaded as a predictor: SyntaxError: /],
  [
    'predictor',
    'a missing method',
    "export default { name: 'own', create: () => ({ observe() {} }) };",
    /what "create" returns lacks the method "predict"/,
  ],
  [
    'predictor',
    'no probability',
    "export default { name: 'own', create: () => ({ observe() {}, predict: (p, a, h, s) => s.fill(2) }) };",
    /predict gave 2 as the score of expert 0 of layer 0/,
  ],
  [
    'predictor',
    'a name that is taken',
    "export default { name: 'markov', create() {} };",
    /"name" is that of moeprof's own predictor markov; choose another/,
  ],
  [
    'scheduler',
    'another need',
    "export default { name: 'own', needs: ['time'], create() {} };",
    /"needs" must be a list of paths, residency; the contract is in the types of the package/,
  ],
  [
    'scheduler',
    'no passes',
    "export default { name: 'own', create: () => ({ pending: 1, add() {}, next: () => [], finished() {} }) };",
    /next returns no pass, and 1 requests are not finished/,
  ],
  [
    'trace-format',
    'no rows',
    "export default { name: 'own' };",
    /the default export lacks "rows\(file, known\)" \(a function\); the contract is in the types of the package/,
  ],
  [
    'trace-format',
    'an id that no layer has',
    "export default { name: 'own', *rows() { yield { experts: Array(8).fill([8, 1]) }; } };",
    /engine\.log: row 0: .*own\.mjs: layer 0: 8 is no expert; ids are 0 to 7/,
  ],
  ['variant', 'a throw', "export default {\n  name: 'own',\n  change: () => undefined.x,\n};", /own\.mjs:3:\d+: change threw TypeError: /],
  [
    'variant',
    'a choice twice',
    "export default { name: 'own', change: () => ({ rewrite: (source, into) => into.experts.fill(1) }) };",
    /rewrite of row 0, layer 0, wrote expert 1 twice/,
  ],
  [
    'variant',
    'an unknown parameter',
    "export default { name: 'own', parameters: { a: { default: 1, description: '' } }, change() {} };",
    /variant .*own\.mjs: unknown parameter "b"; did you mean "a"/,
  ],
];

describe('a broken one is one line, with exit code 2', () => {
  it.each(BROKEN)('%s: %s', async (family, what, module, message) => {
    const name = `${family}-${what.replaceAll(' ', '-')}-own.mjs`;
    writeFileSync(join(cwd, name), module);
    const trace = family === 'trace-format' ? ['-t', './engine.log'] : ['-t', 'mini-mixtral-8x8l'];
    const own = what.startsWith('an unknown') ? `./${name}:b=1` : `./${name}`;
    const { code, stderr, stdout } = await run(
      'run',
      '-m',
      'mini-mixtral-8x8l',
      ...trace,
      '--cache',
      '25%',
      '--tokens',
      '40',
      `--${family}`,
      own,
    );
    expect([code, stdout]).toEqual([2, '']);
    expect(stderr).toMatch(/^moeprof: [\x20-\x7e]+\n$/);
    expect(stderr).toMatch(message);
  });
});
