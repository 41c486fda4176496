// Where nothing fits: each way out is asked again by the words of its own command, and fits.
import { describe, expect, it } from 'vitest';
import { adviceFor } from '../../src/advise/answer.js';
import type { AdviceWishes } from '../../src/advise/ask.js';
import type { WayOut } from '../../src/advise/ways.js';
import { loadModel } from '../../src/model/load/load.js';
import { weightBytes } from '../../src/model/spec.js';
import { shellWords } from '../runtime/flags/command.js';

const GIB = 2 ** 30;

/** Asks what a command of moeprof asks. */
function again({ command }: WayOut, wishes: AdviceWishes) {
  const [program, sub, model, flag, machine, ...options] = shellWords(command.join('\n'));
  expect([program, sub, flag]).toEqual(['moeprof', 'advise', '-w']);
  const told = Object.fromEntries(Array.from({ length: options.length / 2 }, (_, i) => [options[2 * i]!.slice(2), options[2 * i + 1]!]));
  const { context, quantizations, users } = told;
  return adviceFor(model!, machine!, {
    ...wishes,
    ...(context === undefined ? {} : { context: Number(context) }),
    ...(users === undefined ? {} : { users: Number(users) }),
    quantizations: quantizations?.split(',') ?? (model === wishes.quantizations?.[0] ? wishes.quantizations : undefined),
  });
}

/** A prompt that a test computes soon. */
const SHORT: AdviceWishes = { prompt: 512 };

const CASES: readonly (readonly [model: string, machine: string, wishes: AdviceWishes, kinds: readonly RegExp[]])[] = [
  [
    'qwen3-30b-a3b',
    'rtx-3060+ryzen-7-5700x+2xddr4-3200+16GB',
    { ...SHORT, quantizations: ['q8_0'] },
    [/^In q[56]_k(_m)?$/, /^From a drive/, /^Instead /],
  ],
  [
    'qwen3-30b-a3b',
    'rtx-3060-8gb+ryzen-7-5700x+2xddr4-3200+16GB',
    { ...SHORT, users: 4, context: 131_072 },
    [/^With [\d,]+ tokens of context$/, /^Instead /],
  ],
  ['deepseek-v3', 'rtx-3060+ryzen-7-5700x+2xddr4-3200+32GB', { ...SHORT, context: 16_384 }, [/^From a drive/, /^Instead /]],
];

/** Kinds of ways whose commands were asked again. */
const asked = new Set<string>();

describe.each(CASES)('%s on %s', (model, machine, wishes, kinds) => {
  it('has ways out, each of which fits', async () => {
    const { answer, ways } = await adviceFor(model, machine, wishes);
    expect(answer).toBeNull();
    for (const kind of kinds) expect(ways!.filter(({ text }) => kind.test(text))).toHaveLength(1);
    for (const way of ways!) {
      const [kind] = way.text.split(' ');
      if (asked.has(kind!)) continue;
      asked.add(kind!);
      const { context, prompt, users } = wishes;
      const { answer: fits } = await again(way, { context, prompt, users });
      expect([way.text, fits === null]).toEqual([way.text, false]);
      if (!way.text.startsWith('From')) expect(fits!.decode / way.decode!).toBeGreaterThan(0.5);
    }
  });
});

describe("a Mac's memory", () => {
  it('is given to its GPU by the number that the model needs', async () => {
    const { answer, ways } = await adviceFor('mixtral-8x22b', 'apple-m4-max+96GB', { ...SHORT, quantizations: ['q4_k_m'] });
    expect(answer).toBeNull();
    const limit = ways!.find(({ command }) => command[0]!.startsWith('sudo sysctl iogpu.wired_limit_mb='))!;
    const bytes = Number(limit.command[0]!.split('=')[1]) * 2 ** 20;
    // macOS leaves three quarters, 72 GiB; the weights alone take more, with KV cache and buffers at most 6 GiB.
    const weights = weightBytes(loadModel('mixtral-8x22b', 'q4_k_m'));
    expect(weights).toBeGreaterThan(72 * GIB);
    expect(bytes).toBeGreaterThan(weights);
    expect(bytes).toBeLessThan(weights + 6 * GIB);
    expect(limit.decode).toBeNull();
  });

  it('is not, where its system would have less than an eighth', async () => {
    const { ways } = await adviceFor('gpt-oss-120b', 'apple-m4-max+64GB', SHORT);
    expect(ways!.some(({ command }) => command[0]!.includes('sysctl'))).toBe(false);
  });
});

it('is nothing where the model fits', async () => {
  expect(await adviceFor('olmoe-1b-7b', 'rtx-3060+32GB', { ...SHORT, context: 4096 })).not.toHaveProperty('ways');
});
