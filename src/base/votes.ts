import { advance, again, get, I32, type KernelBody, literal, loop, set } from './wasm.js';

/** Addresses and lengths are bytes in the kernel's memory. */
export interface VoteKernel {
  /**
   * Adds each voter's weight to its experts at a layer. @param list voters: path and weight @param offset of the layer
   */
  vote(list: number, end: number, offset: number, bytes: number, votes: number): number;
}

/** Locals: addresses of a choice, of the layer's end, of the expert's votes. */
export const VOTE: KernelBody = {
  parameters: 5,
  locals: [[3, I32]],
  code: [
    ...loop(
      [...get(0), 0x28, 0x02, 0x00, ...get(2), 0x6a, ...set(5), ...get(5), ...get(3), 0x6a, ...set(6)],
      loop(
        [...get(5), 0x2f, 0x01, 0x00, ...literal(2), 0x74, ...get(4), 0x6a, ...set(7)],
        [...get(7), ...get(7), 0x28, 0x02, 0x00, ...get(0), 0x28, 0x02, 0x04, 0x6a, 0x36, 0x02, 0x00],
        advance(5, 2),
        again(5, 6),
      ),
      advance(0, 8),
      again(0, 1),
    ),
    ...literal(0),
  ],
};
