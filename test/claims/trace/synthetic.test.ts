// Synthetic routing has the statistics that were asked for.
import { readFileSync, writeFileSync } from 'node:fs';
import { describe, expect, it } from 'vitest';
import { findProfile, listProfiles } from '../../../src/base/profiles.js';
import { checkValue } from '../../../src/base/yaml.js';
import { readRows } from '../../../src/measured/validate/rows/measurement.js';
import { loadModel, loadRouting } from '../../../src/model/load/load.js';
import type { ModelSpec } from '../../../src/model/spec.js';
import { giniOf, inclusionByRank } from '../../../src/trace/generate/popularity-shape.js';
import { type RoutingProfile, routingProfileSchema } from '../../../src/trace/generate/routing-profile.js';
import { synthesize } from '../../../src/trace/generate/synthetic.js';
import { openConsistency } from '../../../src/trace/stats/consistency.js';
import { chunks, NULL_EXPERT, type RoutingTrace } from '../../../src/trace/trace.js';
import { contentOf, uniformModel } from '../../trace/builders.js';

const page = new URL('../../../docs/routing.md', import.meta.url);

/** Statistics of one layer of a trace of one request. */
function statistics(trace: RoutingTrace, layer: number) {
  const experts = trace.expertsPerLayer[layer]!;
  const counts = new Float64Array(experts);
  let before = new Set<number>();
  let shared = 0;
  let all = 0;
  for (const chunk of chunks(trace)) {
    for (let row = 0; row < chunk.tokens; row++) {
      const at = (row * trace.layers + layer) * trace.topK;
      const chosen = new Set(chunk.experts.subarray(at, at + trace.topK));
      chosen.delete(NULL_EXPERT);
      for (const expert of chosen) {
        counts[expert]!++;
        all++;
        if (before.has(expert)) shared++;
      }
      before = chosen;
    }
  }
  const choices = all / trace.tokens;
  const chance = counts.reduce((sum, count) => sum + (count / trace.tokens) ** 2, 0) / choices;
  return { gini: giniOf(counts), chance, reuse: shared / all, excess: (shared / all - chance) / (1 - chance) };
}

/** Recall@k of layer `to` by log-odds of the choices of layer `from`, learned on the first half, judged on the second. */
function transitionRecall(trace: RoutingTrace, from: number, to: number): number {
  const { topK, layers, tokens } = trace;
  const [n, m] = [trace.expertsPerLayer[from]!, trace.expertsPerLayer[to]!];
  const { experts } = contentOf(trace).columns;
  const pick = (token: number, layer: number) => experts.slice((token * layers + layer) * topK, (token * layers + layer + 1) * topK);
  const pairs = new Float64Array(n * m);
  const [given, base] = [new Float64Array(n), new Float64Array(m)];
  const half = Math.floor(tokens / 2);
  for (let token = 0; token < half; token++) {
    for (const e of pick(token, to)) base[e]! += 1 / half;
    for (const d of pick(token, from)) {
      given[d]!++;
      for (const e of pick(token, to)) pairs[d * m + e]!++;
    }
  }
  let found = 0;
  for (let token = half; token < tokens; token++) {
    const scores = Array.from(base, (p) => Math.log(p + 1e-6));
    for (const d of pick(token, from)) {
      for (let e = 0; e < m; e++) scores[e]! += Math.log((pairs[d * m + e]! + base[e]! + 1e-3) / (given[d]! + 1) / (base[e]! + 1e-3));
    }
    const best = new Set(
      scores
        .map((score, e) => [score, e] as const)
        .sort((a, b) => b[0] - a[0])
        .slice(0, topK)
        .map(([, e]) => e),
    );
    for (const e of pick(token, to)) if (best.has(e)) found++;
  }
  return found / ((tokens - half) * topK);
}

function generate(model: ModelSpec, tokens: number, profile: Partial<RoutingProfile>, seed = 1): RoutingTrace {
  return synthesize(model, { seed, requests: [{ prefill: 0, decode: tokens }], profile: { skewSpread: 0, ...profile } });
}

/** Mean over three layers of a statistic of drawn routing. Few choices a token are few samples. */
function drawn(
  experts: number,
  topK: number,
  profile: Partial<RoutingProfile>,
): (pick: (layer: ReturnType<typeof statistics>) => number) => number {
  const trace = generate(uniformModel(6, experts, topK), topK > 2 ? 6000 : 20_000, profile);
  const layers = [1, 3, 5].map((layer) => statistics(trace, layer));
  return (pick) => layers.reduce((sum, layer) => sum + pick(layer) / layers.length, 0);
}

describe('statistics meet the profile', () => {
  it.each([
    [128, 8, 0.8, 0.1],
    [128, 4, 0.84, 0],
    [32, 4, 0.6, 0.2],
    [64, 6, 0.4, 0.2],
    [8, 2, 0.2, 0.12],
    [288, 8, 0.5, 0.19],
  ])(
    '%i experts, top-%i: with g %f and r %f a choice repeats the token before at r, else by the chance of its load',
    (experts, topK, gini, repeat) => {
      const inclusion = inclusionByRank(experts, topK, gini);
      const chance = inclusion.reduce((sum, p) => sum + p * p, 0) / topK;
      const mean = drawn(experts, topK, { gini, repeat });
      expect(Math.abs(mean((layer) => layer.reuse) - (repeat + (1 - repeat) * chance))).toBeLessThan(0.08);
      // Over a long text, half of the variance of log loads is common.
      expect(mean((layer) => layer.gini)).toBeLessThan(gini);
      expect(mean((layer) => layer.gini)).toBeGreaterThan(0.6 * gini);
    },
  );

  it.each([
    [128, 8, 0.7, 0.28],
    [128, 8, 0.5, 0.15],
    [32, 4, 0.39, 0.3],
    [64, 6, 0.38, 0.2],
    [8, 2, 0.15, 0.15],
    [256, 8, 0.6, 0.25],
    [128, 1, 0.5, 0.2],
  ])('%i experts, top-%i: skew %f and reuse %f of earlier releases are near what they were', (experts, topK, skew, reuse) => {
    const mean = drawn(experts, topK, { skew, reuse });
    expect(Math.abs(mean((layer) => layer.gini) - skew)).toBeLessThan(0.09);
    expect(Math.abs(mean((layer) => layer.excess) - reuse)).toBeLessThan(0.07);
  });

  it('repeats follow the depth', () => {
    const trace = generate(uniformModel(12, 64, 4), 6000, { gini: 0.3, repeat: { first: 0, middle: 0.4, last: 0.2 }, coherence: 0.4 });
    const [first, middle, last] = [0, 6, 11].map((layer) => statistics(trace, layer).excess);
    expect(middle! - first!).toBeGreaterThan(0.2);
    expect(middle! - last!).toBeGreaterThan(0.1);
  });
});

describe('layers, ages and domains', () => {
  it('coherence makes layers predict each other, near and far alike', () => {
    const model = uniformModel(6, 32, 4);
    const [none, some, much] = [0, 0.5, 0.9].map((coherence) => transitionRecall(generate(model, 6000, { skew: 0.35, coherence }), 2, 3));
    expect(some).toBeGreaterThan(none! + 0.05);
    expect(much).toBeGreaterThan(some! + 0.2);
    const far = transitionRecall(generate(model, 6000, { skew: 0.35, coherence: 0.9 }), 1, 5);
    expect(Math.abs(far - much!)).toBeLessThan(0.05);
  });

  it('memory has a heavy tail: reuse within 16 tokens is far above reuse at 1', () => {
    const { columns, topK, layers } = contentOf(generate(uniformModel(4, 128, 8), 3000, { skew: 0.7 }));
    let within = 0;
    let all = 0;
    const last = new Map<number, number>();
    for (let token = 0; token < 3000; token++) {
      for (let k = 0; k < topK; k++) {
        const expert = columns.experts[(token * layers + 2) * topK + k]!;
        all++;
        if (token - (last.get(expert) ?? -99) <= 16) within++;
        last.set(expert, token);
      }
    }
    // Real models: .84 to .92.
    expect(within / all).toBeGreaterThan(0.8);
    expect(within / all).toBeLessThan(0.95);
  });

  it('domains favour other experts', () => {
    const model = uniformModel(2, 64, 4);
    const requests = new Array(16).fill({ prefill: 0, decode: 300 });
    const pooled = (domains: number) =>
      statistics(synthesize(model, { seed: 3, requests, profile: { skew: 0.6, skewSpread: 0, domains, domainOverlap: 0 } }), 1).gini;
    expect(pooled(1)).toBeGreaterThan(0.52);
    expect(pooled(8)).toBeLessThan(0.45);
  });
});

/** SRP of 16 tokens of a bundled model's synthetic routing, in points: the mean of two seeds of four requests of 512 tokens. */
function consistencyOf(name: string): number {
  const model = loadModel(name);
  const block = loadRouting(name);
  const profile = block === null ? undefined : checkValue(block, name, routingProfileSchema);
  const requests = new Array(4).fill({ prefill: 0, decode: 512 });
  const one = (seed: number): number => {
    const trace = synthesize(model, { seed, requests, profile });
    const consistency = openConsistency(trace);
    for (const chunk of chunks(trace)) consistency.rows(chunk);
    return 100 * consistency.result().all!;
  };
  return (one(1) + one(2)) / 2;
}

describe('segment routing consistency of bundled models, against Liang et al. (arXiv 2505.16056)', () => {
  const { hits } = readRows(findProfile('measurements', 'hits'));
  // Granite 3.1 3B has the shape of PowerMoE-3B. Encoder and decoder of a model count as one.
  const profileOf = (model: string) => (model === 'powermoe-3b' ? 'granite-3.1-3b-a800m' : model);
  const published = new Map<string, number[]>();
  for (const { model, srp } of hits) {
    const name = profileOf(model);
    if (srp !== undefined && listProfiles('models').includes(name)) published.set(name, [...(published.get(name) ?? []), 100 * srp]);
  }
  const lines: string[] = [];

  it.each([...published].sort(([, [a]], [, [b]]) => b! - a!))('%s', (name, figures) => {
    const generated = consistencyOf(name);
    lines.push(`| ${name} | ${figures.map((figure) => figure.toFixed(1)).join(' and ')} | ${generated.toFixed(1)} |`);
    expect(Math.abs(generated - figures.reduce((sum, figure) => sum + figure / figures.length, 0))).toBeLessThan(4);
  });

  it('docs/routing.md has the table', () => {
    const [begin, end] = ['<!-- srp: written by test/claims/trace/synthetic.test.ts -->\n', '\n<!-- /srp -->'];
    const text = readFileSync(page, 'utf8');
    const table = ['| | published | generated |', '|---|---|---|', ...lines].join('\n');
    const from = text.indexOf(begin) + begin.length;
    const next = `${text.slice(0, from)}${table}${text.slice(text.indexOf(end))}`;
    if (process.env.MOEPROF_UPDATE === '1') writeFileSync(page, next);
    expect(lines.length).toBe(12);
    expect(readFileSync(page, 'utf8') === next, 'stale: MOEPROF_UPDATE=1 with this test writes it').toBe(true);
  });
});
