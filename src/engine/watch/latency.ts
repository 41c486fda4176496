// Serving latencies as engines define them: TTFT, TPOT, ITL, end to end, and the speeds of the two phases. On the run's clock, and TPOT
// on the clocks of the bounds.
import { meets, type Objectives } from '../../schedule/objective.js';
import type { Request } from '../../schedule/request.js';
import type { Share } from '../../schedule/scheduler.js';
import type { Clocks } from '../foresight/clocks.js';
import type { FloorMark } from '../foresight/floor.js';
import type { KnowledgeEnds } from '../foresight/knowledge-bounds.js';
import { ClassMeter } from './class-meter.js';
import { PhaseSpeeds } from './phase-speeds.js';
import { RequestHalves } from './request-halves.js';
import { Samples } from './samples.js';

/** Latencies of passes and requests, ns. */
export class Latencies {
  readonly pass = new Samples();
  readonly ttft = new Samples();
  readonly tpot = new Samples();
  readonly itl = new Samples();
  readonly request = new Samples();
  /** From arrival to the start of the first pass. */
  readonly queueing = new Samples();
  /** Requests that finished; requests that met their objective, and tokens that these generated. */
  finished = 0;
  metRequests = 0;
  metTokens = 0;
  /** TPOT of the same requests with every expert resident, and with no cache. */
  readonly tpotAllResident = new Samples();
  readonly tpotNoCache = new Samples();
  /** The same on the floor; nothing where it is not counted. */
  readonly tpotFloor = new Samples();
  /** By finished request with generated tokens: passes up to its first token and its last one, and tokens between. */
  readonly #spans: (readonly [first: number, last: number, tokens: number])[] = [];
  /** Tokens and time of both phases: of the whole run, and of the pass that ended last. */
  readonly speeds = new PhaseSpeeds();
  readonly lastPass = new PhaseSpeeds();
  readonly classes = new ClassMeter();
  readonly halves = new RequestHalves();
  /** By request that has its first token: the moment from which the floor of its other tokens is measured. */
  readonly #marks = new Map<Request, readonly FloorMark[]>();
  readonly #bounds: Clocks;

  readonly #objectives: Objectives | undefined;

  /** @param objectives limits of latencies; absent: none */
  constructor(bounds: Clocks, objectives?: Objectives) {
    this.#bounds = bounds;
    this.#objectives = objectives;
  }

  /** A pass of `shares` starts: a request without a prompt counts its tokens from here. */
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

  /** The pass has ended; called before `request.done` moves on. */
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
      this.classes.ended(request, endNs, met);
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

  /** TPOT of the same requests under each knowledge, ns; null where it is not counted. Call it after the run. */
  tpotKnowing(): KnowledgeEnds | null {
    const { knowledge } = this.#bounds;
    if (knowledge === null) return null;
    const { belady, foresight, lru } = knowledge.ends(this.pass.values());
    const tpot = (ends: Float64Array): Float64Array => {
      const at = (passes: number): number => (passes === 0 ? 0 : ends[passes - 1]!);
      return Float64Array.from(this.#spans, ([first, last, tokens]) => (at(last) - at(first)) / tokens);
    };
    return { belady: tpot(belady), foresight: tpot(foresight), lru: tpot(lru) };
  }

  #finishedKnowing(request: Request): void {
    const { knowledge, passes } = this.#bounds;
    if (knowledge === null) return;
    const floorNs = knowledge.floorNs(this.#marks.get(request)!);
    this.#marks.delete(request);
    const residentNs = knowledge.onCpu ? 0 : this.#bounds.allResidentNs - request.firstTokenAllResidentNs;
    this.tpotFloor.add(Math.max(residentNs, floorNs) / request.decode);
    this.#spans.push([request.firstTokenPass, passes, request.decode]);
  }

  /** Records a part of a prompt; rows that had run before a preemption take time and do not count as tokens. */
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
    const { knowledge } = this.#bounds;
    if (knowledge !== null && request.decode > 0) this.#marks.set(request, knowledge.mark());
  }
}
