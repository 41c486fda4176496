// Writes a generated trace in libCacheSim's oracleGeneral layout and reads back what its `cachesim` says. Run as a command it makes
// the golden table again:  CACHESIM=/path/to/cachesim node test/claims/conformance/libcachesim.mjs
import { execFileSync } from 'node:child_process';
import { closeSync, mkdtempSync, openSync, rmSync, writeFileSync, writeSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { Routing, SHAPES } from './routing.mjs';

/** libCacheSim's name of each policy of ours that means the same. */
export const NAMES = {
  lru: 'lru',
  fifo: 'fifo',
  clock: 'clock',
  'lfu-resident': 'lfu',
  arc: 'arc',
  sieve: 'sieve',
  'belady-admit': 'belady',
  's3-fifo': 's3fifo',
  'two-queue': 'twoq',
};

/** Tokens of the golden traces: 1.2 million requests each. */
export const TOKENS = { fine: 6250, coarse: 18750 };

/** Capacities in experts: 10, 25 and 50 %, rounded up. */
export function capacities({ layers, experts }) {
  return [0.1, 0.25, 0.5].map((share) => Math.ceil(share * layers * experts));
}

/**
 * Writes `experts` as 24-byte records: u32 time, u64 object, u32 size 1, i64 index of the next request of the object or -1.
 * @param experts `[tokens, layers, topK]` within the layer
 */
export function writeOracleGeneral(path, experts, { layers, experts: perLayer, topK }) {
  const last = new Int32Array(layers * perLayer).fill(-1);
  const next = new Int32Array(experts.length);
  const idAt = (i) => (Math.floor(i / topK) % layers) * perLayer + experts[i];
  for (let i = experts.length - 1; i >= 0; i--) {
    next[i] = last[idAt(i)];
    last[idAt(i)] = i;
  }
  const fd = openSync(path, 'w');
  const block = 1 << 16;
  const bytes = Buffer.alloc(block * 24);
  for (let start = 0; start < experts.length; start += block) {
    const count = Math.min(block, experts.length - start);
    for (let i = 0; i < count; i++) {
      const at = i * 24;
      bytes.writeUInt32LE(1 + Math.floor((start + i) / (layers * topK)), at);
      bytes.writeUInt32LE(idAt(start + i), at + 4);
      bytes.writeUInt32LE(1, at + 12);
      bytes.writeInt32LE(next[start + i], at + 16);
      bytes.writeInt32LE(next[start + i] < 0 ? -1 : 0, at + 20);
    }
    writeSync(fd, bytes, 0, count * 24);
  }
  closeSync(fd);
}

/** Runs `cachesim` on one trace, policy and capacity. */
export function cachesim(binary, path, policy, capacity) {
  const text = execFileSync(binary, [path, 'oracleGeneral', policy, String(capacity), '--ignore-obj-size', '1', '--num-thread', '1'], {
    encoding: 'utf8',
    stdio: ['ignore', 'pipe', 'pipe'],
    cwd: tmpdir(),
  });
  const found = /(\d+) req, miss ratio ([\d.]+), throughput ([\d.]+) MQPS/.exec(text);
  if (found === null) throw new Error(`cachesim said: ${text}`);
  return { requests: Number(found[1]), missRatio: Number(found[2]), mreqPerSecond: Number(found[3]) };
}

function main() {
  const binary = process.env.CACHESIM;
  if (!binary) throw new Error('set CACHESIM to the path of libCacheSim’s cachesim');
  const folder = mkdtempSync(join(tmpdir(), 'moeprof-golden-'));
  const golden = {};
  for (const [name, shape] of Object.entries(SHAPES)) {
    const experts = new Uint16Array(TOKENS[name] * shape.layers * shape.topK);
    new Routing(shape).fill(experts, TOKENS[name]);
    const path = join(folder, `${name}.oracleGeneral.bin`);
    writeOracleGeneral(path, experts, shape);
    golden[name] = {};
    for (const [ours, theirs] of Object.entries(NAMES)) {
      golden[name][ours] = capacities(shape).map((capacity) => cachesim(binary, path, theirs, capacity).missRatio);
    }
  }
  rmSync(folder, { recursive: true });
  const file = fileURLToPath(new URL('./golden-libcachesim.json', import.meta.url));
  const text = JSON.stringify(golden, null, 2).replace(/\[\s+([^\]]*?)\s+\]/g, (_, numbers) => `[${numbers.replace(/\s+/g, ' ')}]`);
  writeFileSync(file, `${text}\n`);
  console.log(`wrote ${file}`);
}

if (process.argv[1] === fileURLToPath(import.meta.url)) main();
