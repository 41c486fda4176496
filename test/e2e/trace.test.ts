// `moeprof trace` from outside: inspect, audit, convert, diff and generate, their mistakes and exit codes.
import { spawn } from 'node:child_process';
import { readdirSync, writeFileSync } from 'node:fs';
import { join, resolve } from 'node:path';
import { gzipSync } from 'node:zlib';
import { describe, expect, it } from 'vitest';
import { BIN, inTurn, shell, temporaryFolder } from './moeprof.js';

const GOLDEN = resolve(import.meta.dirname, '../trace/golden');
const BUNDLED = 'mini-finegrained-64x12l';

function expectWidth(text: string, width = 80): void {
  for (const line of text.split('\n')) expect([...line].length, line).toBeLessThanOrEqual(width);
}

/** A small JSONL trace, its first rows equal. */
function jsonl(warm: number, rows = 200): string {
  const lines = Array.from({ length: warm + rows }, (_, i) => {
    const t = Math.max(0, i - warm);
    return JSON.stringify({
      request: 0,
      position: i,
      experts: [[(t * 7 + 3) % 16, (t * 5) % 16 === (t * 7 + 3) % 16 ? (t * 5 + 1) % 16 : (t * 5) % 16]],
    });
  });
  return `${lines.join('\n')}\n`;
}

describe('moeprof trace', () => {
  it('says where there is no room to unpack', async () => {
    const cwd = temporaryFolder();
    writeFileSync(join(cwd, 't.jsonl.gz'), gzipSync(jsonl(0, 20_000)));
    // A limit on the size of files, in KiB, fails as a full disk does.
    const { code, stderr, stdout } = await shell('ulimit -f 64; $MOEPROF trace inspect t.jsonl.gz', { cwd });
    expect([code, stdout]).toEqual([2, '']);
    expect(stderr).toMatch(/^moeprof: .*: cannot be written: EFBIG.*\n$/);
  });

  it('refuses to draw more than any run replays', async () => {
    const { code, stderr } = await inTurn(['trace', 'generate', '--like', 'qwen3-30b-a3b', '--tokens', '1e15', '-o', 'g.jsonl']);
    expect(code).toBe(2);
    expect(stderr).toBe("moeprof: --tokens: '1e15' is more than any run replays; write at most 1,000,000,000\n");
  });

  it('ends at a signal, also while it draws routing, and leaves nothing behind', async () => {
    const cwd = temporaryFolder();
    const child = spawn(process.execPath, [BIN, 'trace', 'generate', '--like', 'qwen3-30b-a3b', '--tokens', '2m', '-o', 'g.jsonl'], {
      cwd,
    });
    const ended = new Promise((resolve) => child.on('close', (code, signal) => resolve(code ?? signal)));
    await new Promise((resolve) => setTimeout(resolve, 1000));
    child.kill('SIGINT');
    expect([130, 'SIGINT']).toContain(await ended);
    expect(readdirSync(cwd)).toEqual([]);
  });
});

describe('moeprof trace inspect and audit', () => {
  it('inspects: a table of 80 columns, JSON with all figures, a heatmap in blocks and in ASCII', async () => {
    const table = await inTurn(['trace', 'inspect', BUNDLED]);
    expect([table.stderr, table.code]).toEqual(['', 0]);
    expectWidth(table.stdout);
    for (const word of ['Gini', 'entropy', 'streams', 'belady', 'predicted']) expect(table.stdout).toContain(word);
    const json = JSON.parse((await inTurn(['trace', 'inspect', BUNDLED, '--json'])).stdout);
    expect(json.tokens).toEqual({ all: 7172, prefill: 3677, decode: 3495 });
    expect(json.distinct['1']).toBeCloseTo(6, 6);
    expect(json.byLayer).toHaveLength(12);
    expect(json.hitRates.belady['0.25']).toBeGreaterThan(json.hitRates.lru['0.25']);
    const blocks = await inTurn(['trace', 'inspect', BUNDLED, '--format', 'heatmap'], { env: { LC_ALL: 'C.UTF-8' } });
    expect(blocks.stdout).toMatch(/[▀▄█]/);
    const ascii = await inTurn(['trace', 'inspect', BUNDLED, '--format', 'heatmap'], { env: { LC_ALL: 'C' } });
    expect(ascii.stdout).toMatch(/^[\x00-\x7f]*$/);
    expectWidth(ascii.stdout);
    expect(
      (await inTurn(['trace', 'inspect', BUNDLED, '--format', 'heatmap', '--color'], { env: { LC_ALL: 'C.UTF-8' } })).stdout,
    ).toContain('\x1b[38;5;');
  });

  it('audits: clean, a finding, --strict, and the same before a run', async () => {
    const clean = await inTurn(['trace', 'audit', BUNDLED]);
    expect([clean.stderr, clean.code]).toEqual(['', 0]);
    expect(clean.stdout).toContain('clean');
    const cwd = temporaryFolder();
    writeFileSync(join(cwd, 'warm.jsonl'), jsonl(100));
    const found = await inTurn(['trace', 'audit', 'warm.jsonl'], { cwd });
    expect(found.code).toBe(0);
    expect(found.stdout).toMatch(/! warm-up-rows/);
    expectWidth(found.stdout);
    expect((await inTurn(['trace', 'audit', 'warm.jsonl', '--strict'], { cwd })).code).toBe(2);
    expect((await inTurn(['explain', 'warm-up-rows'])).code).toBe(0);
    const nothing = await shell('$MOEPROF trace audit - < /dev/null', { cwd });
    expect(nothing.stderr).toBe('moeprof: -: nothing comes from standard input; pipe it in, or name a trace file\n');
  });

  it('a run warns of what the audit finds, and fails on it when strict', async () => {
    const cwd = temporaryFolder();
    await inTurn(['trace', 'generate', '--like', 'gpt-oss-20b', '--tokens', '200', '--prompt', '0', '-o', 'a.jsonl'], { cwd });
    const lines = (await inTurn(['trace', 'convert', 'a.jsonl', '-o', '-'], { cwd })).stdout.trim().split('\n');
    // Recorded, not synthetic; forty copies of its first row before it, forty-one in all.
    const header = { ...JSON.parse(lines[0]!), synthetic: undefined };
    const warm = Array.from({ length: 40 }, (_, position) => ({ ...JSON.parse(lines[1]!), request: 1000, position }));
    writeFileSync(
      join(cwd, 'b.jsonl'),
      [header, ...warm]
        .map((line) => JSON.stringify(line))
        .concat(lines.slice(1), '')
        .join('\n'),
    );
    const run = await inTurn(['run', '-t', 'b.jsonl', '--cache', '25%', '--json'], { cwd });
    expect(run.code).toBe(0);
    expect(JSON.parse(run.stdout).warnings.map(({ code }: { code: string }) => code)).toContain('warm-up-rows');
    const strict = await inTurn(['run', '-t', 'b.jsonl', '--cache', '25%', '--strict'], { cwd });
    expect([strict.code, strict.stdout]).toEqual([2, '']);
    expect(strict.stderr).toMatch(/^moeprof: b\.jsonl: warm-up-rows: 41 rows .*\n$/);
  });
});

describe('moeprof trace convert and generate', () => {
  it('converts: slices, both layouts, and back to the same routing', async () => {
    const cwd = temporaryFolder();
    const first = await inTurn(['trace', 'convert', BUNDLED, '--requests', '0..2', '--layers', '1..4,7', '-o', 'part.safetensors'], {
      cwd,
    });
    expect([first.code, first.stderr]).toEqual([0, expect.stringMatching(/^part\.safetensors: [\d,]+ tokens, 5 layers\n$/)]);
    await inTurn(['trace', 'convert', 'part.safetensors', '-o', 'part.jsonl'], { cwd });
    const same = await inTurn(['trace', 'diff', 'part.safetensors', 'part.jsonl', '--json'], { cwd });
    const { difference } = JSON.parse(same.stdout);
    expect([difference.mean.agreement, difference.shifts]).toEqual([1, []]);
    const bad = await inTurn(['trace', 'convert', BUNDLED, '--layers', '12', '-o', 'x.jsonl'], { cwd });
    expect([bad.code, bad.stderr]).toEqual([2, "moeprof: --layers: '12' lies beyond the last one, 11\n"]);
    const count = await inTurn(['trace', 'convert', BUNDLED, '--tokens', '50', '-o', 'x.jsonl'], { cwd });
    const remedy = 'is a row and no count; write ..49 for the first 50, 50..50 for the row';
    expect([count.code, count.stderr]).toEqual([2, `moeprof: --tokens 50: ${remedy}\n`]);
    const ending = await inTurn(['trace', 'convert', BUNDLED, '-o', 'x.csv'], { cwd });
    expect(ending.code).toBe(2);
    expect(readdirSync(cwd).sort()).toEqual(['part.jsonl', 'part.safetensors']);
  });

  it('generates: like a model and fitted to a trace, the same for the same seed', async () => {
    const cwd = temporaryFolder();
    const generate = (...args: string[]) => inTurn(['trace', 'generate', ...args], { cwd });
    const one = await generate('--like', 'qwen3-30b-a3b', '--tokens', '100', '-o', '-');
    expect(one.code).toBe(0);
    expect((await generate('--like', 'qwen3-30b-a3b', '--tokens', '100', '-o', '-')).stdout).toBe(one.stdout);
    expect(JSON.parse(one.stdout.slice(0, one.stdout.indexOf('\n'))).synthetic).toBe('true');
    const fitted = await generate('--fit', BUNDLED, '--tokens', '500', '--seed', '3', '-o', 'fitted.safetensors');
    expect([fitted.code, fitted.stdout]).toEqual([0, '']);
    const inspected = JSON.parse((await inTurn(['trace', 'inspect', 'fitted.safetensors', '--json'], { cwd })).stdout);
    expect(inspected.trace).toMatchObject({ tokens: 500, layers: 12, topK: 6, synthetic: true });
    const neither = await generate('-o', 'x.jsonl');
    expect([neither.code, neither.stderr]).toEqual([2, expect.stringContaining('--like MODEL or --fit TRACE')]);
  });

  it('reads the log of a phone, and refuses the log with the strided view', async () => {
    const phone = JSON.parse((await inTurn(['trace', 'inspect', `${GOLDEN}/bigmoeonedge.route.csv`, '--json'])).stdout);
    expect(phone.trace).toMatchObject({ tokens: 60, layers: 12, topK: 6, format: 'bigmoeonedge' });
    const bad = await inTurn(['trace', 'audit', `${GOLDEN}/llamacpp_log_experts_BAD_STRIDE.csv`]);
    expect([bad.code, bad.stderr]).toEqual([2, expect.stringContaining('strided view')]);
  });
});
