// Several models on one machine: each answer is that of advice on the one, and the marks are what a look at every pair says.
import { describe, expect, it } from 'vitest';
import { adviceFor } from '../../src/advise/answer.js';
import { modelsFor } from '../../src/advise/models.js';

const MACHINE = 'rtx-3060+16GB';
const NAMES = ['olmoe-1b-7b', 'gpt-oss-20b', 'granite-3.0-1b-a400m', 'kimi-k2', 'qwen3-30b-a3b', 'lfm2-8b-a1b'];
const WISHES = { prompt: 512, context: 4096 };

describe('models on a machine', async () => {
  const { assumed, models, notes } = await modelsFor(MACHINE, NAMES, WISHES);

  it('are those that were named, the largest first', () => {
    expect(models.map(({ model }) => model).toSorted()).toEqual(NAMES.toSorted());
    const sizes = models.map(({ parameters }) => parameters.total);
    expect(sizes).toEqual(sizes.toSorted((a, b) => b - a));
    expect(assumed[0]).toBe('CPU not given: ryzen-7-7700x (8 cores), usual beside a desktop card.');
    expect(notes.join()).not.toContain('not given');
  });

  it.each(NAMES)('%s has the answer of advice on it alone', async (name) => {
    const { answer, command, kept, quantization } = await adviceFor(name, MACHINE, WISHES);
    const offer = models.find(({ model }) => model === name)!;
    expect(offer).toMatchObject({ answer, command, kept, quantization });
    // Kimi K2 in its smallest format is 200 GiB, of which this machine holds 23 (11 on the card, 12 beside the system).
    if (answer === null) expect(offer.missing / 2 ** 30).toBeGreaterThan(170);
    expect(offer.missing > 0).toBe(answer === null);
  });

  it('are marked where no other is both larger and faster', () => {
    const fit = models.filter(({ answer }) => answer !== null);
    for (const one of models) {
      const outdone = fit.some(
        ({ answer, parameters }) => parameters.total > one.parameters.total && answer!.decode >= (one.answer?.decode ?? 0),
      );
      expect([one.model, one.frontier]).toEqual([one.model, one.answer !== null && !outdone]);
    }
    expect(fit.length).toBe(NAMES.length - 1);
  });

  it('are not marked where they are slower than what is wanted', async () => {
    const { models: judged } = await modelsFor(MACHINE, NAMES.slice(0, 3), { ...WISHES, goal: 'tpot=10ms' });
    expect(judged.map(({ frontier, kept }) => [kept, frontier && !kept])).toEqual(
      judged.map(({ answer }) => [1e9 / answer!.decode <= 10e6, false]),
    );
    expect(new Set(judged.map(({ kept }) => kept)).size).toBe(2);
  });
});
