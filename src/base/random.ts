/** Random stream (sfc32, passes PractRand), independent by run seed and stream name (L16). */
export class Random {
  #a: number;
  #b: number;
  #c: number;
  #counter = 1;

  /** @param seed any integer @param stream name, e.g. `policy/random` */
  constructor(seed: number, stream: string) {
    this.#a = seed | 0;
    this.#b = fnv1a(stream, 0x811c9dc5);
    this.#c = fnv1a(stream, (seed ^ 0x9e3779b9) | 0);
    for (let i = 0; i < 12; i++) this.uint32();
  }

  /** Stream with the same remaining draws. */
  copy(): Random {
    const copy = new Random(0, '');
    copy.#a = this.#a;
    copy.#b = this.#b;
    copy.#c = this.#c;
    copy.#counter = this.#counter;
    return copy;
  }

  uint32(): number {
    const t = (((this.#a + this.#b) | 0) + this.#counter) | 0;
    this.#counter = (this.#counter + 1) | 0;
    this.#a = this.#b ^ (this.#b >>> 9);
    this.#b = (this.#c + (this.#c << 3)) | 0;
    this.#c = (this.#c << 21) | (this.#c >>> 11);
    this.#c = (this.#c + t) | 0;
    return t >>> 0;
  }

  /** Uniform number in [0, 1), 32 bits of resolution. */
  next(): number {
    return this.uint32() / 4294967296;
  }

  /** Uniform integer in [0, n). */
  below(n: number): number {
    return Math.floor(this.next() * n);
  }

  /** In place (Fisher and Yates). */
  shuffle<T extends number[] | Int32Array | Uint16Array>(list: T): T {
    const order: { [at: number]: number } = list;
    for (let i = list.length - 1; i > 0; i--) {
      const j = this.below(i + 1);
      [order[i], order[j]] = [order[j]!, order[i]!];
    }
    return list;
  }

  /** Standard normal draw (Box-Muller). */
  normal(): number {
    return Math.sqrt(-2 * Math.log(1 - this.next())) * Math.cos(2 * Math.PI * this.next());
  }

  /** Exponential draw with mean 1. */
  exponential(): number {
    return -Math.log(1 - this.next());
  }
}

function fnv1a(text: string, basis: number): number {
  let hash = basis | 0;
  for (let i = 0; i < text.length; i++) hash = Math.imul(hash ^ text.charCodeAt(i), 0x01000193);
  return hash;
}
