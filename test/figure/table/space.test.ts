// Spaces: order, zipped axes, exclusions, samples and shards, by hand; and a million cells that take no memory.
import { describe, expect, it } from 'vitest';
import { gridSize, pathsOf, type Space, shardOf, spaceCells } from '../../../src/figure/table/space.js';

const SPACE: Space = {
  dimensions: [
    { paths: ['a'], rows: [[1], [2]] },
    {
      paths: ['b', 'c'],
      rows: [
        ['x', true],
        ['y', false],
        ['z', true],
      ],
    },
  ],
  exclude: [],
  sample: null,
};
const words = (space: Space): string[] => [...spaceCells(space)].map((cell) => cell.join(''));

describe('cells', () => {
  it('are every combination, the last dimension first to move, zipped values together', () => {
    expect(pathsOf(SPACE)).toEqual(['a', 'b', 'c']);
    expect(gridSize(SPACE)).toBe(6);
    expect(words(SPACE)).toEqual(['1xtrue', '1yfalse', '1ztrue', '2xtrue', '2yfalse', '2ztrue']);
  });

  it('that a rule names in all its paths are left out', () => {
    const exclude = [
      new Map<string, readonly (string | number | boolean)[]>([
        ['a', [1]],
        ['c', [true]],
      ]),
    ];
    expect(words({ ...SPACE, exclude })).toEqual(['1yfalse', '2xtrue', '2yfalse', '2ztrue']);
  });

  it('are dealt out to shards, each to one', () => {
    const [first, second] = [1, 2].map((index) => [...shardOf(words(SPACE), { index, of: 2 })]);
    expect([first, second]).toEqual([
      ['1xtrue', '1ztrue', '2yfalse'],
      ['1yfalse', '2xtrue', '2ztrue'],
    ]);
  });

  it('are made one at a time: a million of them cost no more than their axes', () => {
    const rows = Array.from({ length: 100 }, (_, i) => [i]);
    const space: Space = { dimensions: ['a', 'b', 'c'].map((path) => ({ paths: [path], rows })), exclude: [], sample: null };
    const before = process.memoryUsage().heapUsed;
    let cells = 0;
    let most = 0;
    for (const cell of spaceCells(space)) {
      cells += cell.length === 3 ? 1 : 0;
      if (cells % 100_000 === 0) most = Math.max(most, process.memoryUsage().heapUsed);
    }
    expect(cells).toBe(1_000_000);
    expect(most - before).toBeLessThan(200e6);
  });
});

describe('samples', () => {
  const rows = Array.from({ length: 10 }, (_, i) => [i]);
  const space = (method: 'random' | 'latin-hypercube', points: number, seed = 1): Space => ({
    dimensions: ['a', 'b', 'c'].map((path) => ({ paths: [path], rows })),
    exclude: [],
    sample: { method, points, seed },
  });

  it('at random have no cell twice, come in order, and follow the seed', () => {
    const drawn = words(space('random', 50));
    expect(new Set(drawn).size).toBe(50);
    expect([...drawn].sort()).toEqual(drawn);
    expect(words(space('random', 50))).toEqual(drawn);
    expect(words(space('random', 50, 2))).not.toEqual(drawn);
    // Every cell is as likely as any other: over 400 draws of 50 of 1000, each comes about 20 times (standard deviation 4.4).
    const counts = new Map<string, number>();
    for (let seed = 0; seed < 400; seed++)
      for (const word of words(space('random', 50, seed))) counts.set(word, (counts.get(word) ?? 0) + 1);
    expect(counts.size).toBe(1000);
    expect(Math.max(...counts.values())).toBeLessThan(45);
  });

  it('of more than there are are all', () => {
    expect(words(space('random', 5000)).length).toBe(1000);
  });

  it('of a Latin hypercube have each value of an axis equally often', () => {
    const cells = [...spaceCells(space('latin-hypercube', 20))];
    expect(cells.length).toBe(20);
    for (const axis of [0, 1, 2]) {
      const counts = rows.map(([value]) => cells.filter((cell) => cell[axis] === value).length);
      expect(counts).toEqual(new Array(10).fill(2));
    }
  });
});
