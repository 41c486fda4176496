// Who computes what, by hand.
import { describe, expect, it } from 'vitest';
import { gatherShard, NOT_HERE, shardsOf } from '../../../src/engine/memory/shard.js';
import { Dispatch } from '../../../src/engine/parallel/dispatch.js';
import type { Pass } from '../../../src/schedule/pass.js';
import { EVERYWHERE } from '../../../src/system/placement/placement.js';
import { NULL_EXPERT } from '../../../src/trace/trace.js';
import { toyModel } from '../../cache/fixtures.js';

// Two layers of four and of two experts; expert 2 lives on both GPUs.
const model = toyModel([4, 2], [10, 20], 2);
const homes = Int32Array.of(0, 1, EVERYWHERE, 1, 1, 0);
const shards = shardsOf(model, homes, 2);

describe('shards', () => {
  it('are models of the experts that live there', () => {
    expect(shards.map(({ whole }) => [...whole])).toEqual([
      [0, 2, 5],
      [1, 2, 3, 4],
    ]);
    expect([...shards[0]!.own]).toEqual([0, NOT_HERE, 1, NOT_HERE, NOT_HERE, 2]);
    expect(shards[1]!.model).toMatchObject({
      experts: 4,
      layers: [
        { experts: 3, offset: 0 },
        { experts: 1, topK: 1, offset: 3 },
      ],
    });
    expect([...gatherShard(Float64Array.of(5, 6, 7, 8, 9, 10), shards[0]!)]).toEqual([5, 7, 10]);
  });
});

describe('Dispatch', () => {
  const dispatch = new Dispatch(shards, homes, Int32Array.of(0, 4));
  const passOf = (gpus: readonly number[], rows: readonly (readonly number[])[]): Pass =>
    ({ tokens: rows.length, topK: 2, row: 4, gpu: Int32Array.from(gpus), choices: Uint16Array.from(rows.flat()) }) as unknown as Pass;
  const demands = () =>
    dispatch.demands.map(({ activations, counts, ids, single, size }) => ({
      members: [...ids.subarray(0, size)],
      counts: [...counts.subarray(0, size)],
      activations,
      single,
    }));

  it('sends each activation to its expert, and a replicated one nowhere', () => {
    // Tokens 0 and 2 are of requests on GPU 0, token 1 is of one on GPU 1.
    const pass = passOf(
      [0, 1, 0],
      [
        [1, 2, 0, 1],
        [0, 2, 0, NULL_EXPERT],
        [1, 3, 1, NULL_EXPERT],
      ],
    );
    expect(dispatch.gather(pass, 0)).toBe(5);
    expect(demands()).toEqual([
      // Expert 2 of token 0, then expert 0 of token 1, by the shard's own ids.
      { members: [1, 0], counts: [1, 1], activations: 2, single: true },
      // Expert 2 of token 1; expert 1, chosen by tokens 0 and 2, was last chosen before expert 3.
      { members: [1, 0, 2], counts: [1, 2, 1], activations: 4, single: false },
    ]);
    // GPU 0 sends 1, 1 and 3; GPU 1 sends 0.
    expect(dispatch).toMatchObject({ crossing: 4, busiest: 3, exchanges: true });

    expect(dispatch.gather(pass, 1)).toBe(2);
    expect(demands()).toEqual([
      { members: [2], counts: [2], activations: 2, single: false },
      { members: [3], counts: [2], activations: 2, single: false },
    ]);
    // Tokens 0 and 1 choose expert 4 on GPU 1, tokens 0 and 2 expert 5 on GPU 0: only token 0 is sent.
    expect(dispatch).toMatchObject({ crossing: 1, busiest: 1 });
  });

  it('sends nothing where every expert lives everywhere', () => {
    const everywhere = homes.map(() => EVERYWHERE);
    const local = new Dispatch(shardsOf(model, everywhere, 2), everywhere, Int32Array.of(0, 4));
    local.gather(passOf([0, 1], [[0, 1, 0, 1], [0, 1, 0, 1]]), 0); // biome-ignore format: rows are tokens
    expect(local).toMatchObject({ crossing: 0, busiest: 0, exchanges: false });
  });
});
