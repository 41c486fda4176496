// Reference for L10: each lane is a list of pieces of time, written down in full. Nothing is clever here.
import type { LinkSpec } from '../../src/hardware/spec.js';
import type { Fault } from '../../src/system/faults.js';

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
  readonly prefetch: boolean;
  constructor(id: number, yields: boolean, prefetch = false) {
    this.id = id;
    this.yields = yields;
    this.prefetch = prefetch;
  }

  get arrivalNs(): number {
    return this.pieces.at(-1)!.to;
  }
}

/** Lanes as lists of pieces. */
export class ReferenceLink {
  readonly lanes: Piece[][];
  readonly count = { demands: 0, demandBytes: 0, prefetches: 0, prefetchBytes: 0, busyNs: 0, restarts: 0 };
  /** The first so many lanes take transfers, at this share of the bandwidth. */
  live: number;
  share = 1;
  readonly #spec: LinkSpec;
  /** When each lane has come back, ns. */
  readonly #backNs: number[];

  /** @param spec without paths, or with `flows: single` */
  constructor(spec: LinkSpec) {
    this.#spec = spec;
    this.lanes = Array.from({ length: spec.lanes }, () => []);
    this.live = spec.lanes;
    this.#backNs = this.lanes.map(() => 0);
  }

  /** The faults in effect at `nowNs` take lanes and bandwidth. */
  strike(faults: readonly Fault[], nowNs: number, bytesOf: (id: number) => number): void {
    const own = faults.filter(({ link }) => link === this.#spec.name);
    this.share = own.reduce((share, { bandwidth = 1 }) => share * bandwidth, 1);
    const lost = own.reduce((sum, { lanes = 0 }) => sum - lanes, 0);
    this.keepLanes(this.#spec.lanes - lost, nowNs, bytesOf);
  }

  /** Lanes are lost or come back; a prefetch that has not arrived moves to another lane, as a demand, once. */
  keepLanes(live: number, nowNs: number, bytesOf: (id: number) => number): void {
    for (let lane = this.live; lane < live; lane++) this.#backNs[lane] = nowNs;
    const before = this.live;
    this.live = live;
    for (let lane = live; lane < before; lane++) {
      const lost = this.lanes[lane]!.find(({ to, transfer }) => transfer.prefetch && to > nowNs)?.transfer;
      if (lost === undefined) continue;
      // What of it lies in the past stays; what is still to come is gone.
      const fromNs = Math.max(nowNs, lost.pieces[0]!.from);
      this.lanes[lane] = this.lanes[lane]!.filter((piece) => {
        if (piece.transfer !== lost) return true;
        this.count.busyNs -= Math.max(0, piece.to - Math.max(fromNs, piece.from));
        piece.to = Math.min(piece.to, fromNs);
        return piece.from < piece.to;
      });
      const demands = this.count.demands;
      const bytes = bytesOf(lost.id);
      const piece = this.demand(lost.id, bytes, fromNs).pieces[0]!;
      this.count.demands = demands;
      this.count.demandBytes -= bytes;
      this.count.restarts++;
      lost.yields = false;
      lost.pieces.splice(0, lost.pieces.length, piece);
    }
  }

  /** Time during which lanes were busy until `nowNs`. */
  busyBy(nowNs: number): number {
    return this.lanes.flat().reduce((sum, { from, to }) => sum + Math.max(0, Math.min(to, nowNs) - from), 0);
  }

  #speed(lane: Piece[]): { latencyNs: number; nsPerByte: number } {
    const { bandwidth, lanes, latencyNs, paths } = this.#spec;
    const path = paths?.[this.lanes.indexOf(lane)];
    if (path === undefined) return { latencyNs, nsPerByte: (1e9 * lanes) / bandwidth / this.share };
    return { latencyNs: path.latencyNs, nsPerByte: 1e9 / path.bandwidth / this.share };
  }

  duration(bytes: number, lane: Piece[]): number {
    const { latencyNs, nsPerByte } = this.#speed(lane);
    return latencyNs + bytes * nsPerByte;
  }

  /** Where a demand at `atNs` would go: the lane where it ends first (starts first, where all are alike), the first of them at a tie. */
  place(bytes: number, atNs: number): { lane: Piece[]; index: number; startNs: number } {
    const places = this.lanes.slice(0, this.live).map((lane) => {
      let index = lane.length;
      while (index > 0 && lane[index - 1]!.chunk && lane[index - 1]!.transfer.yields && lane[index - 1]!.from >= atNs) index--;
      // Behind what comes before; where that is a chunk which runs at `atNs`, behind the chunk.
      return { lane, index, startNs: Math.max(atNs, this.#backNs[this.lanes.indexOf(lane)]!, index === 0 ? 0 : lane[index - 1]!.to) };
    });
    const endNs = ({ lane, startNs }: (typeof places)[0]): number => startNs + this.duration(bytes, lane);
    return places.reduce((best, other) => (endNs(other) < endNs(best) ? other : best));
  }

  arrivalOfDemand(bytes: number, atNs: number): number {
    const { lane, startNs } = this.place(bytes, atNs);
    return startNs + this.duration(bytes, lane);
  }

  demand(id: number, bytes: number, atNs: number): ReferenceTransfer {
    const { lane, index, startNs } = this.place(bytes, atNs);
    const transfer = new ReferenceTransfer(id, false);
    const duration = this.duration(bytes, lane);
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

  /** A prefetch that is placed as a demand is. */
  placePrefetch(id: number, bytes: number, atNs: number): ReferenceTransfer {
    const transfer = this.demand(id, bytes, atNs);
    this.count.demands--;
    this.count.demandBytes -= bytes;
    this.count.prefetches++;
    this.count.prefetchBytes += bytes;
    return transfer;
  }

  /** When a prefetch can start: the first lane is free. */
  get nextNs(): number {
    return this.freeNs(this.nextLane());
  }

  freeNs(lane: Piece[]): number {
    return Math.max(lane.at(-1)?.to ?? 0, this.#backNs[this.lanes.indexOf(lane)]!);
  }

  /** The lane that is free first, the first of them at a tie. */
  nextLane(): Piece[] {
    return this.lanes.slice(0, this.live).reduce((best, other) => (this.freeNs(other) < this.freeNs(best) ? other : best));
  }

  /** On the lane that is free first or, where lanes differ, on that of the free ones where it ends first. */
  prefetch(id: number, bytes: number, startNs: number): ReferenceTransfer {
    let lane = this.nextLane();
    for (const other of this.lanes.slice(0, this.live)) {
      if (this.freeNs(other) <= startNs && this.duration(bytes, other) < this.duration(bytes, lane)) lane = other;
    }
    const transfer = new ReferenceTransfer(id, this.#spec.chunkBytes !== null, true);
    let from = startNs;
    const add = (ns: number, chunk: boolean): void => {
      const piece = { transfer, chunk, from, to: from + ns };
      transfer.pieces.push(piece);
      lane.push(piece);
      from += ns;
    };
    const { latencyNs, nsPerByte } = this.#speed(lane);
    add(latencyNs, false);
    for (let left = bytes; left > 0; ) {
      const chunk = Math.min(left, this.#spec.chunkBytes ?? left);
      add(chunk * nsPerByte, true);
      left -= chunk;
    }
    this.count.prefetches++;
    this.count.prefetchBytes += bytes;
    this.count.busyNs += this.duration(bytes, lane);
    return transfer;
  }
}
