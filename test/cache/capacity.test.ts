// What users write for sizes.
import { describe, expect, it } from 'vitest';
import { capacityBytes, parseCapacities, parseCapacity } from '../../src/cache/capacity.js';
import { toyModel } from './fixtures.js';

const GiB = 2 ** 30;
const model = toyModel([8, 4], [GiB, GiB / 2]); // 10 GiB in all

describe('parseCapacity', () => {
  it.each([
    ['2GiB', 2 * GiB],
    ['25%', 2.5 * GiB],
    ['6/layer', 8 * GiB],
    ['400GiB', 10 * GiB],
  ])('reads %s', (text, bytes) => {
    expect(capacityBytes(parseCapacity(text), model)).toBe(bytes);
  });

  it.each([
    ['8', '"8" has no unit; write 8GiB, 8% of all experts, or 8/layer (slots a layer)'],
    ['700', '"700" has no unit; write 700MiB, or 700/layer (slots a layer)'],
    ['120%', '"120%" is not a share of the experts; use 0% to 100%'],
    ['much', '"much" is not a capacity; write e.g. 8GiB, 25% or 16/layer'],
  ])('refuses %s', (text, message) => {
    expect(() => parseCapacity(text)).toThrow(message);
  });
});

describe('parseCapacities', () => {
  it('reads lists and ranges, in order and each once', () => {
    expect(parseCapacities('50%,10%..30%:3,2GiB,20 %', model)).toEqual([1, 2, 3, 5].map((size) => size * GiB));
  });

  it('gives a range twenty points', () => {
    expect(parseCapacities('5%..100%', model)).toHaveLength(20);
  });

  it.each([
    ['30%..10%', 'runs backwards'],
    ['10%..30%:1', 'asks for 1 points; a range has 2 to 1000'],
    ['1%..100%:99999999', 'asks for 99999999 points; a range has 2 to 1000'],
    ['10%,,20%', '"" is not a capacity; write e.g. 8GiB, 25% or 16/layer'],
  ])('refuses %s', (text, message) => {
    expect(() => parseCapacities(text, model)).toThrow(message);
  });
});
