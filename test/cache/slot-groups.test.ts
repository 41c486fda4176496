// Slots of llama.cpp's expert cache for a budget, by hand.
import { expect, it } from 'vitest';
import { bankBytes, type SlotGroup, slotsOfGroups } from '../../src/cache/slot-groups.js';

/** An expert of 300 bytes in two matrices. */
const GROUP: SlotGroup = { layers: 2, experts: 4, matrices: [100, 200] };

it('a buffer a matrix ends at 128 bytes', () => {
  expect([1, 4, 5].map((slots) => bankBytes(GROUP, slots))).toEqual([128 + 256, 512 + 896, 512 + 1024]);
});

it('slots fit with the empty ones, at most all experts', () => {
  expect(slotsOfGroups([GROUP], 1535, 1)).toEqual([3]);
  expect(slotsOfGroups([GROUP], 1536, 1)).toEqual([4]);
  expect(slotsOfGroups([GROUP], 1536, 0)).toEqual([5]);
  expect(slotsOfGroups([GROUP], 1e6, 1)).toEqual([8]);
});

it('a budget is divided by weights of GPUs, then by bytes of experts', () => {
  expect(slotsOfGroups([GROUP, { ...GROUP, layers: 6 }], 1536 * 8, 1, 1, 2)).toEqual([4, 14]);
});
