// Seeded routing for conformance tables and benchmarks: skewed popularity per layer that drifts, and repeats of the previous token's
// experts. Fixed for good: the golden tables are of these very traces. Plain JavaScript, so that benchmarks need no build to run it.

/** Shapes that the golden tables are made on: 24 layers of 64 experts, top-8, and 32 layers of 8 experts, top-2. */
export const SHAPES = {
  fine: { layers: 24, experts: 64, topK: 8, seed: 1 },
  coarse: { layers: 32, experts: 8, topK: 2, seed: 2 },
};

const ZIPF = 0.7;
const REPEAT = 0.25;
const DRIFT_TOKENS = 512;
const TABLE = 4096;

/** Generates tokens in blocks of `[tokens, layers, topK]` experts (Uint16, within the layer), in rank order, distinct per layer. */
export class Routing {
  constructor({ layers, experts, topK, seed }) {
    this.layers = layers;
    this.experts = experts;
    this.topK = topK;
    this.state = (seed * 0x9e3779b9) >>> 0 || 1;
    this.token = 0;
    this.previous = new Uint16Array(layers * topK);
    this.taken = new Uint8Array(experts);
    this.popular = Array.from({ length: layers }, () => {
      const order = Uint16Array.from({ length: experts }, (_, i) => i);
      for (let i = experts - 1; i > 0; i--) swap(order, i, this.below(i + 1));
      return order;
    });
    this.rankOf = quantiles(experts);
  }

  /** xorshift32. */
  random() {
    let x = this.state;
    x ^= x << 13;
    x ^= x >>> 17;
    x ^= x << 5;
    return (this.state = x >>> 0);
  }

  below(n) {
    return this.random() % n;
  }

  /** Fills `tokens` rows of `into`. */
  fill(into, tokens) {
    const { layers, topK, previous, taken } = this;
    const row = layers * topK;
    for (let t = 0; t < tokens; t++, this.token++) {
      if (this.token % DRIFT_TOKENS === DRIFT_TOKENS - 1) this.drift();
      for (let layer = 0; layer < layers; layer++) {
        const order = this.popular[layer];
        const at = layer * topK;
        const out = t * row + at;
        let chosen = 0;
        if (this.token > 0) {
          for (let i = 0; i < topK; i++) {
            if (this.random() >= REPEAT * 4294967296) continue;
            taken[previous[at + i]] = 1;
            into[out + chosen++] = previous[at + i];
          }
        }
        while (chosen < topK) {
          const expert = order[this.rankOf[this.random() & (TABLE - 1)]];
          if (taken[expert] === 1) continue;
          taken[expert] = 1;
          into[out + chosen++] = expert;
        }
        for (let i = 0; i < topK; i++) {
          previous[at + i] = into[out + i];
          taken[into[out + i]] = 0;
        }
      }
    }
  }

  /** Two popular experts of each layer change places with any two. */
  drift() {
    for (const order of this.popular) {
      for (let i = 0; i < 2; i++) swap(order, this.below(Math.ceil(this.experts / 4)), this.below(this.experts));
    }
  }
}

/** Popularity rank by 12-bit quantile of a Zipf distribution. */
function quantiles(experts) {
  const weights = Array.from({ length: experts }, (_, rank) => (rank + 1) ** -ZIPF);
  const total = weights.reduce((sum, weight) => sum + weight, 0);
  const table = new Uint16Array(TABLE);
  let rank = 0;
  let until = weights[0] / total;
  for (let i = 0; i < TABLE; i++) {
    while ((i + 0.5) / TABLE > until && rank < experts - 1) until += weights[++rank] / total;
    table[i] = rank;
  }
  return table;
}

function swap(array, i, j) {
  [array[i], array[j]] = [array[j], array[i]];
}
