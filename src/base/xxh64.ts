import { viewOf } from './host/bytes.js';

const P1 = 0x9e3779b185ebca87n;
const P2 = 0xc2b2ae3d27d4eb4fn;
const P3 = 0x165667b19e3779f9n;
const P4 = 0x85ebca77c2b2ae63n;
const P5 = 0x27d4eb2f165667c5n;

/** Bytes of a stripe. */
const STRIPE = 32;

/**
 * XXH64 of a stream, seed 0, for Node before 22.15, in 32-bit halves (BigInt is slow).
 * https://github.com/Cyan4973/xxHash/blob/dev/doc/xxhash_spec.md
 */
export class Xxh64 {
  /** Four accumulators, each as low and high half. */
  readonly #lanes = new Int32Array(8);
  readonly #rest = new Uint8Array(STRIPE);
  #pending = 0;
  #length = 0;

  constructor() {
    [P1 + P2, P2, 0n, -P1].forEach((start, lane) => {
      this.#lanes[lane * 2] = Number(BigInt.asIntN(32, start));
      this.#lanes[lane * 2 + 1] = Number(BigInt.asIntN(32, start >> 32n));
    });
  }

  update(bytes: Uint8Array): void {
    this.#length += bytes.length;
    let at = 0;
    if (this.#pending > 0) {
      at = Math.min(STRIPE - this.#pending, bytes.length);
      this.#rest.set(bytes.subarray(0, at), this.#pending);
      this.#pending += at;
      if (this.#pending < STRIPE) return;
      this.#stripes(this.#rest, 0, STRIPE);
    }
    const end = at + Math.floor((bytes.length - at) / STRIPE) * STRIPE;
    this.#stripes(bytes, at, end);
    this.#rest.set(bytes.subarray(end));
    this.#pending = bytes.length - end;
  }

  digest(): bigint {
    const lanes = Array.from({ length: 4 }, (_, lane) => {
      return BigInt.asUintN(32, BigInt(this.#lanes[lane * 2]!)) | (BigInt.asUintN(32, BigInt(this.#lanes[lane * 2 + 1]!)) << 32n);
    });
    let hash = P5;
    if (this.#length >= STRIPE) {
      hash = wrap(rotated(lanes[0]!, 1n) + rotated(lanes[1]!, 7n) + rotated(lanes[2]!, 12n) + rotated(lanes[3]!, 18n));
      for (const lane of lanes) hash = wrap((hash ^ round(0n, lane)) * P1 + P4);
    }
    hash = wrap(hash + BigInt(this.#length));
    const rest = viewOf(this.#rest);
    const end = this.#pending;
    let at = 0;
    for (; at + 8 <= end; at += 8) hash = wrap(rotated(hash ^ round(0n, rest.getBigUint64(at, true)), 27n) * P1 + P4);
    for (; at + 4 <= end; at += 4) hash = wrap(rotated(hash ^ wrap(BigInt(rest.getUint32(at, true)) * P1), 23n) * P2 + P3);
    for (; at < end; at++) hash = wrap(rotated(hash ^ wrap(BigInt(this.#rest[at]!) * P5), 11n) * P1);
    hash = wrap((hash ^ (hash >> 33n)) * P2);
    hash = wrap((hash ^ (hash >> 29n)) * P3);
    return hash ^ (hash >> 32n);
  }

  /** `acc = rotate(acc + word * P2, 31) * P1` in each lane, for each stripe of `bytes[from, end)`. */
  #stripes(bytes: Uint8Array, from: number, end: number): void {
    const lanes = this.#lanes;
    for (let at = from; at < end; ) {
      for (let lane = 0; lane < 8; lane += 2, at += 8) {
        const low = bytes[at]! | (bytes[at + 1]! << 8) | (bytes[at + 2]! << 16) | (bytes[at + 3]! << 24);
        const high = bytes[at + 4]! | (bytes[at + 5]! << 8) | (bytes[at + 6]! << 16) | (bytes[at + 7]! << 24);
        const productLow = Math.imul(low, 0x27d4eb4f);
        const productHigh = (highProduct(low, 0x27d4, 0xeb4f) + Math.imul(high, 0x27d4eb4f) + Math.imul(low, 0xc2b2ae3d)) | 0;
        const sumLow = (lanes[lane]! + productLow) | 0;
        const carry = sumLow >>> 0 < productLow >>> 0 ? 1 : 0;
        const sumHigh = (lanes[lane + 1]! + productHigh + carry) | 0;
        const turnedLow = (sumLow << 31) | (sumHigh >>> 1);
        const turnedHigh = (sumHigh << 31) | (sumLow >>> 1);
        lanes[lane] = Math.imul(turnedLow, 0x85ebca87);
        lanes[lane + 1] =
          (highProduct(turnedLow, 0x85eb, 0xca87) + Math.imul(turnedHigh, 0x85ebca87) + Math.imul(turnedLow, 0x9e3779b1)) | 0;
      }
    }
  }
}

/** High 32 bits of a 32-bit product; the second factor in halves. */
function highProduct(a: number, high: number, low: number): number {
  const aLow = a & 0xffff;
  const aHigh = a >>> 16;
  const middle = aHigh * low + aLow * high + ((Math.imul(aLow, low) >>> 16) as number);
  return aHigh * high + Math.floor(middle / 0x10000);
}

const round = (accumulator: bigint, word: bigint): bigint => wrap(rotated(wrap(accumulator + word * P2), 31n) * P1);

const rotated = (value: bigint, bits: bigint): bigint => wrap(value << bits) | (value >> (64n - bits));

const wrap = (value: bigint): bigint => BigInt.asUintN(64, value);
