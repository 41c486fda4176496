// Law L32: reading, matching, drawing and pricing are bounded, and past a limit end with one line.
import { UserError } from './errors.js';
import { formatCount } from './units.js';

/** Kind of work. */
export interface Work {
  /** Most units per file, line or question: many times a real case. */
  readonly most: number;
  /** Plural. */
  readonly unit: string;
  /** Alternative, as a request without a full stop. */
  readonly instead: string;
}

/** All kinds of work. A reader with a smaller limit has `{ ...LIMITS.lists, most }`. */
export const LIMITS = {
  /** Per document: a recording has one per token and layer. */
  lists: { most: 4_000_000, unit: 'lists and objects', instead: 'write JSON lines, one record a line' },
  /** Per pickle: a recording has a few per pass. Each takes a hundred times its encoded size in memory. */
  built: { most: 500_000, unit: 'lists and dicts', instead: 'no recording does' },
  /** Per GGUF header, in kept arrays. */
  numbers: { most: 2 ** 20, unit: 'numbers in arrays', instead: "no model's file does" },
  /** Per placement in JSON; 100 layers of 512 experts on eight GPUs each have 410,000. */
  places: { most: 2 ** 20, unit: 'values', instead: "no engine's placement does" },
  /** Per file of arrivals, or drawn. */
  requests: { most: 5_000_000, unit: 'requests', instead: 'take fewer with workload.requests' },
  /** Per synthetic trace. */
  parts: { most: 2_000_000, unit: 'requests', instead: 'take fewer tokens or longer requests' },
  /** Per sweep, all in memory. */
  cells: { most: 100_000, unit: 'runs', instead: 'take fewer values, or a sample of them in a study' },
  /** Per synthetic trace; the rows take 8 GB of a temporary file. */
  drawn: { most: 4_000_000_000, unit: 'choices of experts', instead: 'take fewer tokens' },
  /** Per file or line: states of all patterns at characters of all names. */
  matching: { most: 100_000_000, unit: 'steps of matching', instead: 'write fewer or shorter patterns' },
  /** Per command line; 16 GPUs with a list of layers each take an eighth. */
  states: { most: 32_768, unit: 'states of patterns', instead: 'write fewer or shorter patterns' },
  /** Drawn per question for advice; 64 users of a model of 1,472 choices a token take 32 million. */
  routing: { most: 40_000_000, unit: 'choices of experts', instead: 'take fewer --users or a smaller model' },
  /** Replayed per question by all priced runs: a second of a core for 25 million. */
  pricing: { most: 2_000_000_000, unit: 'choices of experts', instead: 'take fewer --users or fewer formats' },
  /** Per request. */
  prompt: { most: 2 ** 20, unit: 'tokens', instead: 'no model is trained on as many' },
} as const satisfies Readonly<Record<string, Work>>;

/** Counts work of one kind up to its limit. */
export class Meter {
  readonly #place: string;
  readonly #work: Work;
  #spent = 0;

  /** @param place a file with its line, an option, or a command */
  constructor(place: string, work: Work) {
    this.#place = place;
    this.#work = work;
  }

  /** @throws UserError past the limit, and for NaN */
  spent(units: number): void {
    this.#spent += units;
    if (this.#spent <= this.#work.most) return;
    const { instead, most, unit } = this.#work;
    throw new UserError(`${this.#place}: asks for more than ${formatCount(most)} ${unit}; ${instead}`);
  }
}
