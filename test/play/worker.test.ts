// The thread of the page: it answers in turn, says that it is at work, and ends what is not wanted any more (L32).
import { afterEach, beforeEach, describe, expect, it, vi } from 'vitest';
import { answerMessages } from '../../src/play/worker.js';

interface Said {
  readonly id?: number;
  readonly working?: number;
  readonly error?: string;
  readonly advice?: object;
}

const said: Said[] = [];
const scope = globalThis as unknown as { onmessage?: (event: { data: object }) => void; postMessage?: (message: Said) => void };
const send = (message: object): void => scope.onmessage!({ data: message });
const answerTo = (id: number): Promise<Said> =>
  vi.waitFor(() => said.find((one) => one.id === id) ?? Promise.reject(new Error(`${id}`)), 60_000);

beforeEach(() => {
  said.length = 0;
  scope.postMessage = (message) => said.push(message);
  answerMessages();
});
afterEach(() => {
  delete scope.onmessage;
  delete scope.postMessage;
});

const WHOLE = 'm=olmoe-1b-7b&w=rtx-3060:4GB+16GB';

describe('L32: the thread of the page', () => {
  it('ends the request that it answers, and goes on with the next', async () => {
    send({ id: 1, kind: 'whole', link: WHOLE });
    await vi.waitFor(() => expect(said).toContainEqual({ working: 1 }), 60_000);
    send({ id: 1, kind: 'end' });
    send({ id: 2, kind: 'glance', link: `${WHOLE}&context=2048`, before: null });
    expect(await answerTo(1)).toEqual({ id: 1, error: 'a newer question came' });
    expect((await answerTo(2)).advice).toMatchObject({ context: 2048 });
  });

  it('does not begin what was ended before its turn', async () => {
    send({ id: 1, kind: 'glance', link: WHOLE, before: null });
    send({ id: 2, kind: 'whole', link: WHOLE });
    send({ id: 2, kind: 'end' });
    expect(await answerTo(2)).toEqual({ id: 2 });
    expect((await answerTo(1)).advice).toBeDefined();
    expect(said.filter(({ working }) => working === 2)).toEqual([]);
  });

  it('keeps nothing of what was ended: the same question is answered whole afterwards', async () => {
    send({ id: 1, kind: 'hits', link: `${WHOLE}&context=4096` });
    await vi.waitFor(() => expect(said).toContainEqual({ working: 1 }), 60_000);
    send({ id: 1, kind: 'end' });
    expect(await answerTo(1)).toHaveProperty('error');
    send({ id: 2, kind: 'hits', link: `${WHOLE}&context=4096` });
    expect(await answerTo(2)).toHaveProperty('slots');
  });
});
