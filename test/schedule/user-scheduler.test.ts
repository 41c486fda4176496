// Schedulers of the user's own: the example of docs/extend.md does what the page says, and each breach of the contract is told.
import { writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { describe, expect, it } from 'vitest';
import { simulate } from '../../src/engine/simulate.js';
import type { Result } from '../../src/result/result.js';
import { exampleOf, ownFolder, refusal, withoutTrials } from '../support/own-parts.js';

const folder = ownFolder();
const example = exampleOf('longest-first.mjs', folder);

/** Requests of equal length, twice as many as run at once. */
function served(scheduler: string, growth: 'static' | 'grow' = 'static'): Promise<Result> {
  return simulate({
    model: 'mini-mixtral-8x8l',
    system: { name: 'own', scheduler },
    memory: { expertCache: '25%', kvGrowth: growth },
    workload: { batch: 4, tokens: 512, prompt: 32, output: 32, maxTokensPerPass: 64 },
    bounds: false,
  });
}

describe('docs/extend.md, a scheduler', () => {
  it('with requests of equal length it is fcfs, where caches grow too', async () => {
    for (const growth of ['static', 'grow'] as const) {
      const [own, fcfs] = await Promise.all([served(example, growth), served('shortest-first', growth)]);
      expect(own.metrics).toEqual(fcfs.metrics);
    }
  });
});

describe('a breach of the contract is one line', () => {
  withoutTrials();
  const scheduler = (next: string, finished = 'queue.sweep();') => `export default {
  name: 'own',
  fairness: () => ({ passedOver: 2, overtaken: 2 }),
  create: ({ batch, maxTokensPerPass }, parameters, { kv, list, queue }) => ({
    get pending() { return queue.pending; },
    add: (request) => queue.add(request),
    next() { ${next} },
    finished() { ${finished} },
  }),
};`;
  const all = 'queue.admit(batch); list.begin(maxTokensPerPass, batch); list.decodes(queue.running); list.prompts(queue.running);';
  it.each([
    ['nothing returned', scheduler('queue.admit(batch);'), /next returned no list; return an array/],
    ['one twice', scheduler(`${all} return [list.shares[0], list.shares[0]];`), /next returned request 0 twice; put all its tokens/],
    ['one unknown', scheduler('return [{ request: {}, tokens: 1 }];'), /a request that was not added, or is finished/],
    [
      'too many tokens',
      scheduler(`${all} list.shares[0].tokens = 99; return list.shares;`),
      /99 tokens of request 0; it has 32 prompt tokens left/,
    ],
    ['no room', scheduler(`${all} kv.release(queue.running[0]); return list.shares;`), /request 0, which has no room for its KV cache/],
    ['waiting for ever', scheduler('return [];'), /next returns no pass, and \d+ requests are not finished; let one run/],
    ['an idle pass', scheduler('queue.admit(batch); return [];'), /next returned nothing, and request 0 is admitted; let it run/],
    [
      'one starves',
      scheduler(`${all} return list.shares.length > 3 && queue.running[3].lastPass > 0 ? list.shares.slice(0, 3) : list.shares;`),
      /next has left out request 3, which has begun, for 3 passes; its fairness promises at most 2/,
    ],
    ['a kept cache', scheduler(`${all} return list.shares;`, ''), /finished kept the KV cache of request 0, which is done/],
    ['a throw', scheduler('queue.nothing();'), /own\.mjs:7:\d+: next threw TypeError: queue\.nothing is not a function/],
  ])('%s', async (what, source, message) => {
    const path = join(folder, `${what.replaceAll(' ', '-')}-own.mjs`);
    writeFileSync(path, source);
    const said = await refusal(() => served(path));
    expect(said).toMatch(/^UserError: /);
    expect(said).toMatch(message);
  });
});
