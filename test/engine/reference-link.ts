// Reference for L10: each lane is a list of pieces of time, written down in full. Nothing is clever here.
import type { LinkSpec } from '../../src/hardware/spec.js';

/** A stretch of a lane that is busy with one transfer. */
interface Piece {
  readonly transfer: ReferenceTransfer;
  /** False for the latency before the first chunk: nothing goes before it or into it. */
  readonly chunk: boolean;
  from: number;
  to: number;
}

/** A transfer that was placed. */
export class ReferenceTransfer {
  readonly id: number;
  readonly pieces: Piece[] = [];
  /** True for a prefetch until it is promoted: demands may go between its chunks. */
  yields: boolean;

  constructor(id: number, yields: boolean) {
    this.id = id;
    this.yields = yields;
  }

  get arrivalNs(): number {
    return this.pieces.at(-1)!.to;
  }
}

/** Lanes as lists of pieces. */
export class ReferenceLink {
  readonly lanes: Piece[][];
  readonly count = { demands: 0, demandBytes: 0, prefetches: 0, prefetchBytes: 0, busyNs: 0 };
  readonly #spec: LinkSpec;
  readonly #nsPerByte: number;

  constructor(spec: LinkSpec) {
    this.#spec = spec;
    this.#nsPerByte = (1e9 * spec.lanes) / spec.bandwidth;
    this.lanes = Array.from({ length: spec.lanes }, () => []);
  }

  duration(bytes: number): number {
    return this.#spec.latencyNs + bytes * this.#nsPerByte;
  }

  /** Where a demand at `atNs` would go: the lane where it starts first, the first of them at a tie. */
  place(atNs: number): { lane: Piece[]; index: number; startNs: number } {
    const places = this.lanes.map((lane) => {
      let index = lane.length;
      while (index > 0 && lane[index - 1]!.chunk && lane[index - 1]!.transfer.yields && lane[index - 1]!.from >= atNs) index--;
      // Behind what comes before; where that is a chunk which runs at `atNs`, behind the chunk.
      return { lane, index, startNs: Math.max(atNs, index === 0 ? 0 : lane[index - 1]!.to) };
    });
    return places.reduce((best, other) => (other.startNs < best.startNs ? other : best));
  }

  arrivalOfDemand(bytes: number, atNs: number): number {
    return this.place(atNs).startNs + this.duration(bytes);
  }

  demand(id: number, bytes: number, atNs: number): ReferenceTransfer {
    const { lane, index, startNs } = this.place(atNs);
    const transfer = new ReferenceTransfer(id, false);
    const duration = this.duration(bytes);
    const piece = { transfer, chunk: false, from: startNs, to: startNs + duration };
    transfer.pieces.push(piece);
    for (const later of lane.slice(index)) {
      later.from += duration;
      later.to += duration;
    }
    lane.splice(index, 0, piece);
    this.count.demands++;
    this.count.demandBytes += bytes;
    this.count.busyNs += duration;
    return transfer;
  }

  freeNs(lane: Piece[]): number {
    return lane.at(-1)?.to ?? 0;
  }

  /** The lane that is free first, the first of them at a tie. */
  nextLane(): Piece[] {
    return this.lanes.reduce((best, other) => (this.freeNs(other) < this.freeNs(best) ? other : best));
  }

  prefetch(lane: Piece[], id: number, bytes: number, startNs: number): ReferenceTransfer {
    const transfer = new ReferenceTransfer(id, this.#spec.chunkBytes !== null);
    let from = startNs;
    const add = (ns: number, chunk: boolean): void => {
      const piece = { transfer, chunk, from, to: from + ns };
      transfer.pieces.push(piece);
      lane.push(piece);
      from += ns;
    };
    add(this.#spec.latencyNs, false);
    for (let left = bytes; left > 0; ) {
      const chunk = Math.min(left, this.#spec.chunkBytes ?? left);
      add(chunk * this.#nsPerByte, true);
      left -= chunk;
    }
    this.count.prefetches++;
    this.count.prefetchBytes += bytes;
    this.count.busyNs += this.duration(bytes);
    return transfer;
  }
}
