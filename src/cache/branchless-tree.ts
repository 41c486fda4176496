import { get, I32, I64, instantiate, type KernelBody, literal, loop, set } from '../base/wasm.js';
import { WinnerTree } from './winner-tree.js';

/** Plays a leaf's matches, bottom up. Nodes are addresses. */
interface Kernels {
  play(leaf: number, keys: number, ids: number): number;
}

/** Locals of {@link PLAY}: winner and opponent, keys as bits; opponent's node, then whether the opponent wins. */
const [KEY, OTHER, ID, OTHER_ID, BESIDE] = [3, 4, 5, 6, 7] as const;
const [ADD, AND, OR, SELECT, SHIFT_LEFT] = [0x6a, 0x71, 0x72, 0x1b, 0x74] as const;
const addressOf = (entries: number, node: number, shift: number): number[] => [
  ...[...get(entries), ...get(node), ...literal(shift), SHIFT_LEFT, ADD],
];
const keyAt = (node: number): number[] => [...addressOf(1, node, 3), 0x29, 3, 0];
const idAt = (node: number): number[] => [...addressOf(2, node, 2), 0x28, 2, 0];
const bothKeys: readonly number[] = [...get(OTHER), 0xbf, ...get(KEY), 0xbf];

const PLAY: KernelBody = {
  parameters: 3,
  locals: [
    [2, I64],
    [3, I32],
  ],
  code: [
    ...[...keyAt(0), ...set(KEY), ...idAt(0), ...set(ID)],
    ...loop(
      [...get(0), ...literal(1), 0x73, ...set(BESIDE)],
      [...keyAt(BESIDE), ...set(OTHER), ...idAt(BESIDE), ...set(OTHER_ID)],
      // The opponent wins with a smaller key, or an equal key and a smaller id.
      [...bothKeys, 0x63, ...bothKeys, 0x61, ...get(OTHER_ID), ...get(ID), 0x48, AND, OR, ...set(BESIDE)],
      [...get(OTHER), ...get(KEY), ...get(BESIDE), SELECT, ...set(KEY), ...get(OTHER_ID), ...get(ID), ...get(BESIDE), SELECT, ...set(ID)],
      [...get(0), ...literal(1), 0x76, ...set(0)],
      [...idAt(0), ...get(ID), 0x46, ...keyAt(0), ...get(KEY), 0x51, AND, 0x04, 0x40, ...literal(0), 0x0f, 0x0b],
      [...addressOf(1, 0, 3), ...get(KEY), 0x37, 3, 0, ...addressOf(2, 0, 2), ...get(ID), 0x36, 2, 0],
      [...get(0), ...literal(1), 0x4b, 0x0d, 0],
    ),
    ...literal(0),
  ],
};

/** Least bytes. Trees share memories, since each reserves gigabytes of addresses. */
const MEMORY_BYTES = 1 << 20;
let kernels: Kernels;
let buffer = new ArrayBuffer(0);
let used = 0;

function allocate(nodes: number) {
  const bytes = nodes * (Float64Array.BYTES_PER_ELEMENT + Int32Array.BYTES_PER_ELEMENT);
  if (used + bytes > buffer.byteLength) {
    const made = instantiate<Kernels>({ play: PLAY }, Math.max(bytes, MEMORY_BYTES));
    kernels = made.kernels;
    buffer = made.memory.buffer;
    used = 0;
  }
  const key = new Float64Array(buffer, used, nodes);
  const id = new Int32Array(buffer, used + key.byteLength, nodes);
  used += bytes;
  return { key, id };
}

/** {@link WinnerTree} in WebAssembly, without mispredicted branches at random winners. */
export class BranchlessTree extends WinnerTree {
  readonly #kernels: Kernels;
  readonly #keys: number;
  readonly #ids: number;

  constructor(experts: number, residents: number = experts) {
    super(experts, residents, allocate);
    this.#kernels = kernels;
    this.#keys = this.key.byteOffset;
    this.#ids = this.id.byteOffset;
  }

  protected override play(leaf: number, key: number): void {
    this.key[leaf] = key;
    this.#kernels.play(leaf, this.#keys, this.#ids);
  }
}
