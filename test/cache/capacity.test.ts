// What users write for sizes.
import { describe, expect, it } from 'vitest';
import { parseCapacities, parseCapacity } from '../../src/cache/capacity.js';
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
    expect(parseCapacity(text, model, '--at')).toBe(bytes);
  });

  it.each([
    ['8', "--at: '8' has no unit; write 8GiB, 8% of all experts, or 8/layer"],
    ['120%', "--at: '120%' is not a share of the experts"],
    ['much', '--at'],
  ])('refuses %s', (text, message) => {
    expect(() => parseCapacity(text, model, '--at')).toThrow(message);
  });
});

describe('parseCapacities', () => {
  it('reads lists and ranges, in order and each once', () => {
    expect(parseCapacities('50%,10%..30%:3,2GiB,20 %', model, '--capacities')).toEqual([1, 2, 3, 5].map((size) => size * GiB));
  });

  it('gives a range twenty points', () => {
    expect(parseCapacities('5%..100%', model, '--capacities')).toHaveLength(20);
  });

  it.each([
    ['30%..10%', 'runs backwards'],
    ['10%..30%:1', 'asks for 1 points; a range has 2 to 1000'],
    ['1%..100%:99999999', 'asks for 99999999 points; a range has 2 to 1000'],
    ['10%,,20%', '--capacities'],
  ])('refuses %s', (text, message) => {
    expect(() => parseCapacities(text, model, '--capacities')).toThrow(message);
  });
});
