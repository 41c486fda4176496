// Kills at random moments over every command that writes: what stands afterwards is absent, as before, or whole, and the next run
// removes what was left. MOEPROF_KILLS=200 tries as many.
import { execFileSync, spawn } from 'node:child_process';
import { existsSync, mkdirSync, mkdtempSync, readdirSync, readFileSync, rmSync, statSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { dirname, join, relative } from 'node:path';
import { gunzipSync } from 'node:zlib';
import { afterAll, describe, expect, it } from 'vitest';
import { Random } from '../../src/base/random.js';
import { BIN } from './moeprof.js';

const home = mkdtempSync(join(tmpdir(), 'moeprof-kill-'));
afterAll(() => rmSync(home, { recursive: true }));
const inputs = join(home, 'inputs');
mkdirSync(inputs);
const input = (name: string): string => join(inputs, name);
const sound = (args: readonly string[]): unknown => execFileSync(process.execPath, [BIN, ...args], { stdio: 'ignore' });
sound(['trace', 'generate', '--like', 'olmoe-1b-7b', '--tokens', '2000', '-o', input('trace.safetensors')]);
sound(['run', '--tokens', '50', '-o', input('base.json')]);
writeFileSync(input('study.yaml'), 'run: quickstart\nset: { workload.tokens: 60 }\naxes: { seed: 1..3, memory.expertCache: [10%, 20%] }\n');

/** Commands that write; they are killed in turn. */
const WRITERS: readonly (readonly string[])[] = [
  ['run', '--tokens', '200', '--details', '-o', 'out.json', '--html', 'out.html', '--timeline', 'line.json.gz'],
  ['sweep', '--tokens', '200', '--vary', 'workload.batch=1,2', '-o', 'out.json', '-o', 'out.csv'],
  ['curve', '--policies', 'lru,lfu', '-o', 'out.json'],
  ['plan', '--tokens', '100', '--assert', 'cache.hit_rate >= 0%', '-o', 'out.json'],
  ['predict', 'train', '-t', input('trace.safetensors'), '--epochs', '2', '--hidden', '16', '--rank', '8', '-o', 'out.onnx'],
  ['trace', 'convert', input('trace.safetensors'), '-o', 'out.jsonl'],
  ['trace', 'convert', input('trace.safetensors'), '--weights', 'f16', '-o', 'out.safetensors'],
  ['trace', 'generate', '--like', 'olmoe-1b-7b', '--tokens', '8000', '-o', 'out.jsonl'],
  ['baseline', 'save', 'main', input('base.json'), '--force'],
  ['compare', 'kept.json', input('base.json'), '--allow-different-inputs', '--update-baseline', '--html', 'out.html'],
  ['report', input('base.json'), '-o', 'out.html', '-o', 'out.txt'],
  ['init', '--force'],
  ['place', '-t', 'mini-mixtral-8x8l', '--for', 'codacus', '-o', 'out.csv'],
  ['sweep', input('study.yaml'), '--store', 'store', '-o', 'out.csv'],
];

/** A fresh folder with what a command needs in it. */
function freshFolder(args: readonly string[]): string {
  const folder = mkdtempSync(join(home, 'run-'));
  if (args.includes('kept.json')) writeFileSync(join(folder, 'kept.json'), readFileSync(input('base.json')));
  return folder;
}

/** Starts a command whose temporary files lie in its own folder, too. */
function start(args: readonly string[], folder: string): ReturnType<typeof spawn> {
  return spawn(process.execPath, [BIN, ...args], {
    cwd: folder,
    env: { PATH: process.env.PATH, HOME: home, TMPDIR: folder },
    stdio: 'ignore',
  });
}

const ended = (child: ReturnType<typeof spawn>): Promise<number | NodeJS.Signals | null> =>
  new Promise((resolve) => child.on('close', (code, signal) => resolve(code ?? signal)));

function filesIn(folder: string): string[] {
  return readdirSync(folder, { recursive: true, withFileTypes: true })
    .filter((entry) => entry.isFile())
    .map((entry) => relative(folder, join(entry.parentPath, entry.name)));
}

const TEMPORARY = /(^|\/)\.moeprof-\d+-[0-9a-f]{20}\.tmp$/;

/** Whether a file is whole, where a run of the same command may write other bytes: results tell their time. */
function isWhole(path: string): boolean {
  const bytes = readFileSync(path);
  if (path.endsWith('.html')) return bytes.toString().trimEnd().endsWith('</html>');
  if (path.endsWith('.json')) return typeof JSON.parse(bytes.toString()) === 'object';
  if (path.endsWith('.gz')) return typeof JSON.parse(gunzipSync(bytes).toString()) === 'object';
  if (!/state$|safetensors$/.test(path)) return false;
  const header = Number(bytes.readBigUInt64LE());
  const tensors = Object.values(JSON.parse(bytes.toString('utf8', 8, 8 + header)) as Record<string, { data_offsets?: [number, number] }>);
  return bytes.length === 8 + header + Math.max(...tensors.map(({ data_offsets }) => data_offsets?.[1] ?? 0));
}

interface Reference {
  readonly folder: string;
  readonly ms: number;
}

const references = new Map<readonly string[], Reference>();

/** What a command writes that nobody disturbs, and how long it takes. */
async function referenceOf(args: readonly string[]): Promise<Reference> {
  const known = references.get(args);
  if (known !== undefined) return known;
  const folder = freshFolder(args);
  const began = performance.now();
  expect(await ended(start(args, folder)), args.join(' ')).toBe(0);
  const reference = { folder, ms: performance.now() - began };
  references.set(args, reference);
  return reference;
}

/** Kills a command at a random moment: of its whole time, or soon after its first temporary file is seen. */
async function kill(args: readonly string[], folder: string, signal: NodeJS.Signals, ms: number, atWrite: boolean): Promise<void> {
  const child = start(args, folder);
  const finished = ended(child);
  if (!atWrite) {
    const timer = setTimeout(() => child.kill(signal), ms);
    await finished;
    clearTimeout(timer);
    return;
  }
  const timer = setInterval(() => {
    if (!namesBelow(folder).some((name) => TEMPORARY.test(name))) return;
    clearInterval(timer);
    setTimeout(() => child.kill(signal), ms % 8);
  }, 1);
  await finished;
  clearInterval(timer);
}

/** What stands in a folder at the moment; nothing where a part of it goes while it is read, which a watcher of Node 20 throws at nobody. */
function namesBelow(folder: string): string[] {
  try {
    return readdirSync(folder, { recursive: true, encoding: 'utf8' });
  } catch {
    return [];
  }
}

/** What a baseline was before it was saved over. */
const HISTORY = /(^|\/)\.history\//;

const SIGNALS = ['SIGKILL', 'SIGKILL', 'SIGTERM', 'SIGHUP'] as const;
const OLD = 'as it was';

describe('after a kill at a random moment', () => {
  const count = Number(process.env.MOEPROF_KILLS ?? WRITERS.length);
  const random = new Random(Number(process.env.MOEPROF_SEED ?? 1), 'kills');
  const drawn = Array.from({ length: count }, (_, index) => ({
    index,
    args: WRITERS[index % WRITERS.length]!,
    name: WRITERS[index % WRITERS.length]!.slice(0, 2)
      .filter((word) => /^[a-z]+$/.test(word))
      .join(' '),
    signal: SIGNALS[random.below(SIGNALS.length)]!,
    share: random.next(),
    over: random.below(2) === 0,
    atWrite: random.below(3) > 0,
  }));
  let left = 0;
  let whole = 0;
  let kept = 0;
  let absent = 0;

  it.each(drawn)('kill $index, of $name: nothing is half written', async ({ args, atWrite, over, share, signal }) => {
    const reference = await referenceOf(args);
    const folder = freshFolder(args);
    const expected = filesIn(reference.folder);
    // What a training would go on from is a state, or nothing.
    const before = new Map(
      expected.filter((name) => over && name !== 'state' && name !== 'kept.json').map((name) => [name, Buffer.from(OLD)]),
    );
    for (const [name, bytes] of before) {
      mkdirSync(dirname(join(folder, name)), { recursive: true });
      writeFileSync(join(folder, name), bytes);
    }
    if (existsSync(join(folder, 'kept.json'))) before.set('kept.json', readFileSync(join(folder, 'kept.json')));
    await kill(args, folder, signal, share * reference.ms, atWrite);

    const remains = filesIn(folder).filter((name) => TEMPORARY.test(name));
    const others = filesIn(folder).filter((name) => !TEMPORARY.test(name) && !expected.includes(name));
    expect(others.filter((name) => !HISTORY.test(name) || readFileSync(join(folder, name), 'utf8') !== OLD)).toEqual([]);
    // Other signals are heard while something is half written; a nameless file may just have been made.
    if (signal !== 'SIGKILL') expect(remains.filter((name) => statSync(join(folder, name)).size > 0)).toEqual([]);
    for (const name of expected) {
      const path = join(folder, name);
      if (!existsSync(path)) {
        expect(before.has(name), `${name} is gone`).toBe(false);
        absent++;
      } else if (before.get(name)?.equals(readFileSync(path)) === true) kept++;
      else {
        const same = readFileSync(path).equals(readFileSync(join(reference.folder, name)));
        expect(same || isWhole(path), `${name}: ${statSync(path).size} bytes`).toBe(true);
        whole++;
      }
    }
    if (remains.length === 0) return;
    left += remains.length;
    expect(await ended(start(args, folder))).toBe(0);
    expect(
      filesIn(folder)
        .filter((name) => !HISTORY.test(name))
        .sort(),
    ).toEqual(expected.sort());
  });

  it('files were met in each state', () => {
    if (process.env.MOEPROF_KILLS !== undefined)
      process.stdout.write(`${count} kills: ${whole} files whole, ${kept} as before, ${absent} absent; ${left} left and swept\n`);
    expect(Math.min(whole, kept, absent)).toBeGreaterThan(0);
  });
});
