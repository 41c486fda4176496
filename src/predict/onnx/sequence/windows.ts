// Training data of an encoder: windows of streams; states pass on (truncated back-propagation through time).
import type { Random } from '../../../base/random.js';
import type { PathDataset } from '../dataset.js';
import type { Ort } from '../runtime.js';
import type { Step, StepSource } from '../trainer.js';
import { KNOWN, NEXT_STATE, STATE } from './contract.js';

/** Consecutive rows of a request. */
interface Piece {
  readonly start: number;
  readonly rows: number;
}

interface WindowOptions {
  readonly streams: number;
  readonly window: number;
  readonly state: number;
  /** Width of each noise tensor, [window x streams, width], by name. */
  readonly noise: ReadonlyMap<string, number>;
  readonly history: boolean;
  /** Shares of values set to 0, and of tokens with a hidden embedding. */
  readonly dropout: number;
  readonly hidden: number;
}

/** Most rows of a piece. Ours: long requests are cut, so that all streams are busy. */
const PIECE_ROWS = 512;
/** Most tokens measured after an epoch. Ours. */
const HELD_OUT_ROWS = 4096;

/** Windows over the pieces of a trace. */
export class SequenceWindows implements StepSource {
  readonly learned: number;
  readonly heldOut: number;
  readonly steps: number;
  readonly #ort: typeof Ort;
  readonly #dataset: PathDataset;
  readonly #options: WindowOptions;
  readonly #learn: readonly Piece[];
  readonly #held: readonly Piece[];
  readonly #tokenId: BigInt64Array;
  readonly #target: Float32Array;
  readonly #mask: Float32Array;
  readonly #state: Float32Array;
  readonly #nextState: Float32Array;
  readonly #noise: ReadonlyMap<string, Float32Array>;
  readonly #fast: Float32Array;
  readonly #slow: Float32Array;
  readonly #known: Float32Array;

  constructor(
    ort: typeof Ort,
    dataset: PathDataset,
    pieces: { readonly learn: readonly Piece[]; readonly held: readonly Piece[] },
    options: WindowOptions,
  ) {
    const { history, noise, state, streams, window } = options;
    this.#ort = ort;
    this.#dataset = dataset;
    this.#options = options;
    this.#learn = pieces.learn;
    this.#held = upTo(pieces.held, HELD_OUT_ROWS);
    this.learned = rowsOf(pieces.learn);
    this.heldOut = rowsOf(pieces.held);
    const windows = pieces.learn.reduce((sum, { rows }) => sum + Math.ceil(rows / window), 0);
    this.steps = Math.ceil(windows / streams);
    const rows = streams * window;
    this.#tokenId = new BigInt64Array(rows);
    this.#target = new Float32Array(rows * dataset.model.experts);
    this.#mask = new Float32Array(rows);
    this.#state = new Float32Array(streams * state);
    this.#nextState = new Float32Array(streams * state);
    this.#noise = new Map([...noise].map(([name, width]) => [name, new Float32Array(rows * width)]));
    this.#fast = new Float32Array(history ? rows * dataset.model.experts : 0);
    this.#slow = new Float32Array(this.#fast.length);
    this.#known = new Float32Array(rows);
  }

  /** As many steps as the pieces have windows; streams start over when pieces run out. */
  *epoch(random: Random): Iterable<Step> {
    const order = random.shuffle(Int32Array.from(this.#learn.keys()));
    let dealt = 0;
    const deal = (): Piece => this.#learn[order[dealt++ % order.length]!]!;
    let left = this.steps;
    // Half of the windows have histories, as in decoding; half have none, as in a prompt.
    const knows = (): boolean => random.next() < 0.5;
    for (const step of this.#walk(deal, () => left-- > 0, knows)) {
      this.#draw(random);
      const { feeds } = step;
      for (const [name, data] of this.#noise) feeds[name] = this.#dense(data, this.#options.noise.get(name)!);
      yield step;
    }
  }

  *measured(): Iterable<Step> {
    let dealt = 0;
    yield* this.#walk(
      () => this.#held[dealt++] ?? null,
      (running) => running > 0,
      (stream) => stream % 2 === 1,
    );
  }

  /** Steps over pieces while `goesOn(busy streams)`. @param knows true: the window has histories */
  *#walk(deal: () => Piece | null, goesOn: (running: number) => boolean, knows: (stream: number) => boolean): Iterable<Step> {
    const { state, streams, window } = this.#options;
    const { experts } = this.#dataset.model;
    const at = new Int32Array(streams);
    const end = new Int32Array(streams);
    for (;;) {
      for (let stream = 0; stream < streams; stream++) {
        if (at[stream]! < end[stream]!) continue;
        const piece = deal();
        if (piece === null) continue;
        at[stream] = piece.start;
        end[stream] = piece.start + piece.rows;
        this.#state.fill(0, stream * state, (stream + 1) * state);
      }
      if (!goesOn(at.reduce((running, row, stream) => running + (row < end[stream]! ? 1 : 0), 0))) return;
      const tokens = this.#fill(at, end, knows);
      const { Tensor } = this.#ort;
      const states = (data: Float32Array): Ort.Tensor => new Tensor('float32', data, [streams, state]);
      yield {
        feeds: {
          token_id: new Tensor('int64', this.#tokenId, [streams * window]),
          [STATE]: states(this.#state),
          target: this.#dense(this.#target, experts),
          mask: this.#dense(this.#mask, 1),
          ...(this.#options.history
            ? {
                history: this.#dense(this.#fast, experts),
                history_slow: this.#dense(this.#slow, experts),
                [KNOWN]: this.#dense(this.#known, 1),
              }
            : {}),
          scale: new Tensor('float32', Float32Array.of(tokens * experts), []),
        },
        fetches: { [NEXT_STATE]: states(this.#nextState) },
        weight: tokens,
      };
      this.#state.set(this.#nextState);
      for (let stream = 0; stream < streams; stream++) at[stream] = Math.min(end[stream]!, at[stream]! + window);
    }
  }

  #fill(at: Int32Array, end: Int32Array, knows: (stream: number) => boolean): number {
    const { history, streams, window } = this.#options;
    const dataset = this.#dataset;
    const { experts, layers } = dataset.model;
    this.#target.fill(0);
    this.#mask.fill(0);
    this.#known.fill(0);
    let tokens = 0;
    for (let stream = 0; stream < streams; stream++) {
      const known = history && knows(stream);
      for (let step = 0, row = at[stream]!; step < window && row < end[stream]!; step++, row++) {
        const to = step * streams + stream;
        this.#tokenId[to] = BigInt(dataset.tokenIds![row]!);
        dataset.path(row, 0, layers.length, this.#target, to * experts);
        this.#mask[to] = 1;
        tokens++;
        if (!known) continue;
        dataset.history(row, this.#fast, this.#slow, to * experts);
        this.#known[to] = 1;
      }
    }
    return tokens;
  }

  /** Inverted dropout (Srivastava et al., JMLR 15, 2014); the token tensor also loses whole rows. */
  #draw(random: Random): void {
    const { dropout, hidden, noise } = this.#options;
    const kept = 1 / (1 - dropout);
    const [tokens] = noise.keys();
    for (const [name, data] of this.#noise) {
      for (let i = 0; i < data.length; i++) data[i] = random.next() < dropout ? 0 : kept;
      if (name !== tokens) continue;
      const width = noise.get(name)!;
      for (let row = 0; row < data.length; row += width) if (random.next() < hidden) data.fill(0, row, row + width);
    }
  }

  #dense(data: Float32Array, width: number): Ort.Tensor {
    return new this.#ort.Tensor('float32', data, [data.length / width, width]);
  }
}

/** Ascending rows as pieces, cut at gaps, at request starts, and at {@link PIECE_ROWS}. */
export function piecesOf(rows: Int32Array, dataset: PathDataset): Piece[] {
  const starts = new Set(dataset.requests.map(({ start }) => start));
  const pieces: { start: number; rows: number }[] = [];
  for (const row of rows) {
    const last = pieces.at(-1);
    if (last !== undefined && last.start + last.rows === row && last.rows < PIECE_ROWS && !starts.has(row)) last.rows++;
    else pieces.push({ start: row, rows: 1 });
  }
  return pieces;
}

function upTo(pieces: readonly Piece[], most: number): Piece[] {
  let left = most;
  return pieces.flatMap(({ rows, start }) => {
    const taken = Math.min(rows, left);
    left -= taken;
    return taken > 0 ? [{ start, rows: taken }] : [];
  });
}

const rowsOf = (pieces: readonly Piece[]): number => pieces.reduce((sum, { rows }) => sum + rows, 0);
