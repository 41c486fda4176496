// Law L32: the work of a file or a number is bounded. What reads, matches, draws or prices ticks a meter, and past its limit ends in one line.
import { UserError } from './errors.js';
import { formatCount } from './units.js';

/** A kind of work. */
export interface Work {
  /** Most units of one file, line or question: many times what a real one takes. */
  readonly most: number;
  /** In the plural. */
  readonly unit: string;
  /** What instead, as a request without a full stop. */
  readonly instead: string;
}

/** All kinds of work. A reader with a smaller limit has `{ ...LIMITS.lists, most }`. */
export const LIMITS = {
  /** Of one document: a recording in one document has one for each token and layer. */
  lists: { most: 4_000_000, unit: 'lists and objects', instead: 'write JSON lines, one record a line' },
  /** Of one pickle: a recording has a few for each pass. Each takes a hundred times its encoded size in memory. */
  built: { most: 500_000, unit: 'lists and dicts', instead: 'no recording does' },
  /** Of one GGUF header, in the arrays that are kept. */
  numbers: { most: 2 ** 20, unit: 'numbers in arrays', instead: "no model's file does" },
  /** Of one placement in JSON; 100 layers of 512 experts on eight GPUs each have 410,000. */
  places: { most: 2 ** 20, unit: 'values', instead: "no engine's placement does" },
  /** Of one file of arrivals, or drawn. */
  requests: { most: 5_000_000, unit: 'requests', instead: 'take fewer with workload.requests' },
  /** Of one synthetic trace. */
  parts: { most: 2_000_000, unit: 'requests', instead: 'take fewer tokens or longer requests' },
  /** Of one sweep, which holds them all. */
  cells: { most: 100_000, unit: 'runs', instead: 'take fewer values, or a sample of them in a study' },
  /** Of one synthetic trace, whose rows take 8 GB of a temporary file. */
  drawn: { most: 4_000_000_000, unit: 'choices of experts', instead: 'take fewer tokens' },
  /** Of all patterns of one file or line against all names: a state of a pattern at a character of a name. */
  matching: { most: 100_000_000, unit: 'steps of matching', instead: 'write fewer or shorter patterns' },
  /** Of all patterns of one command line: those of 16 GPUs with a list of layers each take an eighth. */
  states: { most: 32_768, unit: 'states of patterns', instead: 'write fewer or shorter patterns' },
  /** Drawn for one question for advice; 64 users of a model of 1,472 choices a token take 32 million. */
  routing: { most: 40_000_000, unit: 'choices of experts', instead: 'take fewer --users or a smaller model' },
  /** Replayed by all runs that price settings for one question: a second of a core for 25 million. */
  pricing: { most: 2_000_000_000, unit: 'choices of experts', instead: 'take fewer --users or fewer formats' },
  /** Of one request. */
  prompt: { most: 2 ** 20, unit: 'tokens', instead: 'no model is trained on as many' },
} as const satisfies Readonly<Record<string, Work>>;

/** Counts work of one kind, up to its limit. */
export class Meter {
  readonly #place: string;
  readonly #work: Work;
  #spent = 0;

  /** @param place of the work: a file with its line, an option, or a command */
  constructor(place: string, work: Work) {
    this.#place = place;
    this.#work = work;
  }

  /** Adds units of work that were done, or that are next. @throws UserError past the limit, and for what is no number */
  spent(units: number): void {
    this.#spent += units;
    if (this.#spent <= this.#work.most) return;
    const { instead, most, unit } = this.#work;
    throw new UserError(`${this.#place}: asks for more than ${formatCount(most)} ${unit}; ${instead}`);
  }
}
