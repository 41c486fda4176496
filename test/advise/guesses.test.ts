// Guesses in the verdict: only parts that nobody named, and only where a usual other one moves a speed by more than a tenth.
import { describe, expect, it } from 'vitest';
import { adviceFor } from '../../src/advise/answer.js';
import type { AdviceWishes } from '../../src/advise/ask.js';

const MODEL = 'qwen3-30b-a3b';
const WISHES: AdviceWishes = { quantizations: ['q4_k_m'], prompt: 512, context: 4096 };
/** Without an expert cache, which waits less for memory. */
const FIXED: AdviceWishes = { ...WISHES, runtime: 'ik_llama.cpp' };

describe('a guess', () => {
  it('is said with what another part would change, as a run with that part has it', async () => {
    const { answer, assumed, guesses } = await adviceFor(MODEL, 'rtx-2060+ryzen-7-7700x+32GB', FIXED);
    expect(assumed.map((text) => text.split(' ')[0])).toEqual(['Memory', 'PCIe']);
    const memory = guesses.find(({ part }) => part === 'memory 2xddr5-5200')!;
    // 6400 is farther from 5200 than 4800 is.
    expect(memory.other).toBe('ddr5-6400');
    const faster = await adviceFor(MODEL, 'rtx-2060+ryzen-7-7700x+2xddr5-6400+32GB', FIXED);
    expect(memory.decode).toBeGreaterThan(1.1);
    expect(faster.answer!.decode / answer!.decode / memory.decode).toBeCloseTo(1, 1);
  });

  it('is none where the part was named, or takes no part', async () => {
    const named = await adviceFor(MODEL, 'rtx-2060+ryzen-7-7700x+2xddr5-5200+32GB+pcie3x16', WISHES);
    expect([named.assumed, named.guesses]).toEqual([[], []]);
    // The card holds all of it: neither the CPU nor its memory is waited for.
    const resident = await adviceFor('gpt-oss-20b', 'rtx-3090+32GB', { prompt: 512, context: 4096 });
    expect(resident.assumed.length).toBeGreaterThan(1);
    expect(resident.guesses).toEqual([]);
  });

  it('of channels is that half of them may be filled', async () => {
    const { guesses } = await adviceFor(MODEL, 'rtx-2060+ryzen-7-7700x+ddr5-5200+32GB+pcie3x16', FIXED);
    expect(guesses.map(({ other, part }) => [part, other])).toEqual([['memory 2xddr5-5200', 'half the channels']]);
    expect(guesses[0]!.decode).toBeLessThan(0.75);
  });
});
