// A real phone ran two models with an LRU over a byte budget and wrote down what it measured. The same routing under the laws, with the
// sizes that the recording carries, must give the same hits and bytes, token by token.
import { readFileSync } from 'node:fs';
import { expect, it } from 'vitest';
import { openTrace, simulate } from '../../../src/index.js';
import { auditTrace } from '../../../src/trace/audit/index.js';
import { writeSafetensors } from '../../../src/trace/open/write.js';
import { temporaryFolder } from '../../trace/builders.js';
import { recorded, recording } from './recording.js';

const MIB = 2 ** 20;

/** What the phone wrote down per decoded token. */
function measured(name: string): { hitPercent: number; bytes: number }[] {
  const [head, ...lines] = readFileSync(recording(`device/${name}.metrics`), 'utf8')
    .split('\n')
    .filter((line) => line !== '' && !line.startsWith('#'));
  const column = (key: string) => head!.split(',').indexOf(key);
  return lines.map((line) => {
    const cells = line.split(',');
    return { hitPercent: Number(cells[column('cache_hit_pct')]), bytes: Number(cells[column('read_bytes')]) };
  });
}

/** The run up to so many rows. */
async function replay(trace: string, model: string, cache: string, tokens?: number) {
  const { metrics } = await simulate({
    model,
    hardware: 'phone-ufs4',
    system: 'on-demand-lru',
    trace,
    memory: { expertCache: cache },
    workload: tokens === undefined ? {} : { tokens },
    bounds: false,
    audit: 'off',
  });
  const value = (metric: string): number => metrics[metric]?.value ?? 0;
  return {
    demanded: value('experts.demanded'),
    hits: value('cache.hits'),
    decoded: { demanded: value('experts.demanded.decode'), hits: value('cache.hits.decode') },
    bytes: value('transfer.ssd.bytes'),
  };
}

recorded('a phone', ['device/qwen.route.csv', 'device/gptoss.route.csv'], () => {
  const temporary = temporaryFolder();

  it.each([
    ['qwen', 'qwen3-30b-a3b', '4000MiB', 28, { demanded: 39_526, hits: 29_597, mib: 27_213.7 }],
    ['gptoss', 'gpt-oss-120b', '3000MiB', 85, { demanded: 6_375, hits: 2_066, mib: 54_322.8 }],
  ] as const)(
    '%s: hits and bytes of the whole run, and both at every decoded token',
    async (name, model, cache, prompt, expected) => {
      const routes = recording(`device/${name}.route.csv`);
      const whole = await replay(routes, model, cache);
      expect([whole.demanded, whole.hits]).toEqual([expected.demanded, expected.hits]);
      expect(whole.bytes / MIB).toBeCloseTo(expected.mib, 1);

      const device = measured(name);
      // Converted once, since a run is made for every token; the sizes of the experts go with it.
      const converted = `${temporary}/${name}.safetensors`;
      const trace = await openTrace(routes);
      writeSafetensors(trace, converted);
      trace.close();
      const prefill = await replay(converted, model, cache, prompt);
      let bytes = 0;
      for (const [step, { bytes: read, hitPercent }] of device.entries()) {
        bytes += read;
        const run = await replay(converted, model, cache, prompt + step + 1);
        const rate = (100 * run.hits) / run.demanded;
        expect(Math.abs(rate - hitPercent), `hit rate at decoded token ${step + 1}`).toBeLessThan(0.05);
      }
      expect(Math.abs((whole.bytes - prefill.bytes) / bytes - 1)).toBeLessThan(0.005);
    },
    60_000,
  );

  it.each([
    ['qwen', { tokens: 28 + 128, layers: 48, topK: 6, prefill: 28, bytes: 3_059_712 }],
    ['gptoss', { tokens: 85 + 64, layers: 36, topK: 2, prefill: 85, bytes: 13_219_200 }],
  ])('%s: the shape of its trace, whose audit notes ragged layers and nothing else', async (name, shape) => {
    const trace = await openTrace(recording(`device/${name}.route.csv`));
    const { layers, requests, tokens, topK } = trace;
    const bytes = trace.meta.expertBytes![0];
    const findings = auditTrace(trace);
    trace.close();
    expect({ tokens, layers, topK, prefill: requests[0]!.prefill, bytes }).toEqual(shape);
    expect(findings.map(({ code, level }) => [code, level])).toEqual([['ragged-layers', 'note']]);
  });
});
