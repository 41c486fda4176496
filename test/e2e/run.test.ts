// `moeprof run` from outside: the result format, determinism, flags and mistakes.
import { mkdirSync, mkdtempSync, readdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join, resolve } from 'node:path';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { toyModel } from '../cache/fixtures.js';
import { reference } from '../cache/reference.js';
import { inTurn, moeprof, temporaryFolder } from './moeprof.js';

const root = resolve(import.meta.dirname, '../..');

interface Saved {
  readonly metrics: Readonly<Record<string, { value: number } | undefined>>;
  readonly environment?: unknown;
  readonly warnings: readonly { code: string }[];
}

function metricOf(result: Saved, name: string): number | undefined {
  return result.metrics[name]?.value;
}

let folder: string;
beforeAll(() => {
  folder = mkdtempSync(join(tmpdir(), 'moeprof-run-'));
});
afterAll(() => rmSync(folder, { recursive: true, force: true }));

describe('moeprof run', () => {
  it('profiles the quick start and says that its routing is synthetic', async () => {
    const { stdout, stderr, code } = await moeprof(['run']);
    expect([stderr, code]).toEqual(['', 0]);
    expect(stdout).toContain('gpt-oss-120b');
    expect(stdout).toMatch(/synthetic/);
    for (const line of stdout.split('\n')) expect([...line].length, line).toBeLessThanOrEqual(80);
  });

  it('is byte-identical twice outside environment', async () => {
    const command = [
      'run',
      '-m',
      'gpt-oss-20b',
      '-t',
      'synthetic',
      '--tokens',
      '300',
      '--batch',
      '3',
      '-s',
      'fiddler',
      '--cache',
      '30%',
      '--json',
    ];
    const [first, second] = await Promise.all([moeprof(command), moeprof(command)]);
    const strip = (text: string): Saved => ({ ...(JSON.parse(text) as Saved), environment: undefined });
    expect(first.code).toBe(0);
    expect(JSON.stringify(strip(first.stdout))).toBe(JSON.stringify(strip(second.stdout)));
  });

  it('counts recorded routing exactly', async () => {
    const golden = resolve(root, 'test/trace/golden');
    const { routed_experts: rows } = JSON.parse(readFileSync(join(golden, 'truth.json'), 'utf8')) as { routed_experts: number[][][] };
    const events = rows.flatMap((layers) => layers.map((ids, layer) => ({ layer, ids: ids.map((id) => layer * 64 + id) })));
    const expected = reference(toyModel(new Array(12).fill(64)), events, 'lru', new Array(12).fill(16), (layer) => layer);
    const command = ['run', '-m', 'mini-finegrained-64x12l', '-t', join(golden, 'vllm_offline_routed_experts.npy'), '-s', 'on-demand-lru'];
    const { stdout, code } = await inTurn([...command, '--cache', '25%', '--scope', 'layer', '--policy', 'lru', '--json']);
    expect(code).toBe(0);
    const result = JSON.parse(stdout) as Saved;
    expect(metricOf(result, 'experts.demanded')).toBe(60 * 12 * 6);
    expect(metricOf(result, 'cache.hits')).toBe(expected.hits);
    expect(metricOf(result, 'cache.evictions')).toBe(expected.evictions);
    expect(expected.evictions).toBeGreaterThan(1000);
  });

  it('writes reports beside each other and leaves nothing else behind', async () => {
    const outputs = ['result.json', 'report.md', 'metrics.csv'].map((name) => join(folder, name));
    const { code } = await inTurn(['run', '-q', ...outputs.flatMap((path) => ['-o', path])]);
    expect(code).toBe(0);
    expect(readdirSync(folder).sort()).toEqual(['metrics.csv', 'report.md', 'result.json']);
    expect((JSON.parse(readFileSync(outputs[0]!, 'utf8')) as { schema: string }).schema).toBe('moeprof.result/1');
  });
});

describe('moeprof run as a gate', () => {
  it('runs profiles as operands of compare, and gates', async () => {
    const profile = join(folder, 'candidate.yaml');
    writeFileSync(profile, 'model: olmoe-1b-7b\nmemory: { expertCache: 40% }\nworkload: { tokens: 200 }\n');
    const base = join(folder, 'base.json');
    expect((await inTurn(['run', profile, '-q', '-o', base])).code).toBe(0);
    expect((await inTurn(['compare', base, profile, '--fail-on', 'latency.tpot.mean > +0%'])).code).toBe(0);
    const slower = join(folder, 'slower.json');
    expect((await inTurn(['run', profile, '--policy', 'fifo', '-q', '-o', slower])).code).toBe(0);
    const gate = await inTurn(['compare', base, slower, '--fail-on', 'cache.hit_rate < -1pp']);
    expect(gate.code).toBe(1);
    expect(gate.stdout).toContain('cache.hit_rate');
  });

  it('fails the run itself where an assertion does not hold', async () => {
    const { code, stderr } = await inTurn(['run', '--assert', 'cache.hit_rate >= 99%']);
    expect(code).toBe(1);
    expect(stderr).toMatch(/^failed: --assert: cache\.hit_rate: .*not >= 99%/);
  });
});

describe('moeprof run with several systems', () => {
  it('ranks them, best first, and says why the others are slower', async () => {
    const command = ['run', '-m', 'olmoe-1b-7b', '--tokens', '200', '-s', 'no-cache,all-resident,on-demand-lru', '--cache', '50%'];
    const { stdout, stderr, code } = await inTurn(command);
    expect([stderr, code]).toEqual(['', 0]);
    // Those that have a cache of their own size stand apart.
    const places = ['on-demand-lru', 'have a cache of their own', 'all-resident', 'no-cache'].map((name) => stdout.indexOf(`\n${name}`));
    expect(places).toEqual([...places].sort((a, b) => a - b));
    expect(places[0]).toBeGreaterThan(0);
    expect(stdout).toMatch(/no-cache: \+.* stall a token: -100\.0 pp hits, \+/);
    for (const line of stdout.split('\n')) expect([...line].length, line).toBeLessThanOrEqual(80);
    const json = JSON.parse((await inTurn([...command, '--json'])).stdout) as { inputs: { system: string } }[];
    expect(json.map(({ inputs }) => inputs.system)).toEqual(['all-resident', 'on-demand-lru', 'no-cache']);
  });

  it('has a row for each that cannot run, which says why; without any that can, it is a mistake', async () => {
    const cwd = temporaryFolder();
    const command = ['run', '-m', 'olmoe-1b-7b', '--tokens', '32', '-w', 'sn40l'];
    const several = await inTurn([...command, '-s', 'on-demand-lru,fiddler', '-o', 'r.csv', '-o', 'r.json', '-o', '-'], {
      cwd,
    });
    expect([several.code, several.stderr]).toEqual([0, '']);
    expect(several.stdout.replace(/\s+/g, ' ')).toMatch(
      /cannot run why ─+ fiddler profiles\/systems\/fiddler\.yaml:\d+:9: system\.onMiss: cheaper needs a CPU/,
    );
    for (const line of several.stdout.split('\n')) expect([...line].length, line).toBeLessThanOrEqual(80);
    expect(readFileSync(join(cwd, 'r.csv'), 'utf8')).toMatch(/^fiddler,sn40l,,.*moeprof run .* -s fiddler --runtime default,"?profiles/m);
    const table = await inTurn(['table', 'r.json', '--rows', 'system', '--value', 'speed.prefill'], { cwd });
    expect(table.stdout).toMatch(/^on-demand-lru +[\d.,]+/m);
    const none = await inTurn([...command, '-s', 'fiddler,hybrimoe'], { cwd });
    expect(none.code).toBe(2);
    expect(none.stderr).toMatch(/^moeprof: fiddler: profiles\/systems\/fiddler\.yaml:\d+:9: system\.onMiss: cheaper needs a CPU .*\n$/);
  });

  it('names machines where only they differ, and both where both do', async () => {
    const { stdout } = await inTurn(['run', '-m', 'olmoe-1b-7b', '--tokens', '64', '-w', 'rtx-3090,t4', '--format', 'csv']);
    expect(
      stdout
        .split('\n')
        .slice(1, 3)
        .map((row) => row.split(',')[1]),
    ).toEqual(['rtx-3090', 't4']);
  });

  it.each<[string[], RegExp]>([
    [['-s', 'fiddler,'], /--system fiddler,: has an empty name/],
    [['-s', 'fiddler,fiddler'], /names fiddler twice/],
    [['-s', 'fiddler', '-w', 't4,t5'], /--hardware: unknown hardware profile "t5": did you mean "t4"/],
    [['-s', 'fiddler,fidler'], /unknown system "fidler": did you mean "fiddler"/],
  ])('refuses %j in one line', async (args, message) => {
    const { stdout, stderr, code } = await inTurn(['run', '-m', 'olmoe-1b-7b', ...args]);
    expect([stdout, code]).toEqual(['', 2]);
    expect(stderr).toMatch(message);
  });
});

describe('paths that flags name', () => {
  it.each([[[]], [['quickstart']], [['runs/mine.yaml']], [['-m', 'mini-mixtral-8x8l']]])(
    'are relative to the working folder, whatever the profile: moeprof run %j',
    async (named) => {
      const cwd = mkdtempSync(join(folder, 'paths-'));
      mkdirSync(join(cwd, 'runs'));
      writeFileSync(join(cwd, 'runs/mine.yaml'), 'model: mini-mixtral-8x8l\nhardware: t4\n');
      const policy = `export { lru as default } from '${join(root, 'build/cache/policies/lru.js')}';\n`;
      writeFileSync(join(cwd, 'mine.mjs'), policy);
      writeFileSync(join(cwd, 'arrivals.csv'), 'arrived_at,num_prefill_tokens,num_decode_tokens\n0,4,4\n');
      const args = ['--set', 'system.onMiss=load', '--policy', './mine.mjs', '--workload', 'arrivals.csv', '--cache', '30%', '--json'];
      const { stdout, stderr, code } = await inTurn(['run', ...named, ...args], { cwd });
      expect([stderr, code]).toEqual(['', 0]);
      expect(metricOf(JSON.parse(stdout) as Saved, 'workload.requests')).toBe(1);
    },
  );
});

describe('mistakes are one line and exit 2', () => {
  it.each<[string[], RegExp]>([
    [['run', '-m', 'mixtrall-8x7b'], /^moeprof: --model: model: unknown model "mixtrall-8x7b": did you mean "mixtral-8x7b"/],
    [
      ['run', '--cache', '25'],
      /^moeprof: --cache: memory\.expertCache: "25" has no unit; write 25GiB, 25% of all experts, or 25\/layer \(slots a layer\)\n$/,
    ],
    [['run', '--cache', '140%'], /^moeprof: --cache: memory\.expertCache: "140%" is not a share/],
    [['run', '--batch', 'many'], /^moeprof: --batch: workload\.batch: /],
    [['run', '--policy', 'lruu'], /^moeprof: --policy: cache\.policy: unknown policy "lruu"; did you mean "lru"/],
    [['run', '--quantization', 'q4_x'], /^moeprof: .*q4_x/],
    [['run', '--set', 'system.cache.polcy=lru'], /^moeprof: --set system\.cache\.polcy: .*unknown key "polcy"; did you mean "policy"/],
    [['run', '--set', 'nonsense'], /^moeprof: --set nonsense: expected path=value/],
    [['run', '-t', 'no-such-file.safetensors', '-m', 'olmoe-1b-7b'], /^moeprof: no-such-file\.safetensors: .*there is no such file/],
    [
      ['run', '-m', 'olmoe-1b-7b', '-w', 'sn40l', '--on-miss', 'cpu'],
      /^moeprof: --on-miss: system\.onMiss: cpu needs a CPU beside the GPU/,
    ],
    [
      ['run', '-m', 'olmoe-1b-7b', '--trace-format', 'parqet'],
      /^moeprof: --trace-format: traceFormat: unknown trace format "parqet"; did you mean "parquet"/,
    ],
    [['run', '-o', '/no/such/folder/x.json'], /^moeprof: .*\/no\/such\/folder/],
    [['run', 'no-such-profile'], /^moeprof: unknown run profile "no-such-profile"/],
  ])('%j', async (args, message) => {
    const { stdout, stderr, code } = await inTurn(args);
    expect([stdout, code]).toEqual(['', 2]);
    expect(stderr).toMatch(message);
    expect(stderr.trim().split('\n')).toHaveLength(1);
  });

  it('refuses a truncated trace with its name', async () => {
    const path = join(folder, 'truncated.safetensors');
    writeFileSync(path, Buffer.from([200, 0, 0, 0, 0, 0, 0, 0, 123, 34]));
    const { stderr, code } = await inTurn(['run', '-m', 'olmoe-1b-7b', '-t', path]);
    expect(code).toBe(2);
    expect(stderr).toMatch(/^moeprof: .*truncated\.safetensors: /);
    expect(stderr.trim().split('\n')).toHaveLength(1);
  });
});
