// Which tokens a row is predicted on: arithmetic by hand.
import { describe, expect, it } from 'vitest';
import { decodingPhase, promptPhase } from '../../../../src/measured/validate/rows/phases.js';
import { measurement } from '../rows.js';

describe('decoding', () => {
  it('sees on average what the measured tokens saw', () => {
    // llama-bench: 128 tokens from an empty context see 64 on average; 40 tokens do so from 44 on.
    expect(decodingPhase(measurement(), 512)).toEqual({ users: 1, prompt: 1, output: 40, context: 44, ubatch: 512, warming: 0 });
    // 128 tokens behind 8,192: 8,192 + 64 = 8,236 + 20.
    expect(decodingPhase(measurement({ run: { depth: 8192, tg_tokens: 128 } }), 512).context).toBe(8236);
    // 32 tokens see 16; 40 cannot see fewer than 20.
    expect(decodingPhase(measurement({ run: { tg_tokens: 32 } }), 512).context).toBe(0);
  });

  it('warms caches first, and counts what comes after', () => {
    const row = measurement({ placement: { kind: 'expert-cache', where: 'gpu' }, run: { depth: 1000, tg_tokens: 320 } });
    // 1,000 + 160 on average; the counted ones are 160 + 80 behind the start: 920.
    expect(decodingPhase(row, 512)).toMatchObject({ output: 320, warming: 160, context: 920 });
  });

  it('of a batch runs all its sequences in one pass', () => {
    expect(decodingPhase(measurement({ run: { batch_users: 600 } }), 512)).toMatchObject({ users: 600, ubatch: 600 });
  });
});

describe('a prompt', () => {
  it('runs whole, in passes of the ubatch, behind what is there', () => {
    const run = { depth: 16384, pp_tokens: 512, ubatch: 256 };
    expect(promptPhase(measurement({ run }), 512)).toEqual({ users: 1, prompt: 512, output: 1, context: 16384, ubatch: 256, warming: 0 });
  });

  it('is the depth itself where programs chat', () => {
    const run = { depth: 969, pp_tokens: 969 };
    expect(promptPhase(measurement({ engine: 'ktransformers', run }), 8192)).toMatchObject({ context: 0, ubatch: 8192 });
    // llama.cpp's server says so too; its benchmarks walk depths, and say what is there before the prompt.
    expect(promptPhase(measurement({ run }), 512).context).toBe(0);
    expect(promptPhase(measurement({ run, series: { id: 's', vary: 'depth' } }), 512).context).toBe(969);
  });

  it('of more than 8,192 tokens is its middle', () => {
    // (10,192 - 8,192) / 2
    expect(promptPhase(measurement({ run: { pp_tokens: 10192 } }), 512)).toMatchObject({ prompt: 8192, context: 1000 });
  });

  it('is never less than a pass, for which experts are copied once', () => {
    // (40,000 - 30,000) / 2
    expect(promptPhase(measurement({ run: { pp_tokens: 40000, ubatch: 30000 } }), 512)).toMatchObject({ prompt: 30000, context: 5000 });
    expect(promptPhase(measurement({ run: { pp_tokens: 20000, ubatch: 30000 } }), 512)).toMatchObject({ prompt: 20000, context: 0 });
  });
});
