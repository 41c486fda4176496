/** Tokens of a request. */
export interface RequestShape {
  readonly prompt: number;
  readonly output: number;
}

/** Speeds that goals rate. */
export interface Speeds {
  /** Tokens/s over all users. */
  readonly decode: number;
  /** Tokens/s. */
  readonly prefill: number;
}

/** Pass of `rows` tokens. */
export interface PassTime {
  readonly rows: number;
  readonly ns: number;
}

/** Speeds of passes that hold prompts and tokens of others. */
export interface SharedSpeeds extends Speeds {
  /** Attention of the decoded tokens of all other users, ns. Absent: one user. */
  readonly ridersNs?: number;
  /** Passes of several prompts. Absent: none. */
  readonly passes?: readonly PassTime[];
}

/** Users at a time, and most tokens of a pass. */
export interface Sharing {
  readonly users: number;
  readonly ubatch: number;
}

/** One user. */
export const ALONE: Sharing = { users: 1, ubatch: 1 };

/** What users get. */
export interface Served {
  /** Generated tokens/s of all users together, prompts included. */
  readonly throughput: number;
  /** Time to the first token, and per token of a user after it, ns. */
  readonly ttft: number;
  readonly tpot: number;
}

/** Requests of each user before counting, and counted. Ours. */
const ROUNDS = { before: 2, counted: 4 };

/**
 * Closed loop of equal requests, begun at once, under `fcfs`. Within 5 % of `run` in 30 settings
 * (test/claims/advise/served.test.ts).
 */
export function closedLoop(speeds: SharedSpeeds, { ubatch, users }: Sharing, { output, prompt }: RequestShape): Served {
  const ttft = (prompt * 1e9) / speeds.prefill;
  const tpot = 1e9 / speeds.decode;
  if (users === 1) return { throughput: (output * 1e9) / (ttft + output * tpot), ttft, tpot };
  const loop = new LockStep(speeds, { ubatch, users }, { output, prompt });
  return loop.run(ROUNDS.before * users, ROUNDS.counted * users);
}

/** Users in passes; decoding users end in order of beginning. */
class LockStep {
  readonly #prompting: { arrivedNs: number; left: number }[];
  readonly #decoding: { arrivedNs: number; firstNs: number; lastPass: number }[] = [];
  readonly #ubatch: number;
  readonly #request: RequestShape;
  readonly #times: PassTimes;
  #pass = 0;
  #nowNs = 0;

  constructor(speeds: SharedSpeeds, sharing: Sharing, request: RequestShape) {
    this.#ubatch = sharing.ubatch;
    this.#request = request;
    this.#times = new PassTimes(speeds, sharing, request);
    this.#prompting = Array.from({ length: sharing.users }, () => ({ arrivedNs: 0, left: request.prompt }));
  }

  run(before: number, counted: number): Served {
    let [ended, sinceNs, ttft, tpot] = [0, 0, 0, 0];
    const { output, prompt } = this.#request;
    while (ended < before + counted) {
      this.#step();
      while (this.#decoding[0]?.lastPass === this.#pass) {
        const { arrivedNs, firstNs } = this.#decoding.shift()!;
        this.#prompting.push({ arrivedNs: this.#nowNs, left: prompt });
        if (++ended === before) sinceNs = this.#nowNs;
        if (ended <= before || ended > before + counted) continue;
        ttft += (firstNs - arrivedNs) / counted;
        tpot += (this.#nowNs - firstNs) / output / counted;
      }
    }
    return { throughput: (counted * output * 1e9) / (this.#nowNs - sinceNs), ttft, tpot };
  }

  /** Passes until a change. */
  #step(): void {
    const riders = this.#decoding.length;
    const room = this.#ubatch - riders;
    const first = this.#prompting[0];
    const untilEnd = riders === 0 ? Number.POSITIVE_INFINITY : this.#decoding[0]!.lastPass - this.#pass;
    if (first === undefined || room <= 0) {
      this.#spend(untilEnd, riders, 0);
    } else if (first.left > room) {
      const passes = Math.min(untilEnd, Math.ceil(first.left / room) - 1);
      first.left -= passes * room;
      this.#spend(passes, riders, room);
    } else {
      this.#endPrompts(riders, room);
    }
  }

  #endPrompts(riders: number, room: number): void {
    let taken = 0;
    const done: number[] = [];
    for (const request of this.#prompting) {
      const tokens = Math.min(request.left, room - taken);
      request.left -= tokens;
      taken += tokens;
      if (request.left > 0 || taken === room) break;
    }
    while (this.#prompting[0]?.left === 0) done.push(this.#prompting.shift()!.arrivedNs);
    this.#spend(1, riders, taken);
    const lastPass = this.#pass + this.#request.output;
    for (const arrivedNs of done) this.#decoding.push({ arrivedNs, firstNs: this.#nowNs, lastPass });
  }

  #spend(passes: number, riders: number, prompts: number): void {
    this.#pass += passes;
    this.#nowNs += passes * this.#times.of(riders, prompts);
  }
}

/** A power law of tokens between priced passes. */
class PassTimes {
  readonly #points: readonly PassTime[];
  readonly #riderNs: number;

  constructor({ decode, passes = [], prefill, ridersNs = 0 }: SharedSpeeds, { ubatch, users }: Sharing, { prompt }: RequestShape) {
    this.#riderNs = ridersNs / (users - 1);
    const chunk = Math.min(ubatch, prompt);
    const step = { rows: users, ns: (users * 1e9) / decode - users * this.#riderNs };
    this.#points = [step, { rows: chunk, ns: (chunk * 1e9) / prefill }, ...passes].sort((a, b) => a.rows - b.rows);
  }

  /** @param riders decoding users @param prompts tokens of prompts */
  of(riders: number, prompts: number): number {
    return riders * this.#riderNs + this.#rowsNs(riders + prompts);
  }

  #rowsNs(rows: number): number {
    const points = this.#points;
    const above = points.findIndex((point) => point.rows >= rows);
    const last = points.at(-1)!;
    if (above < 0) return (last.ns * rows) / last.rows;
    const [high, low] = [points[above]!, points[Math.max(0, above - 1)]!];
    if (high.rows === low.rows) return high.ns;
    return low.ns * (high.ns / low.ns) ** (Math.log(rows / low.rows) / Math.log(high.rows / low.rows));
  }
}
