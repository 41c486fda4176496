import { type ModelSpec, mostExperts } from '../../model/door.js';
import type { PathKernels } from './path-kernels.js';

/** Addresses in the kernels' memory, bytes. */
interface BallotRoom {
  /** 8 bytes each: address of the path, and weight. */
  readonly voters: number;
  /** 4 bytes for each expert of the widest layer and for no choice. */
  readonly votes: number;
  /** `[capacity, layers, topK]` of 16 bits. */
  readonly paths: number;
}

/** Each elected path gives a weight to its experts at a layer. */
export class PathBallot {
  /** `[experts of the widest layer]` result of {@link vote}. */
  readonly votes: Uint32Array;
  readonly #layers: ModelSpec['layers'];
  readonly #kernels: PathKernels;
  readonly #words: Int32Array;
  readonly #room: BallotRoom;
  readonly #pathBytes: number;
  readonly #layerBytes: number;
  #votersEnd: number;

  constructor({ layers }: ModelSpec, topK: number, kernels: PathKernels, words: Int32Array, room: BallotRoom) {
    this.#layers = layers;
    this.#kernels = kernels;
    this.#words = words;
    this.#room = room;
    this.#layerBytes = 2 * topK;
    this.#pathBytes = this.#layerBytes * layers.length;
    this.#votersEnd = room.voters;
    const widest = mostExperts({ layers });
    this.votes = new Uint32Array(words.buffer, room.votes, widest);
  }

  /** Elects the first `count` paths with weights, within the room. */
  elect(places: Int32Array, weights: Uint32Array, count: number): void {
    const { paths, voters } = this.#room;
    const first = voters >> 2;
    for (let i = 0; i < count; i++) {
      this.#words[first + 2 * i] = paths + places[i]! * this.#pathBytes;
      this.#words[first + 2 * i + 1] = weights[i]!;
    }
    this.#votersEnd = voters + 8 * count;
  }

  /** Sums the weights of the users of each expert into {@link votes}. */
  vote(layer: number): void {
    const { voters, votes } = this.#room;
    const bytes = this.#layerBytes;
    this.votes.fill(0, 0, this.#layers[layer]!.experts);
    if (this.#votersEnd > voters) this.#kernels.vote(voters, this.#votersEnd, layer * bytes, bytes, votes);
  }
}
