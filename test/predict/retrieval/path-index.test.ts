// Retrieval of paths: similarities and votes by hand, and on random routing against a reference that recounts everything for every question.
import { deepStrictEqual } from 'node:assert';
import { describe, expect, it } from 'vitest';
import { Random } from '../../../src/base/random.js';
import { NEXT_TOKEN } from '../../../src/predict/evidence.js';
import { PathIndex } from '../../../src/predict/retrieval/path-index.js';
import { PathVotes } from '../../../src/predict/retrieval/path-votes.js';
import { Pass } from '../../../src/schedule/pass.js';
import { Request } from '../../../src/schedule/request.js';
import { NULL_EXPERT, type RoutingTrace } from '../../../src/trace/trace.js';
import { toyModel } from '../../cache/fixtures.js';
import { type Row, traceFrom } from '../toy.js';

const TOP_K = 2;
const DURING = { near: 1, mean: 4, before: 1 };

/** Passes of `streams` requests side by side, so many tokens of each at a time. */
function* passesOf(trace: RoutingTrace, streams = 1, tokens = 1): Generator<Pass> {
  const pass = new Pass(trace, streams);
  const requests = trace.requests.map(({ start, prefill, decode }, index) => new Request({ index, start, prefill, decode, arrivalNs: 0 }));
  for (;;) {
    const running = requests.filter((request) => !request.finished).slice(0, streams);
    if (running.length === 0) return;
    const shares = running.map((request) => ({ request, tokens: Math.min(tokens, request.prefill + request.decode - request.done) }));
    pass.fill(shares);
    yield pass;
    pass.advance(shares);
  }
}

/** Voters by place, with their similarity in whole experts. */
function found(index: PathIndex, unit: number): Record<number, number> {
  const { count, places, similarity } = index.best;
  return Object.fromEntries(Array.from({ length: count }, (_, i) => [places[i]!, similarity[i]! / unit]));
}

// Three layers of four experts, two per token. Token 3 shares, with tokens 0, 1, 2: two, one and no expert at layer 0; one, none and
// two at layer 1.
const fourExperts = toyModel([4, 4, 4], undefined, TOP_K);
const fivePaths: Row[] = [
  [[0, 1], [2, 3], [0, 1]], // biome-ignore format: a path a line
  [[1, 2], [0, 1], [2, 3]], // biome-ignore format: a path a line
  [[2, 3], [0, 2], [0, 3]], // biome-ignore format: a path a line
  [[0, 1], [0, 2], [1, 2]], // biome-ignore format: a path a line
  [[1, 3], [0, 3], [1, 3]], // biome-ignore format: a path a line
];
const fiveTokens = traceFrom(fourExperts, TOP_K, [fivePaths]);

describe('by hand', () => {
  it('counts what is shared: near ones by .8 a layer, the mean of all, the tokens before by .4 a token', () => {
    const index = new PathIndex(fourExperts, TOP_K, 1, 128, 8, DURING);
    const seen: Record<string, Record<number, number>> = {};
    for (const pass of passesOf({ ...fiveTokens, has: { ...fiveTokens.has, tokenIds: false } })) {
      const token = pass.position[0]!;
      const ask = (after: number, unit: number): void => {
        seen[`${token} after ${after}`] = index.select(pass, 0, after) ? found(index, unit) : {};
      };
      ask(-1, index.beforeUnit);
      for (let layer = 0; layer < 3; layer++) {
        index.learn(pass, 0, layer);
        ask(layer, index.unit);
      }
      ask(NEXT_TOKEN, index.beforeUnit);
    }
    // Token 1 shares with path 0 one expert of three layers (1 at layer 0). Before token 2, that is what path 1 came after.
    expect(seen['1 after -1']).toEqual({});
    expect(seen['2 after -1']).toEqual({ 1: 1 });
    // Token 2 shares with path 0: layer 1, expert 2; layer 2, expert 0. With path 1: 2; 0; 3. Before token 3: path 1 came after path 0,
    // and path 2 after path 1, before which token 1 shared 1 with path 0: .4 of it is left.
    const before = seen['3 after -1']!;
    expect(before[1]).toBe(2);
    expect(before[2]).toBeCloseTo(3 + 0.4, 1);
    // Token 3 after layer 0: near 2, mean 4 x 2; the tokens before count a third, as there are three layers.
    expect(seen['3 after 0']![0]).toBeCloseTo(2 + 8, 2);
    expect(seen['3 after 0']![1]).toBeCloseTo(1 + 4 + 2 / 3, 2);
    expect(seen['3 after 0']![2]).toBeCloseTo(3.4 / 3, 1);
    // After layer 1: near .8 x 2 + 1, mean 4 x 3 / 2.
    expect(seen['3 after 1']![0]).toBeCloseTo(2.6 + 6, 1);
    // For the token after token 3: all of token 3 counts (with path 0: 2 + 1 + 1), the tokens before .4.
    expect(seen[`3 after ${NEXT_TOKEN}`]![0]).toBe(4);
  });

  it('lets paths vote by exp(sharpness x similarity), and their successors for the next token', () => {
    const index = new PathIndex(fourExperts, TOP_K, 1, 128, 8, { near: 1, mean: 0, before: 0 });
    // Per share of the two experts of a layer: 2 ln 3 x difference / 2.
    const votes = new PathVotes(fourExperts, index, [{ before: 0, during: 2 * Math.log(3) }]);
    const into = new Float64Array(4);
    let next: number[] = [];
    for (const pass of passesOf({ ...fiveTokens, has: { ...fiveTokens.has, tokenIds: false } })) {
      const [evidence] = votes.columns;
      if (pass.position[0] === 3) {
        evidence!.learn(pass, 0, 0, true);
        // Path 0 shares 2, path 1 one: three votes to one. Layer 1: path 0 used 2 and 3, path 1 used 0 and 1.
        expect(evidence!.add(pass, 0, 0, 1, 1, into)).toBe(true);
        expect(into[2]).toBe(into[3]);
        expect(into[0]).toBe(into[1]);
        const odds = (of: number) => (2048 * of + 8) / (2048 * (1 - of) + 8);
        expect(into[2]).toBeCloseTo(Math.log(odds(0.75)), 1);
        expect(into[0]).toBeCloseTo(Math.log(odds(0.25)), 1);
      }
      for (let layer = 0; layer < 3; layer++) evidence!.learn(pass, 0, layer, true);
      if (pass.position[0] !== 3) continue;
      // Paths 0, 1 and 2 share 4, 2 and 3 with token 3 and vote alike; what came after them are tokens 1, 2 and 3.
      const soon = new Float64Array(4);
      expect(evidence!.add(pass, 0, NEXT_TOKEN, 0, 1, soon)).toBe(true);
      next = [...soon].map((logOdds) => Math.round((2056 / (1 + Math.exp(-logOdds)) / 2048) * 3));
    }
    expect(next).toEqual([1, 2, 2, 1]);
  });
});

describe('the tokens before, by hand', () => {
  it('prefers the token id, and the longer context', () => {
    const same = traceFrom(fourExperts, TOP_K, [fivePaths, fivePaths, fivePaths]);
    const index = new PathIndex(fourExperts, TOP_K, 1, 128, 8, DURING);
    let before: Record<number, number> = {};
    for (const pass of passesOf(same)) {
      // Ids are those of the position: the third token of the third request has a context of three ids with those of the first two.
      if (pass.request[0] === 2 && pass.position[0] === 2 && index.select(pass, 0, -1)) before = found(index, index.beforeUnit);
      for (let layer = 0; layer < 3; layer++) index.learn(pass, 0, layer);
    }
    // A path has 6 experts: 1 + 2 / 4 of them for three ids; .4 of 1 + 1 / 4 for two ids of the token before, .16 of 1 for one; and what
    // the paths of both tokens before share, all of them: 6 + .4 x 6.
    expect(before[2]).toBe(before[7]);
    expect(before[2]).toBeCloseTo(9 + 0.4 * 7.5 + 0.16 * 6 + 6 + 0.4 * 6, 0);
    for (const place of [0, 1, 3, 4, 5, 6, 8, 9]) expect(before[place] ?? 0).toBeLessThan(9);
  });
});

/** A kept path of the reference. */
interface Kept {
  readonly place: number;
  readonly choices: Uint16Array;
  previous: Kept | null;
  next: Kept | null;
  gone: boolean;
}

/** The same retrieval, told by lists and maps: see path-index.ts for what it says. */
class Reference {
  readonly ring: (Kept | undefined)[] = [];
  kept = 0;
  /** By request: its last path, and what its last token shared with each kept path. */
  readonly last = new Map<number, Kept>();
  carried = new Map<number, Map<Kept, number>>();

  readonly layers: number;
  readonly capacity: number;
  readonly unit: number;
  readonly beforeUnit: number;

  constructor(layers: number, capacity: number, { unit, beforeUnit }: PathIndex) {
    this.layers = layers;
    this.capacity = capacity;
    this.unit = unit;
    this.beforeUnit = beforeUnit;
  }

  scaled(value: number, factor: number): number {
    return Math.floor((value * Math.min(32_767, Math.round(factor * 32_768)) + 16_384) / 32_768);
  }

  shared(pass: Pass, token: number, layer: number, path: Kept): number {
    let count = 0;
    for (let i = layer * pass.topK; i < (layer + 1) * pass.topK; i++) {
      const expert = pass.choices[token * pass.row + i]!;
      if (expert === NULL_EXPERT) continue;
      for (let own = layer * pass.topK; own < (layer + 1) * pass.topK; own++) {
        if (path.choices[own] !== expert) continue;
        count++;
        break;
      }
    }
    return count;
  }

  before(pass: Pass, token: number, path: Kept): number {
    const request = pass.request[token]!;
    const first = pass.request.indexOf(request) === token;
    return first && path.previous !== null && !path.previous.gone ? (this.carried.get(request)?.get(path.previous) ?? 0) : 0;
  }

  similarity(pass: Pass, token: number, after: number, known: number, path: Kept): number {
    const before = this.before(pass, token, path);
    let near = 0;
    let whole = 0;
    const layers = after === NEXT_TOKEN ? known : after + 1;
    for (let layer = 0; layer < layers; layer++) {
      const count = this.shared(pass, token, layer, path);
      near = this.scaled(near, 0.8) + this.unit * count;
      whole += count;
    }
    if (after === NEXT_TOKEN) return this.beforeUnit * whole + this.scaled(before, 1 - (1 - 0.4) * (known / this.layers));
    if (after < 0) return this.scaled(before, 1);
    return (
      this.scaled(near, 1) + Math.round((this.unit * 4) / layers) * whole + this.scaled(before, this.unit / (this.layers * this.beforeUnit))
    );
  }

  /** The best `voters`, ties to the lower place. */
  best(pass: Pass, token: number, after: number, known: number, voters: number): Record<number, number> {
    const all = this.ring.map((path) => [path!.place, this.similarity(pass, token, after, known, path!)] as const);
    const some = all.filter(([, similarity]) => similarity > 0).sort((a, b) => b[1] - a[1] || a[0] - b[0]);
    return Object.fromEntries(some.slice(0, voters));
  }

  keep(pass: Pass): void {
    const carried = new Map(this.carried);
    for (let token = 0; token < pass.tokens; token++) {
      const shares = new Map<Kept, number>();
      for (const path of this.ring) {
        let whole = 0;
        for (let layer = 0; layer < this.layers; layer++) whole += this.shared(pass, token, layer, path!);
        shares.set(path!, this.beforeUnit * whole + this.scaled(this.before(pass, token, path!), 0.4));
      }
      carried.set(pass.request[token]!, shares);
    }
    for (let token = 0; token < pass.tokens; token++) {
      const place = this.kept++ % this.capacity;
      const old = this.ring[place];
      if (old !== undefined) old.gone = true;
      const previous = this.last.get(pass.request[token]!) ?? null;
      const choices = pass.choices.slice(token * pass.row, (token + 1) * pass.row);
      const path: Kept = { place, choices, previous: previous?.gone === true ? null : previous, next: null, gone: false };
      if (path.previous !== null) path.previous.next = path;
      this.ring[place] = path;
      this.last.set(pass.request[token]!, path);
    }
    this.carried = carried;
  }
}

const RANDOM_LAYERS = 5;
const model = toyModel([6, 9, 6, 6, 8], undefined, TOP_K);
const random = new Random(3, 'test/paths');

/** Topics that last, so that paths resemble one another; some choices are empty. */
const rowsOf = (count: number): Row[] =>
  Array.from({ length: count }, (_, at) =>
    model.layers.map(({ experts }, layer) => {
      const first = random.next() < 0.7 ? (Math.floor(at / 4) * 3 + layer) % experts : random.below(experts);
      const second = random.below(experts);
      return random.next() < 0.1 ? [] : second === first ? [first] : [first, second];
    }),
  );
const trace = traceFrom(model, TOP_K, [70, 40, 90, 30, 60, 75].map(rowsOf));
const withoutIds = { ...trace, has: { ...trace.has, tokenIds: false } };

describe('on random routing', () => {
  it.each([
    { capacity: 300, streams: 1, tokens: 1 },
    { capacity: 37, streams: 1, tokens: 1 },
    { capacity: 50, streams: 3, tokens: 1 },
    { capacity: 64, streams: 2, tokens: 3 },
    { capacity: 1, streams: 2, tokens: 1 },
  ])('finds what a recount finds: $capacity paths, $streams requests, $tokens tokens a pass', ({ capacity, streams, tokens }) => {
    const voters = 6;
    const index = new PathIndex(model, TOP_K, streams, capacity, voters, DURING);
    const reference = new Reference(RANDOM_LAYERS, capacity, index);
    const compare = (pass: Pass, token: number, after: number, known: number): void => {
      const any = index.select(pass, token, after);
      const expected = reference.best(pass, token, after, known, voters);
      deepStrictEqual(any ? found(index, 1) : {}, expected);
    };
    let questions = 0;
    for (const pass of passesOf(withoutIds, streams, tokens)) {
      for (let token = 0; token < pass.tokens; token++) compare(pass, token, -1, 0);
      for (let layer = 0; layer < RANDOM_LAYERS; layer++) {
        for (let token = 0; token < pass.tokens; token++) index.learn(pass, token, layer);
        if (layer === RANDOM_LAYERS - 1) break;
        for (let token = 0; token < pass.tokens; token++) {
          // Also what was known earlier, as the fit of weights asks.
          for (const after of [layer, NEXT_TOKEN, Math.floor(layer / 2), layer, -1]) compare(pass, token, after, layer + 1);
          questions++;
        }
      }
      reference.keep(pass);
    }
    expect(questions).toBeGreaterThan(1000);
  });

  it('follows an even sample of a long prompt, and its last token', () => {
    const index = new PathIndex(model, TOP_K, 1, 300, 6, DURING);
    const [first, second] = [...passesOf(traceFrom(model, TOP_K, [rowsOf(150)]), 1, 75)].map((pass) => pass.number);
    expect([first, second]).toEqual([2, 2]);
    let pass: Pass | null = null;
    for (pass of passesOf(traceFrom(model, TOP_K, [rowsOf(150)]), 1, 75)) {
      for (let layer = 0; layer < RANDOM_LAYERS; layer++) for (let token = 0; token < 75; token++) index.learn(pass, token, layer);
    }
    expect(index.ring.count).toBe(150);
    const asked = Array.from({ length: 75 }, (_, token) => index.select(pass!, token, NEXT_TOKEN));
    expect(asked.map((followed, token) => followed === (token % 2 === 0 || token === 74))).not.toContain(false);
  });
});
