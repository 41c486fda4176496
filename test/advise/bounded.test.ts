// L32: what advice costs grows with the answer, and not with a number of the user's.
import { describe, expect, it } from 'vitest';
import { adviceFor, basesOf } from '../../src/advise/answer.js';
import { type AdviceWishes, machineNamed, Subject } from '../../src/advise/ask.js';
import { breakEvensOn } from '../../src/advise/breakeven.js';
import { refuseUsers, usersHeld } from '../../src/advise/fit.js';
import { glance } from '../../src/advise/glance.js';
import { modelsFor } from '../../src/advise/models.js';
import { tokensNeeded } from '../../src/advise/price.js';
import type { Question } from '../../src/advise/question.js';
import { UserError } from '../../src/base/errors.js';
import { LIMITS } from '../../src/base/meter.js';
import { ADVISED } from '../../src/runtime/index.js';

const MODEL = 'olmoe-1b-7b';
const MACHINE = 'rtx-3060+32GB';
const refusal = (wishes: AdviceWishes, machine = MACHINE): Promise<string> =>
  adviceFor(MODEL, machine, wishes).then(
    () => 'an answer',
    (error: unknown) => (error instanceof UserError ? error.message : String(error)),
  );

async function questionOn(wishes: AdviceWishes, machine = MACHINE): Promise<Question> {
  const [basis] = await basesOf(machineNamed(machine), wishes);
  return new Subject(MODEL, undefined).question(basis!, wishes);
}

describe('L32: tokens that are walked', () => {
  it('are those of the longest pass, however long the prompt', () => {
    expect(tokensNeeded(1, { prompt: 4096, output: 1 })).toBe(4098);
    expect(tokensNeeded(1, { prompt: 8192, output: 1 })).toBe(8194);
    expect(tokensNeeded(1, { prompt: 1e15, output: 1 })).toBe(8194);
    expect(Math.max(...ADVISED.flatMap(({ ubatches }) => ubatches))).toBe(8192);
  });

  it('are 321 of each user up to 64 of them, then as many in all, and at least 5 of each; beside those of several, the prompt and one', () => {
    const walked = (users: number): number => tokensNeeded(users, { prompt: 1, output: 1 }) - 1;
    expect([1, 4, 64].map(walked)).toEqual([321, 4 * 321 + 2, 64 * 321 + 2]);
    expect(walked(128)).toBe(128 * 161 + 2);
    expect(walked(1024)).toBe(1024 * 21 + 2);
    expect(walked(1e5)).toBe(5e5 + 2);
  });
});

describe('L32: users', () => {
  it('are at most the KV caches that all memories hold, of the shortest context that is tried', async () => {
    // 16 layers, 16 heads of 128, keys and values: 65,536 values a token, in q8_0 34 bytes for 32 of them; an eighth of the context.
    const question = await questionOn({ context: 16_384 });
    const each = 2048 * 65_536 * (34 / 32);
    const held = usersHeld(question);
    expect(held).toBeGreaterThan((36 * 2 ** 30) / each);
    expect(held).toBeLessThan((44 * 2 ** 30) / each);
    expect(() => refuseUsers({ ...question, users: held })).not.toThrow();
    expect(() => refuseUsers({ ...question, users: held + 1 })).toThrow(
      `--users ${held + 1}: asks for more than ${MACHINE} holds without a model, which is ${held} KV caches of 2,048 tokens; take fewer`,
    );
  });

  it('beyond that end advice, a glance and a break-even in a line, and draw nothing', async () => {
    const line =
      /^--users 1000000000: asks for more than rtx-3060\+32GB holds without a model, which is [\d,]+ KV caches of 512 tokens; take fewer$/;
    expect(await refusal({ users: 1e9 })).toMatch(line);
    const question = await questionOn({ users: 1e9 });
    expect(question.trace.tokens).toBeLessThan(6000);
    await expect(glance(question, null)).rejects.toThrow(line);
    await expect(breakEvensOn(MODEL, machineNamed(MACHINE), {}, [1, 1e9])).rejects.toThrow(line);
  });

  it('beyond that are no answer for a model in a list', async () => {
    const { models } = await modelsFor(MACHINE, [MODEL], { users: 1e9 });
    expect(models.map(({ answer, missing }) => [answer, missing > 2 ** 50])).toEqual([[null, true]]);
  });

  it('that a machine of any memory holds end at the routing that would be drawn', async () => {
    expect(await refusal({ users: 1e9 }, 'rtx-3060+9007199254740993GB')).toBe(
      'advise: asks for more than 40,000,000 choices of experts; take fewer --users or a smaller model',
    );
  });
});

describe('L32: prompts', () => {
  it.each([2 ** 20 + 1, 1e9, 1e15])('of %d tokens are refused in a line', async (prompt) => {
    expect(await refusal({ prompt })).toBe(`--prompt ${prompt}: asks for more than 1,048,576 tokens; no model is trained on as many`);
  });

  it('are those that the context of the model holds', async () => {
    const { context, notes, request } = await questionOn({ prompt: 2 ** 20 });
    expect([context, request.prompt]).toEqual([4096, 4096 - 512]);
    expect(notes).toContain('The model was trained on 4,096 tokens of context, so it gets no more.');
    const [basis] = await basesOf(machineNamed(MACHINE), {});
    const unknown = await new Subject('qwen3.6-35b-a3b', undefined).question(basis!, { prompt: 2 ** 20 });
    expect([unknown.context, unknown.request.prompt]).toEqual([2 ** 20, 2 ** 20 - 512]);
    expect(unknown.notes).toContain('No model is trained on more than 1,048,576 tokens of context, so it gets no more.');
    expect(unknown.trace.tokens).toBe(8194 + 1000);
  });
});

it('L32: the largest question of a bundled model keeps the limit of routing', () => {
  // 1,472 choices a token (kimi-k3), 64 users.
  expect((tokensNeeded(64, { prompt: 4096, output: 1 }) + 1000) * 1472).toBeLessThan(LIMITS.routing.most);
});
