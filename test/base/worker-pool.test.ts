// Threads that take tasks: answers in their order, errors as what they were, threads that end, pools that are stopped.
import { writeFileSync } from 'node:fs';
import { join, relative } from 'node:path';
import { describe, expect, it } from 'vitest';
import { UserError } from '../../src/base/errors.js';
import { CODE_FOLDER } from '../../src/base/host/modules.js';
import type { ThreadModule } from '../../src/base/host/threads.js';
import { runInPool, type TaskEnd, TaskThread } from '../../src/base/worker-pool.js';
import { temporaryFolder } from '../support/folder.js';

/** A task of the script below. */
interface Task {
  readonly say?: string;
  readonly refuse?: string;
  readonly exit?: boolean;
  readonly break?: boolean;
  /** Waits until this is not 0. */
  readonly gate?: Int32Array;
}

const closed = (): Int32Array => new Int32Array(new SharedArrayBuffer(4));

/** What a script of serveTasks sends: a note, then an answer, or what was thrown; or it ends. */
const file = join(temporaryFolder(), 'thread.js');
writeFileSync(
  file,
  `
  const { parentPort, workerData } = require('node:worker_threads');
  let last = Promise.resolve();
  const serve = async (task) => {
    if (task.exit) process.exit(3);
    if (task.break) throw new TypeError('broken');
    while (task.gate && Atomics.load(task.gate, 0) === 0) await new Promise((resolve) => setTimeout(resolve, 2));
    parentPort.postMessage({ kind: 'note', note: 'began ' + task.say });
    if (task.refuse) parentPort.postMessage({ kind: 'thrown', error: { message: task.refuse, stack: '', exitCode: 2 } });
    else parentPort.postMessage({ kind: 'answer', answer: workerData + task.say });
  };
  parentPort.on('message', (task) => { last = last.then(() => serve(task)); });
`,
);
/** Found from the folder of our code, as all modules of threads are. */
const MODULE = relative(CODE_FOLDER, file.replace(/\.js$/, '')) as ThreadModule;

const thread = () => new TaskThread<Task, string, string>(MODULE, '>');

describe('a thread', () => {
  it('answers its tasks in their order, and each hears its own notes', async () => {
    const one = thread();
    const heard: string[] = [];
    const ask = (say: string) => one.ask({ say }, say, (note) => heard.push(`${say}: ${note}`));
    expect(await Promise.all([ask('a'), ask('b')])).toEqual(['>a', '>b']);
    expect(heard).toEqual(['a: began a', 'b: began b']);
    await one.end();
  });

  it('that refuses a task answers the next', async () => {
    const one = thread();
    const refused = one.ask({ refuse: 'run.yaml: no' }, 'a');
    const next = one.ask({ say: 'b' }, 'b');
    await expect(refused).rejects.toMatchObject({ name: 'UserError', message: 'run.yaml: no', exitCode: 2 });
    expect(await next).toBe('>b');
    await one.end();
  });

  it('that ends is an error of each of its tasks, by their names, and of those to come', async () => {
    const one = thread();
    const [first, second] = await Promise.allSettled([one.ask({ exit: true }, 'run.yaml'), one.ask({}, 'other.yaml')]);
    const lost = (name: string) => ({ status: 'rejected', reason: new Error(`a thread ended before its work was done (${name})`) });
    expect([first, second]).toEqual([lost('run.yaml'), lost('other.yaml')]);
    expect(one.lost).toBe(true);
    await expect(one.ask({}, 'late.yaml')).rejects.toThrow('(late.yaml)');
  });

  it('that breaks says how', async () => {
    const one = thread();
    await expect(one.ask({ break: true }, 'run.yaml')).rejects.toThrow('broken (run.yaml)');
  });
});

describe('a pool', () => {
  const pool = async (tasks: Iterable<Task>, threads: number, more: { signal?: AbortSignal; settled?: (task: Task) => void } = {}) => {
    const ends: [string | undefined, TaskEnd<string>][] = [];
    const settle = (task: Task, end: TaskEnd<string>): void => {
      ends.push([task.say, end]);
      more.settled?.(task);
    };
    const nameOf = ({ say }: Task): string => say ?? 'a task';
    await runInPool<Task, string, string>(tasks, { module: MODULE, data: '', threads, nameOf, settle, ...more });
    return ends;
  };

  it('settles each task when it ends, errors included, and takes a task only for a free thread', async () => {
    const gate = closed();
    const taken: string[] = [];
    function* tasks(): Generator<Task> {
      for (const task of [{ say: 'slow', gate }, { say: 'a' }, { say: 'b', refuse: 'no' }, { say: 'c' }]) {
        taken.push(task.say);
        yield task;
      }
    }
    const before: number[] = [];
    const settled = ({ say }: Task): void => {
      before.push(taken.length);
      if (say === 'c') Atomics.store(gate, 0, 1);
    };
    const ends = await pool(tasks(), 2, { settled });
    expect(ends).toEqual([
      ['a', { answer: 'a' }],
      ['b', { error: new UserError('no') }],
      ['c', { answer: 'c' }],
      ['slow', { answer: 'slow' }],
    ]);
    expect(before).toEqual([2, 3, 4, 4]);
  });

  it('puts another thread in the place of one that ends', async () => {
    const ends = await pool([{ say: 'bad', exit: true }, { say: 'good' }], 1);
    expect(ends).toEqual([
      ['bad', { error: new Error('a thread ended before its work was done (bad)') }],
      ['good', { answer: 'good' }],
    ]);
  });

  it('ends where it is stopped, without the tasks under way', async () => {
    const stop = new AbortController();
    const ends = await pool([{ say: 'slow', gate: closed() }, { say: 'a' }, { say: 'b' }], 2, {
      signal: stop.signal,
      settled: () => stop.abort(),
    });
    expect(ends.map(([say]) => say)).toEqual(['a']);
  });

  it('ends with what settling a task, or taking one, throws', async () => {
    const broken = new Error('the store is full');
    const settled = (): void => {
      throw broken;
    };
    await expect(pool([{ say: 'a' }, { say: 'slow', gate: closed() }], 2, { settled })).rejects.toBe(broken);
    const tasks = (function* (): Generator<Task> {
      yield { say: 'slow', gate: closed() };
      throw broken;
    })();
    await expect(pool(tasks, 2)).rejects.toBe(broken);
  });
});
