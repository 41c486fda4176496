import type { Redis } from 'ioredis';
import { expect, it } from 'vitest';
import { Together } from '../../../src/study/queue/together.js';

it('sends what is asked in one turn as one message, and each who asks hears the answers to what it asked', async () => {
  const messages: string[][] = [];
  const redis = {
    stream: undefined,
    pipeline: (commands: readonly (readonly string[])[]) => ({
      exec: async () => {
        messages.push(commands.map((command) => command.join(' ')));
        return commands.map(([name, key]) => (key === 'bad' ? [new Error('refused'), null] : [null, `${name} ${key}`]));
      },
    }),
  } as unknown as Redis;
  const together = new Together(redis);
  const [one, bad, two] = await Promise.allSettled([
    together.ask(['get', 'a'], ['get', 'b']),
    together.ask(['get', 'bad']),
    together.ask(['exists', 'c']),
  ]);
  expect(messages).toEqual([['get a', 'get b', 'get bad', 'exists c']]);
  expect([one, two]).toMatchObject([{ value: ['get a', 'get b'] }, { value: ['exists c'] }]);
  expect(bad).toMatchObject({ status: 'rejected', reason: { message: 'refused' } });
  expect(await together.ask(['get', 'd'])).toEqual(['get d']);
  expect(messages.length).toBe(2);
});

it('sends a message anew whose answers were cut off', async () => {
  const cut = Object.assign(new Error('Command aborted due to connection close'), { name: 'AbortError' });
  const answers = [
    [
      [null, 1],
      [cut, null],
    ],
    [
      [null, 1],
      [null, 2],
    ],
  ];
  const sent: unknown[] = [];
  const redis = {
    stream: undefined,
    pipeline: (commands: unknown) => ({ exec: async () => answers[sent.push(commands) - 1] }),
  } as unknown as Redis;
  expect(await new Together(redis).ask(['get', 'a'], ['get', 'b'])).toEqual([1, 2]);
  expect(sent).toEqual(
    Array.from({ length: 2 }, () => [
      ['get', 'a'],
      ['get', 'b'],
    ]),
  );
});
