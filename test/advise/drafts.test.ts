// Drafts: wishes in the engine's unit, and the share of right tokens from which a draft pays.
import { describe, expect, it } from 'vitest';
import { bestAnswer } from '../../src/advise/advise.js';
import { type AdviceWishes, basisOf, machineNamed, withQuestion } from '../../src/advise/ask.js';
import { rightShares, wishedDrafting } from '../../src/advise/drafting.js';
import { draftsBeside } from '../../src/advise/drafts.js';
import { advise, adviseEngines } from '../../src/index.js';
import { cases } from '../cases.js';

const MACHINE = 'rtx-3090+2xddr5-5600+96GB';

describe('wishes', () => {
  it('are read in the unit that engines print', () => {
    expect(wishedDrafting({})).toMatchObject({ drafter: 'mtp', lengths: null, chance: 0.7, found: 1 });
    const four = wishedDrafting({ drafts: '0..4', accepted: '42%' });
    expect(four.lengths).toEqual([0, 1, 2, 3, 4]);
    // 42 % of four tokens are 1.68: p + p^2 + p^3 + p^4.
    expect(rightShares(four, 4).reduce((sum, share) => sum + share)).toBeCloseTo(1.68, 6);
    expect(wishedDrafting({ drafts: '4', accepted: '50% of 1' }).chance).toBe(0.5);
  });

  it.each([
    [{ drafts: '4..1' }, /^--drafts: "4\.\.1" is no number of tokens; write 3, or 0\.\.4, at most \d+$/],
    [{ drafts: 'many' }, /^--drafts: "many"/],
    [{ drafts: '2', accepted: 'often' }, /^--accepted: often of 2 is no acceptance/],
    [{ drafter: 'eagle' }, /^--drafter: "eagle" is none; take mtp or ngram$/],
    [{ drafter: 'ngram' }, /^--drafter ngram: how many tokens\? add --drafts 0\.\.4$/],
  ])('%o are refused', (wishes, message) => {
    expect(() => wishedDrafting(wishes)).toThrow(message);
  });

  it('of a model without such layers are refused, with what drafts for it', async () => {
    await expect(advise('qwen3-30b-a3b', MACHINE, { drafts: '2' })).rejects.toThrow(
      /^--drafts: qwen3-30b-a3b has no layers of its own that draft \(multi-token prediction\); take --drafter ngram, or leave --drafts out$/,
    );
  });
});

/** Speed of the best setting, and its drafts: a short prompt, since decoding is what is asked about, and nothing beside. */
async function drafted(more: AdviceWishes) {
  const wishes: AdviceWishes = { prompt: 512, context: 4096, quantizations: ['q4_k_m'], ...more };
  return withQuestion('glm-4.5-air', await basisOf(machineNamed(MACHINE), wishes), wishes, async (question) => {
    const best = (await bestAnswer(question))!;
    return { decode: best.price.decode, drafts: await draftsBeside(question, best) };
  });
}

describe('drafts of GLM-4.5-Air', () => {
  it('pay from the share on that they are said to', async () => {
    const most = cases(2);
    const { drafts } = await drafted({ drafts: `0..${most}`, accepted: '60% of 1' });
    expect(drafts.map(({ draft }) => draft)).toEqual([1, 2].slice(0, most));
    const { decode: plain } = await drafted({ drafts: '0' });
    for (const { accepted, breakEven, decode, draft, tokensPerPass } of drafts) {
      expect(tokensPerPass).toBeCloseTo(1 + draft * accepted, 9);
      const share = `${(100 * breakEven!).toFixed(4)}% of ${draft}`;
      const [even] = (await drafted({ drafts: String(draft), accepted: share })).drafts;
      // Which drafts are right is drawn, so that a few passes of 48 tokens differ.
      expect(even!.decode / plain).toBeGreaterThan(0.93);
      expect(even!.decode / plain).toBeLessThan(1.07);
      expect(decode < plain).toBe(accepted < breakEven!);
    }
  });

  it('by n-grams take no memory, and a third of the passes has one', async () => {
    const { answer, drafts } = await advise('qwen3-30b-a3b', MACHINE, {
      prompt: 512,
      context: 4096,
      drafter: 'ngram',
      drafts: '4',
      accepted: '100% of 4',
    });
    expect(drafts).toMatchObject([{ draft: 4, accepted: 1 }]);
    expect(drafts[0]!.tokensPerPass).toBeCloseTo(1 + 0.35 * 4, 9);
    expect(answer!.setting).toMatchObject({ draft: 4, drafter: 'ngram' });
  });
});

it('engines stand best first, on the same routing, each with its line', async () => {
  const { engines, model } = await adviseEngines('qwen3-30b-a3b', 'rtx-3060+2xddr4-3200+32GB', { prompt: 512 });
  expect(model).toBe('qwen3-30b-a3b');
  const costs = engines.map(({ cost }) => cost ?? Number.POSITIVE_INFINITY);
  expect(costs).toEqual(costs.toSorted((a, b) => a - b));
  const cached = engines.find(({ runtime }) => runtime === 'llama.cpp')!.best!;
  expect(cached.setting.slots).toBeGreaterThan(8);
  expect(cached.command.steps[0]!.lines.join(' ')).toContain('--moe-cache-mib');
  // A cache holds what it can: what it misses is what a token waits for.
  expect(cached.hitRate).toBeGreaterThan(cached.setting.slots! / 128);
  expect(engines.find(({ runtime }) => runtime === 'sglang')).toMatchObject({
    best: null,
    misfits: [expect.stringMatching(/needs .* more on GPU/), expect.anything()],
  });
});
