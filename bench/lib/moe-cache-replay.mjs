// Replays of llama.cpp's expert cache at given slots, by the policy and the cache that `moeprof curve` and `moeprof run` have.
import { fromBuild } from './bench.mjs';

const { openTrace } = await fromBuild('trace/open/open.js');
const { allocateChunk } = await fromBuild('trace/trace.js');
const { ExpertCache } = await fromBuild('cache/cache.js');
const { llamaMoeCache } = await fromBuild('cache/policies/llama-moe-cache.js');
const { PINNED, Pins, UNPINNED } = await fromBuild('cache/policy.js');

/** Choices of the first `count` decode tokens, `[tokens, layers, top-k]`. */
export async function decodeRows(path, count) {
  const trace = await openTrace(path, {});
  const { layers, topK } = trace;
  const chosen = new Uint16Array(count * layers * topK);
  const chunk = allocateChunk(trace, 256);
  let rows = 0;
  for (let from = 0; from < trace.tokens && rows < count; from += chunk.tokens) {
    trace.read(from, Math.min(256, trace.tokens - from), chunk);
    for (let row = 0; row < chunk.tokens && rows < count; row++) {
      if (chunk.phase[row] !== 1) continue;
      chosen.set(chunk.experts.subarray(row * layers * topK, (row + 1) * layers * topK), rows++ * layers * topK);
    }
  }
  trace.close();
  if (rows !== count) throw new Error(`${path}: ${rows} decode tokens, not ${count}`);
  return chosen;
}

/** Layers of one group: the cache, and which expert each slot holds, for runs of consecutive uploads. */
export class Group {
  constructor(layers, { build, experts, share, slots }) {
    const ids = layers.length * experts;
    const sizes = new Float64Array(ids).fill(1);
    const layerOf = Uint16Array.from({ length: ids }, (_, id) => Math.floor(id / experts));
    const clock = { event: 0, pass: 0, layer: 0 };
    const context = { experts: ids, sizes, capacityBytes: slots, uniform: true, layerOf, layers: layers.length, clock };
    const pins = new Pins(new Int32Array(ids).fill(UNPINNED));
    this.cache = new ExpertCache(0, sizes, slots, pins, llamaMoeCache.create(context, { build, share }));
    this.layers = layers;
    this.experts = experts;
    this.slots = slots;
    this.slotOf = new Int32Array(ids);
    this.free = 0;
  }

  /** An event of the group's layer `layer`. Adds to `counts`. */
  event(layer, chosen, tokens, topK, counts) {
    if (Math.min(tokens * topK, this.experts) > this.slots) return;
    const { cache } = this;
    const { pins, policy, resident } = cache;
    const members = [...new Set(chosen.subarray(0, tokens * topK))];
    for (const id of members) pins.rank[id] = PINNED;
    policy.demanded(layer, chosen, tokens, topK);
    const [slots, loaded] = [[], []];
    // As the engine has them, by last appearance: the policy alone knows the order of its own.
    for (const id of members.reverse()) {
      if (resident[id] === 1) {
        counts.hits++;
        cache.touch(id);
      } else {
        counts.misses++;
        if (!cache.admit(id)) counts.misses_on_cpu++;
        else {
          loaded.push(id);
          slots.push(cache.victimCount === 1 ? this.slotOf[cache.victims[0]] : this.free++);
        }
      }
    }
    for (const id of members) pins.rank[id] = UNPINNED;
    loaded.sort((a, b) => a - b);
    counts.uploaded_experts += loaded.length;
    for (const [k, id] of loaded.entries()) {
      this.slotOf[id] = slots[k];
      if (k === 0 || id !== loaded[k - 1] + 1 || slots[k] !== slots[k - 1] + 1) counts.upload_runs++;
    }
  }
}

/** A row of the expected replays. */
export class CacheReplay {
  constructor(row, choices) {
    this.row = row;
    this.choices = choices;
    const build = Number(/^b(\d+)/.exec(row.policy)[1]);
    const all = Array.from({ length: row.layers }, (_, layer) => layer);
    const layers = Array.isArray(row.slots) ? [all.filter((l) => l % 2 === 0), all.filter((l) => l % 2 === 1)] : [all];
    this.groups = layers.map((of, g) => new Group(of, { build, experts: row.experts, share: row.cpu_share, slots: [row.slots].flat()[g] }));
    this.groupOf = all.map((layer) => this.groups.find((group) => group.layers.includes(layer)));
  }

  run() {
    const { layers, n_rows: rows, rows_a_pass: most, top_k: topK, experts, expert_bytes } = this.row;
    const counts = { hits: 0, misses: 0, misses_on_cpu: 0, uploaded_experts: 0, upload_runs: 0 };
    const chosen = new Int32Array(most * topK);
    for (let row = 0; row < rows; row += most) {
      const tokens = Math.min(most, rows - row);
      for (let layer = 0; layer < layers; layer++) {
        const group = this.groupOf[layer];
        const own = group.layers.indexOf(layer);
        for (let token = 0; token < tokens; token++)
          for (let k = 0; k < topK; k++)
            chosen[token * topK + k] = own * experts + this.choices[((row + token) * layers + layer) * topK + k];
        group.event(own, chosen, tokens, topK, counts);
      }
    }
    const { hits, misses, uploaded_experts } = counts;
    const hit_rate_pct = Number(((100 * hits) / (hits + misses)).toFixed(2));
    return { ...counts, uploaded_bytes: uploaded_experts * expert_bytes, hit_rate_pct };
  }
}
