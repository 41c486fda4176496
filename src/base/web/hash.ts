// SHA-256 in plain code (FIPS 180-4), since a page's native hash is asynchronous.
import type { Sha256 } from '../host/hash.js';
import { bytesOf } from './bytes.js';

/** Bytes of a block. */
const BLOCK = 64;

/** First 32 fraction bits of roots of the first primes: square roots for the start, cube roots for the rounds. */
const PRIMES = Array.from({ length: 312 }, (_, n) => n).filter(
  (n) => n > 1 && !Array.from({ length: n }, (_, d) => d).some((d) => d > 1 && n % d === 0),
);
const START = Uint32Array.from(PRIMES.slice(0, 8), (prime) => (Math.sqrt(prime) % 1) * 2 ** 32);
const ROUNDS = Uint32Array.from(PRIMES.slice(0, BLOCK), (prime) => (Math.cbrt(prime) % 1) * 2 ** 32);

export const newSha256 = (): Sha256 => new Hash();

export const randomHex = (bytes: number): string => hexOf(crypto.getRandomValues(new Uint8Array(bytes)));

const hexOf = (bytes: Uint8Array): string => Array.from(bytes, (byte) => byte.toString(16).padStart(2, '0')).join('');

class Hash implements Sha256 {
  readonly #state = START.slice();
  readonly #words = new Uint32Array(BLOCK);
  readonly #rest = new Uint8Array(BLOCK);
  #pending = 0;
  #length = 0;

  update(data: string | Uint8Array): this {
    const bytes = typeof data === 'string' ? bytesOf(data) : data;
    this.#length += bytes.length;
    this.#take(bytes);
    return this;
  }

  digest(form: 'hex' | 'base64'): string {
    const zeros = (2 * BLOCK - 9 - this.#pending) % BLOCK;
    const end = new DataView(new ArrayBuffer(1 + zeros + 8));
    end.setUint8(0, 0x80);
    end.setUint32(1 + zeros, Math.floor(this.#length / 2 ** 29));
    end.setUint32(5 + zeros, this.#length * 8);
    this.#take(new Uint8Array(end.buffer));
    const out = new DataView(new ArrayBuffer(32));
    for (const [i, word] of this.#state.entries()) out.setUint32(4 * i, word);
    const bytes = new Uint8Array(out.buffer);
    return form === 'hex' ? hexOf(bytes) : btoa(String.fromCharCode(...bytes));
  }

  #take(bytes: Uint8Array): void {
    let at = 0;
    if (this.#pending > 0) {
      at = Math.min(BLOCK - this.#pending, bytes.length);
      this.#rest.set(bytes.subarray(0, at), this.#pending);
      this.#pending += at;
      if (this.#pending < BLOCK) return;
      this.#block(this.#rest, 0);
    }
    for (; at + BLOCK <= bytes.length; at += BLOCK) this.#block(bytes, at);
    this.#rest.set(bytes.subarray(at));
    this.#pending = bytes.length - at;
  }

  #block(bytes: Uint8Array, at: number): void {
    const [words, state] = [this.#words, this.#state];
    for (let i = 0; i < 16; i++, at += 4) words[i] = (bytes[at]! << 24) | (bytes[at + 1]! << 16) | (bytes[at + 2]! << 8) | bytes[at + 3]!;
    for (let i = 16; i < BLOCK; i++) {
      const [near, far] = [words[i - 2]!, words[i - 15]!];
      const [nearMixed, farMixed] = [turned(near, 17) ^ turned(near, 19) ^ (near >>> 10), turned(far, 7) ^ turned(far, 18) ^ (far >>> 3)];
      words[i] = words[i - 16]! + farMixed + words[i - 7]! + nearMixed;
    }
    let [a, b, c, d, e, f, g, h] = state as unknown as [number, number, number, number, number, number, number, number];
    for (let i = 0; i < BLOCK; i++) {
      const first = (h + (turned(e, 6) ^ turned(e, 11) ^ turned(e, 25)) + ((e & f) ^ (~e & g)) + ROUNDS[i]! + words[i]!) | 0;
      const second = ((turned(a, 2) ^ turned(a, 13) ^ turned(a, 22)) + ((a & b) ^ (a & c) ^ (b & c))) | 0;
      [h, g, f, e, d, c, b, a] = [g, f, e, (d + first) | 0, c, b, a, (first + second) | 0];
    }
    for (const [i, word] of [a, b, c, d, e, f, g, h].entries()) state[i]! += word;
  }
}

const turned = (word: number, bits: number): number => (word >>> bits) | (word << (32 - bits));
