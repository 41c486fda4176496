import { grown } from '../../base/grown.js';
import { deviation, mean } from '../../base/statistics.js';
import { meets, type Objectives, type Request, type Share } from '../../schedule/door.js';
import type { Clocks } from '../foresight/clocks.js';
import type { FloorMark } from '../foresight/floor.js';

interface EndedRequests {
  /** @param met true: objective kept */
  ended(request: Request, endNs: number, met: boolean): void;
}

/** By request: TPOT, ns; and least total time of passes. */
export interface TpotKnowing {
  readonly lru: Float64Array;
  readonly belady: Float64Array;
  /** By schedule with the future known, Belady on demand included. */
  readonly knowing: readonly Float64Array[];
  readonly totalNs: number;
}

/** Latencies of passes and requests, ns. */
export class Latencies {
  readonly pass = new Samples();
  readonly ttft = new Samples();
  readonly tpot = new Samples();
  readonly itl = new Samples();
  readonly request = new Samples();
  /** Arrival to start of the first pass. */
  readonly queueing = new Samples();
  /** Finished requests; requests within their objective, with generated tokens. */
  finished = 0;
  metRequests = 0;
  metTokens = 0;
  /** TPOT of the same requests with every expert resident, and without a cache. */
  readonly tpotAllResident = new Samples();
  readonly tpotNoCache = new Samples();
  /** TPOT on the floor; empty if not counted. */
  readonly tpotFloor = new Samples();
  /** By finished request with generated tokens: passes up to the first and last token, and tokens in between. */
  readonly #spans: (readonly [first: number, last: number, tokens: number])[] = [];
  /** Whole run, and last pass. */
  readonly speeds = new PhaseSpeeds();
  readonly lastPass = new PhaseSpeeds();
  readonly #classes: EndedRequests | null;
  readonly halves = new RequestHalves();
  /** By request with a first token: start of its floor. */
  readonly #marks = new Map<Request, FloorMark>();
  readonly #bounds: Clocks;

  readonly #objectives?: Objectives;

  /** @param objectives absent: no limits of latencies @param classes null: no classes */
  constructor(bounds: Clocks, objectives?: Objectives, classes: EndedRequests | null = null) {
    this.#classes = classes;
    this.#bounds = bounds;
    this.#objectives = objectives;
  }

  /** Starts a pass, with the tokens of requests without a prompt. */
  started(shares: readonly Share[], startNs: number): void {
    for (let i = 0; i < shares.length; i++) {
      const { request } = shares[i]!;
      if (request.startedNs >= 0) continue;
      request.startedNs = startNs;
      request.promptedNs = startNs;
      this.queueing.add(startNs - request.arrivalNs);
      if (request.prefill === 0) this.#firstToken(shares[i]!, startNs);
    }
  }

  /** Called before `request.done` changes. */
  ended(shares: readonly Share[], startNs: number, endNs: number): void {
    this.pass.add(endNs - startNs);
    this.lastPass.clear();
    for (let i = 0; i < shares.length; i++) {
      const { rejected = 0, request, tokens } = shares[i]!;
      const done = request.done + tokens - rejected;
      if (request.inPrefill) {
        if (request.firstTokenNs < 0) this.#prompted(shares[i]!, endNs);
        if (done < request.promptRows) continue;
        if (request.firstTokenNs < 0) {
          this.ttft.add(endNs - request.arrivalNs);
          this.speeds.prompted(request.prefill, endNs - request.startedNs);
          this.#firstToken(shares[i]!, endNs);
        } else this.#nextToken(request, endNs);
      } else for (let token = request.done; token < done; token++) this.#nextToken(request, endNs);
      this.halves.generated(request, done, endNs);
      if (done < request.tokens) continue;
      this.request.add(endNs - request.arrivalNs);
      this.finished++;
      const met = this.#objectives !== undefined && meets(this.#objectives, request, endNs);
      this.#classes?.ended(request, endNs, met);
      if (met) {
        this.metRequests++;
        this.metTokens += request.decode;
      }
      if (request.decode === 0) continue;
      this.halves.finished(request, endNs);
      this.speeds.decoded(request.decode, endNs - request.firstTokenNs);
      this.tpot.add((endNs - request.firstTokenNs) / request.decode);
      this.tpotAllResident.add((this.#bounds.allResidentNs - request.firstTokenAllResidentNs) / request.decode);
      this.tpotNoCache.add((this.#bounds.noCacheNs - request.firstTokenNoCacheNs) / request.decode);
      this.#finishedKnowing(request);
    }
  }

  /** TPOT of the same requests per knowledge, and total time of schedules with known future, ns. Call after the run. */
  tpotKnowing(): TpotKnowing | null {
    const ends = this.#bounds.found?.ends(this.pass.values()) ?? null;
    if (ends === null) return null;
    const { belady, knowing, lru } = ends;
    const tpot = (ends: Float64Array): Float64Array => {
      const at = (passes: number): number => (passes === 0 ? 0 : ends[passes - 1]!);
      return Float64Array.from(this.#spans, ([first, last, tokens]) => (at(last) - at(first)) / tokens);
    };
    const all = [belady, ...knowing];
    return { belady: tpot(belady), lru: tpot(lru), knowing: all.map(tpot), totalNs: Math.min(...all.map((ends) => ends.at(-1) ?? 0)) };
  }

  #finishedKnowing(request: Request): void {
    const { floor, found, passes } = this.#bounds;
    if (floor !== null) {
      this.tpotFloor.add(floor.sinceNs(this.#marks.get(request)!) / request.decode);
      this.#marks.delete(request);
    }
    if (found !== null) this.#spans.push([request.firstTokenPass, passes, request.decode]);
  }

  /** Rows rerun after a preemption take time without being tokens. */
  #prompted({ request, tokens }: Share, nowNs: number): void {
    this.lastPass.prompted(Math.max(0, request.done + tokens - Math.max(request.computed, request.done)), nowNs - request.promptedNs);
    request.promptedNs = nowNs;
  }

  #nextToken(request: Request, nowNs: number): void {
    this.itl.add(nowNs - request.lastTokenNs);
    this.lastPass.decoded(1, nowNs - request.lastTokenNs);
    request.lastTokenNs = nowNs;
  }

  #firstToken({ request }: Share, nowNs: number): void {
    request.firstTokenNs = nowNs;
    request.lastTokenNs = nowNs;
    request.firstTokenAllResidentNs = this.#bounds.allResidentNs;
    request.firstTokenNoCacheNs = this.#bounds.noCacheNs;
    request.firstTokenPass = this.#bounds.passes;
    const { floor } = this.#bounds;
    if (floor !== null && request.decode > 0) this.#marks.set(request, floor.mark());
  }
}

/** Growing list of numbers, 8 bytes each, for exact percentiles. */
export class Samples {
  #values: Float64Array = new Float64Array(256);
  #count = 0;

  add(value: number): void {
    if (this.#count === this.#values.length) this.#values = grown(this.#values);
    this.#values[this.#count++] = value;
  }

  /** In order of arrival; a view. */
  values(): Float64Array {
    return this.#values.subarray(0, this.#count);
  }
}

/** Prompt and generated tokens with their requests' time: speed per user. */
export class PhaseSpeeds {
  #promptTokens = 0;
  #promptNs = 0;
  #decodeTokens = 0;
  #decodeNs = 0;

  prompted(tokens: number, ns: number): void {
    this.#promptTokens += tokens;
    this.#promptNs += ns;
  }

  decoded(tokens: number, ns: number): void {
    this.#decodeTokens += tokens;
    this.#decodeNs += ns;
  }

  add(other: PhaseSpeeds): void {
    this.prompted(other.#promptTokens, other.#promptNs);
    this.decoded(other.#decodeTokens, other.#decodeNs);
  }

  clear(): void {
    this.#promptTokens = this.#promptNs = this.#decodeTokens = this.#decodeNs = 0;
  }

  /** Prompt tokens per second; null: no tokens. */
  get prefill(): number | null {
    return this.#promptTokens === 0 ? null : (this.#promptTokens * 1e9) / this.#promptNs;
  }

  /** Generated tokens per second; null: no tokens. */
  get decode(): number | null {
    return this.#decodeTokens === 0 ? null : (this.#decodeTokens * 1e9) / this.#decodeNs;
  }
}

/** TPOT of halves of finished requests: text varies between requests, cache warmth between halves. */
export class RequestHalves {
  /** Whole requests, and halves, two per request, ns. */
  readonly whole = new Samples();
  readonly halves = new Samples();
  /** By running request past its first half: tokens, and time of the last token. */
  readonly #middles = new Map<Request, readonly [tokens: number, atNs: number]>();

  /** @param done rows of the request run so far */
  generated(request: Request, done: number, nowNs: number): void {
    const tokens = done - request.prefill;
    if (tokens < request.decode / 2 || tokens >= request.decode || this.#middles.has(request)) return;
    this.#middles.set(request, [tokens, nowNs]);
  }

  finished(request: Request, nowNs: number): void {
    const middle = this.#middles.get(request);
    this.#middles.delete(request);
    if (middle === undefined) return;
    const [tokens, atNs] = middle;
    this.whole.add((nowNs - request.firstTokenNs) / request.decode);
    this.halves.add((atNs - request.firstTokenNs) / tokens);
    this.halves.add((nowNs - atNs) / (request.decode - tokens));
  }

  /**
   * Typical shift of mean TPOT with ten times the requests, a share: for n blocks of deviation s, s x sqrt(1/n - 1/(10
   * n)). Null: no halves.
   */
  tenfold(): { readonly requests: number; readonly tpot: number } | null {
    const whole = this.whole.values();
    if (whole.length === 0) return null;
    const tpot = mean(whole);
    const moves = [whole, this.halves.values()].map((blocks) => deviation(blocks) * Math.sqrt(0.9 / blocks.length));
    return { requests: whole.length, tpot: tpot === 0 ? 0 : Math.max(...moves) / tpot };
  }
}
