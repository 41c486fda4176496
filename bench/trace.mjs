// Speed of reading, checking, writing and generating traces: node bench/trace.mjs [activations in millions = 20] [--short]
// Needs a build (npm run build). Prints millions of activations per second of wall and of CPU time, best of some runs, and
// memory; the file system's cache is warm.
import { closeSync, mkdtempSync, openSync, rmSync, writeSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { ARGUMENTS, fromBuild, SHORT } from './lib/bench.mjs';

const { openTrace } = await fromBuild('trace/open/open.js');
const { chunks, PHASE } = await fromBuild('trace/trace.js');
const { writeJsonl, writeSafetensors } = await fromBuild('trace/open/write.js');
const { synthesize } = await fromBuild('trace/generate/synthetic.js');
const { TraceStore } = await fromBuild('trace/store.js');
const { Random } = await fromBuild('base/random.js');

const layers = 24;
const experts = 64;
const topK = 8;
const activations = Number(ARGUMENTS[0] ?? (SHORT ? 0.2 : 20)) * 1e6;
const tokens = Math.round(activations / layers / topK);
const folder = mkdtempSync(join(tmpdir(), 'moeprof-bench-'));

/** Uniform routing: the cheapest that is valid, so that the writers are not waited for. */
function uniform() {
  const store = new TraceStore({ path: 'uniform', layers, topK });
  const random = new Random(1, 'bench/trace');
  const deck = Uint16Array.from({ length: experts }, (_, i) => i);
  for (let row = 0; row < tokens; row++) {
    store.seek(row);
    for (let cell = 0; cell < layers * topK; cell++) {
      const k = cell % topK;
      const pick = k + random.below(experts - k);
      const id = deck[pick];
      deck[pick] = deck[k];
      store.ids[store.idsAt + cell] = deck[k] = id;
    }
    store.addRow(Math.floor(row / 512), row % 512, row % 512 < 64 ? PHASE.prefill : PHASE.decode);
  }
  return store.finish(new Array(layers).fill(experts), { model: null, format: 'bench', synthetic: true, expertBytes: null, notes: {} });
}

/** The rows as llama.cpp loggers write decoded tokens: layer by layer, a list or an activation a line. */
function writeCsv(trace, lists, activations) {
  const files = [openSync(lists, 'w'), openSync(activations, 'w')];
  writeSync(files[0], 'layer_id,expert_ids\n');
  writeSync(files[1], 'layer,expert\n');
  for (const chunk of chunks(trace, 256)) {
    let [a, b] = ['', ''];
    for (let cell = 0; cell < chunk.tokens * layers; cell++) {
      const ids = chunk.experts.subarray(cell * topK, (cell + 1) * topK);
      a += `${cell % layers},${ids.join(' ')}\n`;
      for (const id of ids) b += `${cell % layers},${id}\n`;
    }
    writeSync(files[0], a);
    writeSync(files[1], b);
  }
  files.forEach((fd) => {
    closeSync(fd);
  });
}

const rows = [];
async function timed(name, work, times = SHORT ? 1 : 3) {
  let wall = Number.POSITIVE_INFINITY;
  let cpu = Number.POSITIVE_INFINITY;
  for (let i = 0; i < times; i++) {
    const start = performance.now();
    const used = process.cpuUsage();
    await work();
    wall = Math.min(wall, performance.now() - start);
    const { user, system } = process.cpuUsage(used);
    cpu = Math.min(cpu, (user + system) / 1e3);
  }
  const rate = (milliseconds) => Number((activations / milliseconds / 1e3).toFixed(0));
  rows.push({
    what: name,
    'M activations/s': rate(wall),
    'per CPU second': rate(cpu),
    'RSS MiB': Math.round(process.memoryUsage().rss / 2 ** 20),
  });
}

function readAll(trace, capacity) {
  let sum = 0;
  for (const chunk of chunks(trace, capacity)) sum += chunk.experts[0] + chunk.position[chunk.tokens - 1];
  return sum;
}

try {
  const trace = uniform();
  const u8 = join(folder, 'u8.safetensors');
  const text = join(folder, 'trace.jsonl');
  await timed('write safetensors', () => writeSafetensors(trace, u8));
  await timed('write jsonl', () => writeJsonl(trace, text));
  for (const kib of [64, 256, 1024]) {
    const opened = await openTrace(u8);
    await timed(`read + check safetensors U8, ${kib} KiB blocks`, () => readAll(opened, Math.round((kib * 1024) / layers / topK)));
    opened.close();
  }
  const csv = join(folder, 'experts.csv');
  const perActivation = join(folder, 'activations.csv');
  writeCsv(trace, csv, perActivation);
  await timed('open CSV layer_id,expert_ids', async () => (await openTrace(csv)).close());
  await timed('open CSV layer,expert', async () => (await openTrace(perActivation, { topK })).close());
  await timed('open safetensors (fold requests)', async () => (await openTrace(u8)).close());
  await timed('open jsonl (decode, check, store)', async () => (await openTrace(text)).close());
  trace.close();
  const stored = await openTrace(text);
  await timed('read stored rows', () => readAll(stored, 1024));
  stored.close();
  const model = {
    name: 'bench',
    dense: { segments: [], weightBytes: 0, kvBytesPerToken: 0 },
    layers: Array.from({ length: layers }, (_, index) => ({
      index,
      experts,
      topK,
      expertBytes: 1,
      flopsPerToken: 1,
      offset: index * experts,
    })),
  };
  await timed('generate', () => synthesize(model, { seed: 1, requests: [{ prefill: 0, decode: tokens }] }).close(), 1);
  console.table(rows);
} finally {
  rmSync(folder, { recursive: true });
}
