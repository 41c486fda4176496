import { UserError } from '../base/errors.js';
import type { Parameters } from '../base/parameters.js';
import type { OwnExport } from '../base/user-module.js';
import { SCHEDULERS } from './index.js';
import { passSize, RequestQueue, ShareList } from './queue-scheduler.js';
import type { Request } from './request.js';
import type { Fairness, Scheduler, SchedulerContext, SchedulerDefinition, SchedulerLimits, Share } from './scheduler.js';

/** Context of a user's scheduler, with building blocks. */
export interface OwnSchedulerContext extends SchedulerContext {
  /** Waiting and running requests; admits by KV room. */
  readonly queue: RequestQueue;
  readonly list: ShareList;
}

/** Default limit of passes in a row that leave out a begun request. Ours: far above any turn. */
const PATIENCE = 10_000;

/** A module's scheduler, also checked during the run. @throws UserError for an unusable module */
export function ownScheduler(exported: OwnExport): SchedulerDefinition {
  exported.nameApart(SCHEDULERS.map(({ name }) => name));
  exported.requireMethod('create(limits, parameters, context)');
  for (const method of ['fairness', 'running']) exported.optionalMethod(method);
  exported.wordsOf('needs', ['paths', 'residency']);
  const definition = exported.value as Omit<SchedulerDefinition, 'fairness'> & Partial<Pick<SchedulerDefinition, 'fairness'>>;
  const fairness = (limits: SchedulerLimits, parameters: Parameters): Fairness =>
    exported.run('fairness', () => definition.fairness?.(limits, parameters)) ?? { passedOver: PATIENCE, overtaken: PATIENCE };
  return {
    ...definition,
    ...exported.described('scheduler'),
    fairness,
    create(limits, parameters, given) {
      const context: OwnSchedulerContext = { ...given, queue: new RequestQueue(given), list: new ShareList(given.drafts) };
      const scheduler = exported.run('create', () => definition.create(limits, parameters, context));
      exported.made(scheduler, ['add', 'next', 'finished']);
      if (typeof scheduler.pending !== 'number')
        throw exported.wrong('what "create" returns lacks "pending" (how many requests are not finished)');
      return new CheckedScheduler(exported, scheduler, limits, given, fairness(limits, parameters).passedOver);
    },
  };
}

class CheckedScheduler implements Scheduler {
  declare metrics?: NonNullable<Scheduler['metrics']>;
  readonly #own: OwnExport;
  readonly #scheduler: Scheduler;
  readonly #limits: SchedulerLimits;
  readonly #context: SchedulerContext;
  readonly #patience: number;
  readonly #open = new Map<Request, number>();

  constructor(exported: OwnExport, scheduler: Scheduler, limits: SchedulerLimits, context: SchedulerContext, patience: number) {
    this.#own = exported;
    this.#scheduler = scheduler;
    this.#limits = limits;
    this.#context = context;
    this.#patience = patience;
    if (scheduler.metrics !== undefined) this.metrics = () => exported.run('metrics', () => scheduler.metrics!());
  }

  get pending(): number {
    return this.#open.size;
  }

  get costNs(): number {
    const costNs = this.#scheduler.costNs ?? 0;
    if (typeof costNs === 'number' && costNs >= 0) return costNs;
    throw this.#wrong(`costNs is ${String(costNs)}`, 'give the time that composing the pass takes, in ns');
  }

  add(request: Request): void {
    this.#open.set(request, 0);
    this.#own.run('add', () => this.#scheduler.add(request));
  }

  next(nowNs: number): readonly Share[] {
    const shares = this.#own.run('next', () => this.#scheduler.next(nowNs));
    if (!Array.isArray(shares))
      throw this.#wrong('next returned no list', 'return an array of { request, tokens }, empty where nothing can run');
    this.#checkPass(shares);
    return shares;
  }

  finished(shares: readonly Share[], nowNs: number): void {
    this.#countTurns(shares);
    this.#own.run('finished', () => this.#scheduler.finished(shares, nowNs));
    for (const { request } of shares) {
      if (!request.finished) continue;
      this.#open.delete(request);
      if (request.kvTokens === 0) continue;
      throw this.#wrong(
        `finished kept the KV cache of request ${request.index}, which is done`,
        'call context.kv.release(request), or queue.sweep()',
      );
    }
    const { pending } = this.#scheduler;
    if (pending === this.#open.size) return;
    throw this.#wrong(
      `pending is ${pending}, and ${this.#open.size} requests are not finished`,
      'count those that wait and those that run',
    );
  }

  stuck(): Error {
    return this.#wrong(
      `next returns no pass, and ${this.#open.size} requests are not finished`,
      'let one run that waits: nothing else will happen',
    );
  }

  #checkPass(shares: readonly Share[]): void {
    const { batch, maxTokensPerPass } = this.#limits;
    const requests = passSize(this.#limits);
    if (shares.length > requests)
      throw this.#wrong(`next returned ${shares.length} requests`, `a pass holds ${requests} (the batch is ${batch})`);
    const seen = new Set<Request>();
    let total = 0;
    for (const share of shares) {
      const { request, tokens } = share ?? {};
      if (request === undefined || !this.#open.has(request))
        throw this.#wrong('next returned a request that was not added, or is finished', 'return requests as add gave them');
      if (seen.has(request)) throw this.#wrong(`next returned request ${request.index} twice`, 'put all its tokens into one share');
      seen.add(request);
      this.#checkShare(request, tokens);
      total += tokens;
    }
    if (total > maxTokensPerPass) throw this.#wrong(`next returned ${total} tokens`, `a pass takes ${maxTokensPerPass}`);
    if (shares.length > 0) return;
    for (const request of this.#open.keys()) {
      if (request.kvTokens > 0) throw this.#wrong(`next returned nothing, and request ${request.index} is admitted`, 'let it run');
    }
  }

  #checkShare(request: Request, tokens: number): void {
    const which = `request ${request.index}`;
    if (request.kvTokens === 0)
      throw this.#wrong(
        `next returned ${which}, which has no room for its KV cache`,
        'run it after context.kv.admit(request) has said true',
      );
    const drafted = this.#context.drafts?.draftOf(request) ?? 0;
    const most = request.inPrefill ? request.promptRows - request.done : Math.min(1 + drafted, request.tokens - request.done + drafted);
    if (Number.isInteger(tokens) && tokens >= 1 && tokens <= most) return;
    const phase = request.inPrefill ? 'prompt tokens left' : 'token to decode';
    throw this.#wrong(`next returned ${String(tokens)} tokens of ${which}`, `it has ${most} ${phase}; give 1 to ${most}`);
  }

  #countTurns(shares: readonly Share[]): void {
    const ran = new Set(shares.map(({ request }) => request));
    for (const [request, left] of this.#open) {
      const now = ran.has(request) || request.kvTokens === 0 || request.lastPass === 0 ? 0 : left + 1;
      this.#open.set(request, now);
      if (now <= this.#patience) continue;
      throw this.#wrong(
        `next has left out request ${request.index}, which has begun, for ${now} passes`,
        `its fairness promises at most ${this.#patience}`,
      );
    }
  }

  #wrong(what: string, instead: string): UserError {
    return new UserError(`${this.#own.shown}: ${what}; ${instead}`);
  }
}
