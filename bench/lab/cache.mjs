// llama.cpp's expert cache beside moeprof's, hit by hit: node bench/lab/cache.mjs WLLAMA WEBGPU model.gguf,...
// Needs a build, Node 24 (LAB_NODE names it), and a Vulkan device for WEBGPU: Mesa's lavapipe is one in software.
//
// cache-engine.mjs runs each model at several sizes and CPU shares, and the engine records what each pass asked. The
// policy replays the record; slots, hits, misses, misses on the CPU and MiB must be those that the engine logged.
import { execFileSync } from 'node:child_process';
import { readFileSync } from 'node:fs';
import { basename, join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { ARGUMENTS, fromBuild, skip } from '../lib/bench.mjs';
import { Group } from '../lib/moe-cache-replay.mjs';
import { inFolder } from './minis.mjs';

const { slotsOfGroups } = await fromBuild('cache/slot-groups.js');
const { llamaMoeCache } = await fromBuild('cache/policies/llama-moe-cache.js');

/** Build of the engine, as its own version says. */
const BUILD = 12211;
/** Prompts of up to 60 tokens, and tokens drawn after each: passes of 1 token, of up to 8, of up to 32, and of more. */
const REQUESTS = [
  { prompt: 'a', predict: 40 },
  { prompt: 'bcdef', predict: 24 },
  { prompt: 'the quick brown fox', predict: 24 },
  { prompt: 'the quick brown fox jumps over the lazy dog, then sleeps', predict: 24 },
];
/** Shares of the experts' bytes that the cache gets, and CPU shares. */
const SIZES = [0.2, 0.5];
const SHARES = [0, 0.5, 0.95];

/** Header and events of a record. */
function recordOf(bytes) {
  let at = 4;
  const whole = () => bytes.readInt32LE((at += 4) - 4);
  const float = () => bytes.readDoubleLE((at += 8) - 8);
  const long = () => Number(bytes.readBigUInt64LE((at += 8) - 8));
  const list = (of) => Array.from({ length: whole() }, of);
  const [, topK] = [whole(), whole()];
  const groups = list(() => {
    const [, experts, layers] = [whole(), whole(), list(whole)];
    const [weight, total] = [float(), float()];
    at += 24;
    return { experts, layers, weight, total, matrices: list(long) };
  });
  const events = [];
  while (at < bytes.length) {
    const [layer] = [whole(), whole()];
    events.push({ layer, ids: list(whole) });
  }
  return { topK, groups, events };
}

/** What the cache does with a record's events: passes of up to 8 tokens, and of more. */
function replayed({ events, groups, topK }, mib, share) {
  const spare = llamaMoeCache.spare({ build: BUILD, share }, topK);
  const sized = groups.map((group) => ({ ...group, layers: group.layers.length }));
  const slots = slotsOfGroups(sized, Math.round(mib * 2 ** 20), spare, groups[0].weight, groups[0].total);
  const caches = groups.map(({ experts, layers }, g) => new Group(layers, { build: BUILD, experts, share, slots: slots[g] }));
  const uses = [0, 1].map(() => ({ hits: 0, misses: 0, misses_on_cpu: 0, uploaded_experts: 0, upload_runs: 0, bytes: 0 }));
  for (const { ids, layer } of events) {
    const cache = caches.find(({ layers }) => layers.includes(layer));
    const use = uses[Number(ids.length > 8 * topK)];
    const own = cache.layers.indexOf(layer);
    const before = use.uploaded_experts;
    const chosen = Int32Array.from(ids, (id) => own * cache.experts + id);
    cache.event(own, chosen, ids.length / topK, topK, use);
    const expertBytes = groups[caches.indexOf(cache)].matrices.reduce((sum, bytes) => sum + bytes);
    use.bytes += (use.uploaded_experts - before) * expertBytes;
  }
  return { slots, uses };
}

/** The lines that the engine prints, from a replay. */
const linesOf = ({ slots, uses }) => [
  ...slots.map((count) => `${count} slots`),
  ...uses.flatMap(({ bytes, hits, misses, misses_on_cpu }, k) => {
    const counts = `hits = ${hits}, misses = ${misses} (${misses_on_cpu} on the CPU)`;
    const rate = `hit rate = ${((100 * hits) / (hits + misses)).toFixed(2)}%, uploaded = ${(bytes / 2 ** 20).toFixed(2)} MiB`;
    return hits + misses === 0 ? [] : [`ubatch ${k === 0 ? '<=' : ' >'} 8: ${counts}, ${rate}`];
  }),
];

/** The engine's lines, as far as a replay has them: slots at the start, uses at the end of the first cache. */
function saidOf(lines) {
  const last = lines.findIndex((line) => line.includes('hit rate'));
  const starts = lines.slice(0, last).flatMap((line) => /\d+ slots/.exec(line)?.[0] ?? []);
  return [...starts, ...lines.flatMap((line) => /llama_moe_cache: (ubatch.*)/.exec(line)?.[1] ?? [])];
}

if (ARGUMENTS.length < 3) skip('WLLAMA, WEBGPU and models are not named');
const [wllama, webgpu, models] = ARGUMENTS;
const script = fileURLToPath(new URL('cache-engine.mjs', import.meta.url));
let [equal, cases] = [0, 0];
await inFolder((folder) => {
  const path = join(folder, 'record.mct1');
  for (const model of models.split(','))
    for (const size of SIZES)
      for (const share of SHARES) {
        const mib = Math.round(expertMiB(model, path) * size * 8) / 8;
        const { lines } = run(model, mib, share, path);
        const record = recordOf(readFileSync(path));
        const [ours, theirs] = [linesOf(replayed(record, mib, share)), saidOf(lines)];
        cases++;
        if (ours.join() === theirs.join()) equal++;
        console.log(`${basename(model)}, ${mib} MiB, share ${share}: ${record.events.length} events\n  ${theirs.join('\n  ')}`);
        if (ours.join() !== theirs.join()) console.log(`  moeprof:\n  ${ours.join('\n  ')}`);
      }
});
console.log(`caches: ${equal} of ${cases} equal`);
if (equal !== cases) process.exitCode = 1;

function run(model, mib, share, path, requests = REQUESTS) {
  const words = ['--experimental-wasm-jspi', script, wllama, webgpu, model, mib, share, path];
  const options = { input: JSON.stringify(requests), encoding: 'utf8', stdio: ['pipe', 'pipe', 'ignore'] };
  return JSON.parse(execFileSync(process.env.LAB_NODE ?? process.execPath, words.map(String), options));
}

/** MiB of a model's experts, as the engine says them of a cache that holds all. */
function expertMiB(model, path) {
  const { lines } = run(model, 64, 0, path, []);
  return Number(/for ([\d.]+) MiB of host experts/.exec(lines.join('\n'))[1]);
}
