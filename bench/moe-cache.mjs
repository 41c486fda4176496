// llama.cpp's expert cache beside replays and slot counts that others worked out: node bench/moe-cache.mjs [folder = ..] [--short]
// Needs a build (npm run build). The folder holds shared/measured/moe-cache/expected.jsonl and the recordings that its rows name; a row says
// trace, tokens a pass, slots of each group of layers, build, CPU share, and what the cache then did. Prints how many rows come out equal.
import { existsSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { ARGUMENTS, SHORT, skip } from './lib/bench.mjs';

const folder = ARGUMENTS[0] ?? join(import.meta.dirname, '../..');
const path = join(folder, 'shared/measured/moe-cache/expected.jsonl');
if (!existsSync(path)) {
  skip(`${path} is not there`);
  process.exit(0);
}
const { CacheReplay, decodeRows } = await import('./lib/moe-cache-replay.mjs');
const { slotsOf } = await import('./lib/moe-cache-slots.mjs');
const rows = readFileSync(path, 'utf8')
  .trim()
  .split('\n')
  .map((line) => JSON.parse(line));
const cases = rows.filter(({ kind }) => kind !== 'slots');
const wanted = SHORT ? cases.filter(({ trace }) => trace.includes('mini-')).slice(0, 20) : cases;

/** Prints how many of the rows differ in nothing that `of` finds again. */
async function compare(what, expected, of) {
  let equal = 0;
  for (const row of expected) {
    const found = await of(row);
    const wrong = Object.entries(found).filter(([key, value]) => JSON.stringify(value) !== JSON.stringify(row[key]));
    if (wrong.length === 0) equal++;
    else console.log(JSON.stringify({ ...row, found: Object.fromEntries(wrong) }));
  }
  console.log(`${what}: ${equal} of ${expected.length} equal`);
  return equal === expected.length;
}

const read = new Map();
const recording = async ({ trace, n_rows }) => {
  const key = `${trace} ${n_rows}`;
  if (!read.has(key)) {
    read.clear();
    const home = trace.startsWith('profiles/') ? join(import.meta.dirname, '..') : folder;
    read.set(key, await decodeRows(join(home, trace), n_rows));
  }
  return read.get(key);
};
const start = process.cpuUsage();
const replays = await compare('replays', wanted, async (row) => new CacheReplay(row, await recording(row)).run());
const seconds = process.cpuUsage(start).user / 1e6;
const choices = wanted.reduce((sum, { layers, n_rows, top_k }) => sum + n_rows * layers * top_k, 0);
console.log(`${(choices / seconds / 1e6).toFixed(1)} million choices a second, everything included`);
const slots = await compare(
  'slots',
  rows.filter(({ kind }) => kind === 'slots'),
  slotsOf,
);
if (!replays || !slots) process.exitCode = 1;
