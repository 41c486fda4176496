// What a runtime does with prompts: experts that the CPU would compute are copied to the GPU where the pass is large enough.
import { writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { describe, expect, it } from 'vitest';
import { findProfile } from '../../src/base/profiles.js';
import { loadModel, simulate } from '../../src/index.js';
import { openTrace } from '../../src/trace/open/open.js';
import { chunks } from '../../src/trace/trace.js';
import { temporaryFolder } from '../support/folder.js';

/** A copy of llama.cpp with these lines over it; @returns its path */
function runtime(lines: string): string {
  const path = join(temporaryFolder(), 'r.yaml');
  writeFileSync(path, `name: r\nbase: llama.cpp\n${lines}`);
  return path;
}

async function run(lines: string, prompt: number) {
  const result = await simulate({
    model: 'mini-mixtral-8x8l',
    hardware: 'rtx-4090',
    system: { name: 'all-on-cpu', cache: { policy: 'lru', capacity: '0%' }, onMiss: 'cpu' },
    runtime: runtime(lines),
    workload: { prompt, output: 2, tokens: prompt + 2 },
    bounds: false,
  });
  return (name: string) => result.metrics[name]!.value;
}

describe('a prompt', () => {
  it('of as many tokens as the runtime says is streamed; decoding and smaller ones are computed by the CPU', async () => {
    const large = await run('prompt: { offloadFrom: 128 }\n', 128);
    const small = await run('prompt: { offloadFrom: 129 }\n', 128);
    const never = await run('prompt: { offloadFrom: never }\n', 128);
    // Nearly all 8 experts of 8 layers serve 128 tokens of top-2.
    expect(large('cache.streamed')).toBeGreaterThan(56);
    expect(large('cache.streamed')).toBeLessThanOrEqual(64);
    expect(small('cache.streamed')).toBe(0);
    expect(never('cache.streamed')).toBe(0);
    expect(large('transfer.h2d.bytes')).toBeGreaterThan(0);
    expect(small('transfer.h2d.bytes')).toBe(0);
  });

  it('executes as copies arrive, or when all have', async () => {
    const overlapped = await run('copy: { overlap: copy }\n', 128);
    const serial = await run('copy: { overlap: none }\n', 128);
    expect(serial('time.total')).toBeGreaterThan(overlapped('time.total'));
  });

  it('copies the union of what the tokens of each of its passes chose, once', async () => {
    const model = loadModel('mini-mixtral-8x8l');
    const trace = await openTrace(findProfile('traces', 'mini-mixtral-8x8l'), { model });
    const { prefill } = trace.requests[0]!;
    const width = 48;
    let unions = 0;
    for (const chunk of chunks(trace, width, 0, prefill)) {
      const seen = new Set<number>();
      for (let at = 0; at < chunk.tokens * trace.layers * trace.topK; at++) {
        const layer = Math.floor(at / trace.topK) % trace.layers;
        seen.add(layer * model.layers[0]!.experts + chunk.experts[at]!);
      }
      // A last pass of fewer tokens than are copied for is the CPU's.
      if (chunk.tokens >= 8) unions += seen.size;
    }
    trace.close();
    const { metrics } = await simulate({
      trace: 'mini-mixtral-8x8l',
      hardware: 'rtx-4090',
      system: { name: 'all-on-cpu', cache: { policy: 'lru', capacity: '0%' }, onMiss: 'cpu' },
      runtime: runtime('prompt: { offloadFrom: 8 }\n'),
      workload: { tokens: prefill, maxTokensPerPass: width },
      bounds: false,
    });
    expect(metrics['transfer.h2d.count']!.value).toBe(unions);
    expect(metrics['transfer.h2d.bytes']!.value).toBe(unions * model.layers[0]!.expertBytes);
  });
});
