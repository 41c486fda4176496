import { UserError } from '../base/errors.js';
import { NULL_EXPERT, type TraceMeta } from './trace.js';

/** Stamps below 2^30 are machine words in V8. */
const LAST_STAMP = 0x3fffffff;

/** Maximum choices per row; the deepest known models have 100 layers of 22 choices. */
const MOST_CELLS = 1 << 20;

/** Before memory is allocated. @throws UserError */
export function checkShape(path: string, layers: number, topK: number): void {
  if (layers * topK <= MOST_CELLS) return;
  throw new UserError(`${path}: ${layers} layers x ${topK} choices are more than any model has; are the axes [tokens, layers, top-k]?`);
}

/** Ids in range, no repeats at a layer. About 1 ns per activation. */
export class RowChecker {
  readonly #place: (row: number) => string;
  readonly #layers: number;
  readonly #topK: number;
  readonly #experts: Int32Array;
  readonly #parts: number;
  readonly #seen = new Int32Array(NULL_EXPERT + 1);
  #stamp = 0;

  /** @param path names the file, or a row (`trace.jsonl:17`) @param parts of choices, checked separately */
  constructor(path: string | ((row: number) => string), topK: number, expertsPerLayer: readonly number[], parts = 1) {
    this.#place = typeof path === 'string' ? (row) => `${path}: token ${row}` : path;
    this.#layers = expertsPerLayer.length * parts;
    this.#topK = topK / parts;
    this.#parts = parts;
    this.#experts = Int32Array.from({ length: this.#layers }, (_, part) => expertsPerLayer[Math.floor(part / parts)]!);
  }

  /** Checks rows `[rows, layers, topK]` and replaces `nullId` by {@link NULL_EXPERT}. @throws UserError for a bad id */
  check(ids: Uint16Array, rows: number, firstRow: number, nullId: number): void {
    const layers = this.#layers;
    const topK = this.#topK;
    const experts = this.#experts;
    const seen = this.#seen;
    let stamp = this.#stamp;
    let at = 0;
    for (let row = 0; row < rows; row++) {
      for (let layer = 0; layer < layers; layer++) {
        if (stamp === LAST_STAMP) {
          seen.fill(0);
          stamp = 0;
        }
        stamp++;
        const limit = experts[layer]!;
        for (const end = at + topK; at < end; at++) {
          const id = ids[at]!;
          if (id < limit && seen[id] !== stamp) seen[id] = stamp;
          else if (id >= limit && (id === nullId || id === NULL_EXPERT)) ids[at] = NULL_EXPERT;
          else {
            this.#stamp = stamp;
            this.#refuse(id, firstRow + row, layer);
          }
        }
      }
    }
    this.#stamp = stamp;
  }

  #refuse(id: number, row: number, part: number): never {
    const limit = this.#experts[part]!;
    const layer = Math.floor(part / this.#parts);
    const what =
      id >= limit
        ? `expert ${id} is out of range, the model has ${limit}`
        : `expert ${id} stands twice; a token chooses an expert once, so the layout or the offset is wrong`;
    throw new UserError(`${this.#place(row)}, layer ${layer}: ${what}`);
  }
}

/** Of `predicted` rows. @param predictedK choices of all distances @throws UserError unless divisible by them */
export function predictedChecker(
  path: string,
  predictedK: number,
  expertsPerLayer: readonly number[],
  { predictedAhead }: Pick<TraceMeta, 'predictedAhead'>,
): RowChecker {
  const parts = predictedK > 0 ? (predictedAhead?.length ?? 1) : 1;
  if (predictedK % parts !== 0)
    throw new UserError(
      `${path}: predicted has ${predictedK} choices per layer, which ${parts} distances (predicted_ahead) cannot share evenly`,
    );
  return new RowChecker((row) => `${path}: predicted: token ${row}`, predictedK, expertsPerLayer, parts);
}
