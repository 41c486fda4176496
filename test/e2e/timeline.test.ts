// `moeprof run --timeline` and `-o speedscope=` from outside: files that viewers open, figures that are the result's, mistakes in one line.
import { spawn } from 'node:child_process';
import { readdirSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { gunzipSync } from 'node:zlib';
import { describe, expect, it } from 'vitest';
import { TRANSFER_KINDS } from '../../src/timeline/kinds.js';
import { type Parsed, parseTimeline, totalNs } from '../timeline/parse.js';
import { BIN, inTurn, shell, temporaryFolder } from './moeprof.js';

interface Saved {
  readonly metrics: Readonly<Record<string, { readonly value: number } | undefined>>;
}

const SHORT = ['-t', 'synthetic', '--tokens', '96', '--set', 'workload.prompt=8', '--set', 'workload.output=40'];
const RUN = ['run', '-m', 'olmoe-1b-7b', '-w', 'rtx-3090', '-s', 'pre-gated-moe', '--cache', '25%', ...SHORT];

/** Runs, and holds every figure of the timeline against the result. */
async function drawn(args: readonly string[]): Promise<{ parsed: Parsed; result: Saved; stderr: string }> {
  const cwd = temporaryFolder();
  const { code, stderr } = await inTurn([...args, '--timeline', 'run.json.gz', '-o', 'result.json', '--progress', 'never'], { cwd });
  expect([code, stderr]).toEqual([0, expect.stringMatching(/^run\.json\.gz: [\d,]+ events; open it in https:\/\/ui\.perfetto\.dev /)]);
  expect(readdirSync(cwd).sort()).toEqual(['result.json', 'run.json.gz']);
  const parsed = parseTimeline(gunzipSync(readFileSync(join(cwd, 'run.json.gz'))).toString());
  const result = JSON.parse(readFileSync(join(cwd, 'result.json'), 'utf8')) as Saved;
  const of = (name: string): number => result.metrics[name]!.value;
  // Several GPUs do the dense work together, and wait while they exchange activations; the result tells the mean over them.
  const gpus = [...parsed.groups.values()].filter((name) => /^GPU( \d+)?$/.test(name)).length;
  for (const [category, exact] of [
    ['dense', of('time.dense')],
    ['expert', of('time.compute')],
    ['stall', of('time.stall') + (result.metrics['time.all_to_all']?.value ?? 0)],
  ] as const) {
    const total = totalNs(parsed, (slice) => slice.category === category);
    expect(Math.abs(total - gpus * exact), category).toBeLessThanOrEqual(0.51 * gpus);
  }
  const moved = parsed.slices.filter(({ category, args }) => category.startsWith('transfer') && 'bytes' in args);
  const both = (what: string): number =>
    ['h2d', 'ssd'].reduce((sum, link) => sum + (result.metrics[`transfer.${link}.${what}`]?.value ?? 0), 0);
  expect(moved.length).toBe(both('count'));
  expect(moved.reduce((sum, { args }) => sum + Number(args.bytes), 0)).toBe(both('bytes'));
  for (const fate of ['useful', 'late', 'wasted', 'pending']) {
    const seen = moved.filter(({ category }) => category === `transfer,prefetch,${fate}`).length;
    expect(seen, fate).toBe(result.metrics[`prefetch.${fate}`]?.value ?? 0);
  }
  return { parsed, result, stderr };
}

describe('moeprof run --timeline', () => {
  it('draws a run whose figures are those of the result', async () => {
    const { parsed } = await drawn(RUN);
    expect(parsed.flows.length).toBeGreaterThan(100);
    expect(parsed.about).toMatchObject({ tool: expect.stringMatching(/^moeprof /), model: 'olmoe-1b-7b', system: 'pre-gated-moe' });
  });

  it.each([
    ['a phone', ['run', '-m', 'olmoe-1b-7b', '-w', 'phone-ufs4', '--cache', '20%', ...SHORT]],
    ['three tiers', [...RUN, '--set', 'memory.dramCache=2GiB', '--predictor', 'transition']],
    ['the CPU beside the GPU', ['run', '-m', 'olmoe-1b-7b', '-w', 'rtx-3090', '-s', 'fiddler', '--cache', '25%', ...SHORT]],
    ['eight GPUs', ['run', '-m', 'olmoe-1b-7b', '-w', '8x-h100-80g', '-s', 'expertflow', '--cache', '25%', '--batch', '4', ...SHORT]],
    [
      'lanes that are lost and come back',
      [
        ...[...RUN, '--set', 'hardware.links.h2d.lanes=2', '--predictor', 'transition'],
        ...['--fault', 'at=20ms,link=h2d,lanes=-1,until=40ms', '--fault', 'at=103ms,link=h2d,lanes=-1,until=150ms'],
      ],
    ],
    ['prompts and arrivals', [...RUN, '--workload', 'poisson:rate=4', '--requests', '4', '--predictor', 'transition']],
  ])('draws %s', async (_name, args) => {
    await drawn(args);
  });

  it('draws recorded routing', async () => {
    const args = ['run', '-t', 'mini-finegrained-64x12l', '-w', 'rtx-4090', '-s', 'expertflow', '--cache', '30%', '--tokens', '200'];
    const { parsed } = await drawn(args);
    expect(parsed.events.length).toBeGreaterThan(10_000);
  });

  it('changes nothing in the result, and gives the same file twice', async () => {
    const cwd = temporaryFolder();
    const strip = (text: string) => ({ ...(JSON.parse(text) as Saved), environment: undefined });
    const plain = await inTurn([...RUN, '--json'], { cwd });
    const first = await inTurn([...RUN, '--json', '--timeline', 'a.json.gz'], { cwd });
    const second = await inTurn([...RUN, '--json', '--timeline', 'b.json.gz'], { cwd });
    expect(strip(first.stdout)).toEqual(strip(plain.stdout));
    expect(second.code).toBe(0);
    expect(readFileSync(join(cwd, 'a.json.gz')).equals(readFileSync(join(cwd, 'b.json.gz')))).toBe(true);
  });
});

describe('a timeline and its file', () => {
  it('draws a window, plain where the name says so', async () => {
    const cwd = temporaryFolder();
    const run = await inTurn([...RUN, '-q', '-o', 'r.json', '--timeline', 'part.json', '--timeline-window', 'pass:10..12'], { cwd });
    expect([run.code, run.stderr]).toEqual([0, '']);
    const parsed = parseTimeline(readFileSync(join(cwd, 'part.json'), 'utf8'));
    expect(parsed.slices.filter(({ category }) => category === 'pass').map(({ name }) => name)).toEqual(['pass 10', 'pass 11', 'pass 12']);
    const beyond = await inTurn([...RUN, '--timeline', 'none.json', '--timeline-window', '10min..'], { cwd });
    expect(beyond.stderr).toMatch(/^none\.json: 0 events: the run ends before the window begins, after [\d.]+ m?s\n$/);
  });

  it.each<[string[], RegExp]>([
    [['--timeline', '.'], /^moeprof: --timeline \.: viewers know it by its ending; write run\.json\.gz, or \.json\n$/],
    [['--timeline', 'run.txt'], /^moeprof: --timeline run\.txt: viewers know it by its ending; write run\.txt\.json\.gz, or \.json\n$/],
    [
      ['--timeline', 'no/such/run.json.gz'],
      /^moeprof: no\/such\/run\.json\.gz: cannot be written: its folder does not exist; create it first\n$/,
    ],
    [['--timeline-window', '1s..2s'], /^moeprof: --timeline-window 1s\.\.2s: of what\? add --timeline <file\.json\.gz>\n$/],
    [
      ['--timeline', 'run.json', '--timeline-window', '1..2'],
      /^moeprof: --timeline-window 1\.\.2: '1' has no unit; write 1ms, or pass:1\.\. for a pass\n$/,
    ],
    [
      ['--timeline', './run.json', '-o', 'run.json'],
      /^moeprof: --timeline \.\/run\.json: is given to -o too; write each to its own path\n$/,
    ],
    [['--timeline', 'run.json', '-o', 'run.json'], /^moeprof: --timeline run\.json: is given to -o too; write each to its own path\n$/],
    [
      ['--timeline', 'run.json', '--repeat', '3'],
      /^moeprof: --timeline: drawing takes time, which --repeat measures; leave one of them out\n$/,
    ],
    [
      ['--timeline', 'run.json', '-s', 'fiddler,no-cache'],
      /^moeprof: --timeline: shows one run, not several; name one system and one machine\n$/,
    ],
    [['--timeline', 'run.json', '-o', 'no/such.md'], /^moeprof: no\/such\.md: cannot be written: /],
  ])('refuses %j in one line and leaves nothing behind', async (args, message) => {
    const cwd = temporaryFolder();
    const { stdout, stderr, code } = await inTurn([...RUN, ...args], { cwd });
    expect([stdout, code]).toEqual(['', 2]);
    expect(stderr).toMatch(message);
    expect(readdirSync(cwd)).toEqual([]);
  });

  it('leaves nothing behind when it is interrupted', async () => {
    const cwd = temporaryFolder();
    const args = [BIN, ...RUN.map((one) => (one === '96' ? '200000' : one)), '--timeline', 'run.json.gz', '--progress', 'never'];
    const child = spawn(process.execPath, args, { cwd });
    const ended = new Promise<number | null>((done) => child.on('close', done));
    // Until the unfinished file has some of the run in it.
    while (readdirSync(cwd, { withFileTypes: true }).length === 0) await new Promise((wait) => setTimeout(wait, 50));
    await new Promise((wait) => setTimeout(wait, 500));
    child.kill('SIGINT');
    expect(await ended).toBe(130);
    expect(readdirSync(cwd)).toEqual([]);
  });
});

describe('moeprof run -o speedscope=', () => {
  it('writes flame graphs, also of a result that was saved with its details', async () => {
    const cwd = temporaryFolder();
    const run = await inTurn([...RUN, '-q', '--details', '-o', 'speedscope=flame.json', '-o', 'result.json'], { cwd });
    expect([run.code, run.stderr]).toEqual([0, '']);
    const again = await inTurn(['report', 'result.json', '-q', '-o', 'speedscope=again.json'], { cwd });
    expect([again.code, again.stderr]).toEqual([0, '']);
    const [flame, copy] = ['flame.json', 'again.json'].map((name) => readFileSync(join(cwd, name), 'utf8'));
    expect(copy).toBe(flame);
    const file = JSON.parse(flame!) as { profiles: { unit: string; endValue: number }[] };
    const { metrics } = JSON.parse(readFileSync(join(cwd, 'result.json'), 'utf8')) as Saved;
    expect(Math.abs(file.profiles[0]!.endValue - metrics['time.stall']!.value)).toBeLessThan(0.5);
    expect(file.profiles[1]!.endValue).toBe(metrics['transfer.h2d.bytes']!.value);
  });

  it('says what is missing where a result has no details', async () => {
    const cwd = temporaryFolder();
    await inTurn([...RUN, '-q', '-o', 'result.json'], { cwd });
    const { stderr, code } = await inTurn(['report', 'result.json', '-o', 'speedscope=flame.json'], { cwd });
    expect([stderr, code]).toEqual([expect.stringMatching(/^moeprof: speedscope: the result was saved without details; .*\n$/), 2]);
    expect(readdirSync(cwd)).toEqual(['result.json']);
  });
});

describe('docs/report.md', () => {
  const page = readFileSync(new URL('../../docs/report.md', import.meta.url), 'utf8');
  const commands = [...page.split('## Timelines')[1]!.matchAll(/^ {4}moeprof (.*)$/gm)].map((match) => match[1]!);

  it('shows commands that work, one after another', async () => {
    expect(commands.length).toBeGreaterThan(4);
    const cwd = temporaryFolder();
    for (const command of commands) expect(await shell(`$MOEPROF ${command} -q`, { cwd }), command).toMatchObject({ code: 0, stderr: '' });
    expect(readdirSync(cwd).sort()).toEqual(['flame.json', 'part.json.gz', 'result.json', 'run.json.gz']);
  });

  it('names every kind of transfer by its word', () => {
    for (const { word } of Object.values(TRANSFER_KINDS)) expect(page).toContain(word);
  });
});
