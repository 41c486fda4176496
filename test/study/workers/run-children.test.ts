import { afterEach, beforeEach, describe, expect, it, vi } from 'vitest';
import type { CellTask, Ran } from '../../../src/study/queue/worker-side.js';
import { RunChildren, type StartChild } from '../../../src/study/workers/run-children.js';

/** A process that does what the test says. */
interface Fake {
  readonly has: Map<string, number>;
  asked: number;
  done(fingerprint: string, ms?: number): void;
  back(...fingerprints: string[]): void;
  die(): void;
}

function fakes(): { readonly started: Fake[]; readonly start: StartChild } {
  const started: Fake[] = [];
  const start: StartChild = (hear, lost) => {
    const has = new Map<string, number>();
    const take = (fingerprint: string): number => {
      const id = has.get(fingerprint)!;
      has.delete(fingerprint);
      return id;
    };
    const fake: Fake = {
      has,
      asked: 0,
      done: (fingerprint, ms = 1) => hear({ ran: [[take(fingerprint), ranOf(fingerprint), ms]], returned: [] }),
      back: (...fingerprints) => hear({ ran: [], returned: fingerprints.map(take) }),
      die: () => lost('was ended by SIGKILL'),
    };
    started.push(fake);
    return {
      give: (id, { fingerprint }) => void has.set(fingerprint, id),
      askBack: () => void fake.asked++,
      end: () => undefined,
      kill: () => lost('was ended by SIGKILL'),
    };
  };
  return { started, start };
}

const ranOf = (reason: string): Ran => ({ kind: 'failed', reason });
const task = (fingerprint: string): CellTask => ({
  fingerprint,
  run: '',
  system: '',
  files: [],
  modules: [],
  view: { folder: '/', lies: new Map(), own: [] },
});
const outcome = (run: Promise<Ran>): Promise<string> =>
  run.then(
    (ran) => `ran ${ran.kind === 'failed' ? ran.reason : ''}`,
    (error: Error) => error.message,
  );

describe('processes that run cells', () => {
  beforeEach(() => {
    vi.useFakeTimers({ toFake: ['setInterval', 'clearInterval', 'performance'] });
  });
  afterEach(() => {
    vi.useRealTimers();
  });

  it('have one cell each until cells are known to be short, then several', async () => {
    const { start, started } = fakes();
    const children = new RunChildren(2, start);
    const runs = ['a', 'b', 'c', 'd', 'e'].map((name) => outcome(children.run(task(name))));
    expect([children.room, started.map(({ has }) => [...has.keys()])]).toEqual([2, [['a'], ['b']]]);
    started[0]!.done('a', 240);
    expect([children.room, started.map(({ has }) => [...has.keys()])]).toEqual([
      4,
      [
        ['c', 'd'],
        ['b', 'e'],
      ],
    ]);
    for (const fake of started) for (const name of [...fake.has.keys()]) fake.done(name);
    expect(await Promise.all(runs)).toEqual(['ran a', 'ran b', 'ran c', 'ran d', 'ran e']);
  });

  it('run alone what a process had that died, so that only the cell that kills it is failed', async () => {
    const { start, started } = fakes();
    const children = new RunChildren(1, start);
    const first = children.run(task('warm'));
    started[0]!.done('warm', 20);
    await first;
    const runs = ['good', 'poison', 'fine', 'late'].map((name) => outcome(children.run(task(name))));
    expect(started[0]!.has.size).toBe(4);
    started[0]!.die();
    while (started.at(-1)!.has.size > 0) {
      const { die, done, has } = started.at(-1)!;
      const names = [...has.keys()];
      expect(names.length).toBe(1);
      if (names[0] === 'poison') die();
      else done(names[0]!);
    }
    expect(await Promise.all(runs)).toEqual(['ran good', 'its process was ended by SIGKILL', 'ran fine', 'ran late']);
    // The one that had four, the one that the poison killed, and the one after it.
    expect(started.length).toBe(3);
  });

  it('give back what waits behind a long cell, unless another process is free', async () => {
    const { start, started } = fakes();
    const children = new RunChildren(1, start);
    const first = children.run(task('warm'));
    started[0]!.done('warm', 20);
    await first;
    const runs = ['long', 'short'].map((name) => outcome(children.run(task(name))));
    vi.advanceTimersByTime(1999);
    expect(started[0]!.asked).toBe(0);
    vi.advanceTimersByTime(1);
    expect(started[0]!.asked).toBe(1);
    expect(children.room).toBe(1);
    started[0]!.back('short');
    started[0]!.done('long');
    expect(await Promise.all(runs)).toEqual(['ran long', 'waits behind a long cell']);
  });
});

describe('processes of a worker that ends', () => {
  it('give back all at once when they are killed, and take nothing more', async () => {
    const { start, started } = fakes();
    const children = new RunChildren(2, start);
    const runs = ['a', 'b', 'c'].map((name) => outcome(children.run(task(name))));
    children.kill();
    expect(await Promise.all([...runs, outcome(children.run(task('d')))])).toEqual(Array.from({ length: 4 }, () => 'the worker ends'));
    expect(started.length).toBe(2);
  });
});
