// The tables of docs/routing.md hold today's figures.
import { readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { describe, expect, it } from 'vitest';
import { parse } from 'yaml';
import { simulate } from '../../../src/engine/simulate.js';
import { loadModel, loadRouting } from '../../../src/model/load/load.js';
import type { Result } from '../../../src/result/result.js';
import { synthesize } from '../../../src/trace/generate/synthetic.js';
import { writeSafetensors } from '../../../src/trace/open/write.js';
import { temporaryFolder } from '../../trace/builders.js';
import { ms, page, percent, table, yaml } from '../../trace/variants/page.js';

const folder = temporaryFolder();
const value = (result: Result, name: string): number => result.metrics[name]!.value;

describe('docs/routing.md', () => {
  it('shows what two sizes of experts save', async () => {
    const model = join(folder, 'two-sizes.yaml');
    writeFileSync(model, yaml[0]!);
    const result = await simulate({
      model,
      trace: 'mini-mixtral-8x8l',
      variants: 'two-sizes:small=0.4,skip=0.2',
      memory: { expertCache: '25%' },
      bounds: false,
    });
    const shown = page.replace(/\s+/g, ' ');
    expect(shown).toContain(
      `${value(result, 'variant.true_k').toFixed(2)} experts per token and layer, ${percent(value(result, 'variant.activations_saved'))} of the ` +
        `activations saved, ${percent(value(result, 'variant.flops_saved'))} of the expert FLOPs`,
    );
  });

  it("shows what cache-aware routing does at each lambda, on the generator's candidates", async () => {
    const trace = join(folder, 'wide.safetensors');
    const model = loadModel('qwen3-30b-a3b');
    const requests = new Array(4).fill({ prefill: 64, decode: 192 });
    writeSafetensors(synthesize(model, { seed: 1, requests, candidates: 32, profile: loadRouting('qwen3-30b-a3b') ?? {} }), trace);
    const rows = table('lambda');
    expect(rows.length).toBeGreaterThan(0);
    for (const [lambda, ...shown] of rows) {
      const system = {
        ...(parse(readFileSync('profiles/systems/on-demand-lru.yaml', 'utf8')) as object),
        rerank: { lambda: Number(lambda) },
      };
      const result = await simulate({ trace, system, memory: { expertCache: '25%' }, bounds: false });
      const [changed, lost] = [value(result, 'rerank.changed'), value(result, 'rerank.weight_lost')];
      const measured = [changed === 0 ? '0' : percent(changed), lost === 0 ? '0' : percent(lost)];
      expect(shown).toEqual([...measured, percent(value(result, 'cache.hit_rate.decode')), ms(value(result, 'latency.tpot.mean'))]);
    }
  }, 60_000);

  it('shows how adapters fare', async () => {
    for (const [variants, row] of [
      [undefined, 0],
      ['per-request', 1],
      ['random', 2],
    ] as const) {
      const result = await simulate({
        model: 'llama-2-7b-lora-64',
        hardware: 'rtx-4090',
        memory: { expertCache: '10%' },
        workload: { tokens: 1024 },
        bounds: false,
        ...(variants === undefined ? {} : { variants }),
      });
      const hits = value(result, 'cache.hit_rate.decode');
      const mib = (value(result, 'transfer.h2d.bytes_per_token') / 2 ** 20).toFixed(1);
      expect(table('routing')[row]!.slice(2)).toEqual([hits === 1 ? '100 %' : percent(hits), mib, ms(value(result, 'latency.tpot.mean'))]);
    }
  }, 60_000);
});
