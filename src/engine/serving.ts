// From a run to its passes: which requests arrive, how much KV memory they may take, who composes the passes.

import { UserError } from '../base/errors.js';
import { type Parameters, resolveParameters, splitSpec } from '../base/parameters.js';
import { Random } from '../base/random.js';
import { formatBytes, formatCount } from '../base/units.js';
import { type Arrivals, arrivalsDigest } from '../schedule/arrivals/arrivals.js';
import { loadArrivals } from '../schedule/arrivals/load.js';
import { CandidateRows } from '../schedule/candidate-rows.js';
import { findScheduler } from '../schedule/index.js';
import { KvRoom } from '../schedule/kv-room.js';
import { OpenLoop } from '../schedule/open-loop.js';
import { Pass } from '../schedule/pass.js';
import { Passes } from '../schedule/passes.js';
import { PathView, type Residency } from '../schedule/paths.js';
import { type PassRecord, RecordedScheduler } from '../schedule/recorded.js';
import { RoutingWalks } from '../schedule/routing-walk.js';
import type { SchedulerContext, SchedulerDefinition } from '../schedule/scheduler.js';
import { ClosedLoop, type Walk, type Workload, walksOf } from '../schedule/workload.js';
import type { RunSpec } from '../system/run.js';
import type { Inputs } from './inputs.js';
import type { MemoryPlan } from './memory/plan.js';

/** How a run serves its requests. */
export interface Serving {
  readonly scheduler: SchedulerDefinition;
  readonly parameters: Parameters;
  /** Requests that run at once. */
  readonly running: number;
  /** Rows of the trace that the run may walk. */
  readonly rows: number;
  /** True where requests were cut into streams to fill the batch. */
  readonly cut: boolean;
  /** True where who runs together depends on how long passes take: a policy that knows the future needs them recorded first. */
  readonly timed: boolean;
  /** SHA-256 of arrivals and lengths; null in a closed loop. */
  readonly arrivalsSha256: string | null;
  /** The same requests, from the beginning. */
  workload(): Workload;
}

/**
 * Reads what a run says of its workload and its scheduler.
 * @throws UserError where something is unknown or malformed
 */
export function servingOf({ system, trace }: Inputs, run: RunSpec): Serving {
  const { arrivals: spec, batch, maxTokensPerPass, output, prompt, rate, requests, tokens } = run.workload;
  const { name, given } = splitSpec(system.scheduler.kind);
  const scheduler = findScheduler(name);
  const parameters = resolveParameters(`scheduler ${name}`, scheduler.parameters, { ...system.scheduler.parameters, ...given });
  const running = scheduler.running?.({ batch, maxTokensPerPass }, parameters) ?? batch;
  const rows = Math.min(tokens ?? trace.tokens, trace.tokens);
  const common = { scheduler, parameters, running, rows };
  const byResidency = scheduler.needs.includes('residency');
  if (spec !== undefined) {
    const arrivals: Arrivals = loadArrivals({ arrivals: spec, rate, requests, prompt, output }, run.folder, run.seed);
    const workload = () => new OpenLoop(arrivals, new RoutingWalks(trace.requests, rows, run.seed));
    return { ...common, cut: false, timed: true, arrivalsSha256: arrivalsDigest(arrivals), workload };
  }
  if (rate !== undefined) throw new UserError(`${run.label}: workload.rate: a closed loop has no rate; give arrivals with --workload`);
  const { walks, cut } = walksOf(trace, rows, running);
  const taken: Walk[] = requests === undefined ? walks : walks.slice(0, requests);
  return { ...common, cut, timed: byResidency, arrivalsSha256: null, workload: () => new ClosedLoop(taken, running) };
}

/** What a run composes its passes with. */
export interface PassesParts {
  readonly inputs: Inputs;
  readonly run: RunSpec;
  readonly serving: Serving;
  readonly memory: MemoryPlan;
  readonly workload: Workload;
  /** What lies in GPU memory; null in a dry run, where nothing does. */
  readonly residency: Residency | null;
  /** Passes to compose again; null: the scheduler composes them. */
  readonly record: PassRecord | null;
}

/**
 * The loop of serving.
 * @throws UserError where a single request needs more KV memory than there is
 */
export function buildPasses({ inputs, memory, record, residency, run, serving, workload }: PassesParts): Passes {
  const { candidates, model, trace } = inputs;
  const { batch, maxTokensPerPass } = run.workload;
  const perToken = model.dense.kvBytesPerToken;
  // A request's KV cache is on one GPU, whichever has room for it: each must have room for the longest.
  const gpus = memory.parallel?.memory ?? [memory];
  const capacities = gpus.map(({ kvBytes }) => (perToken === 0 ? Number.POSITIVE_INFINITY : Math.floor(kvBytes / perToken)));
  const kv = new KvRoom(capacities, memory.kvGrowth);
  if (kv.needOf(workload.longest) > Math.min(...capacities)) {
    const room = formatBytes(Math.min(...gpus.map(({ kvBytes }) => kvBytes)));
    throw new UserError(
      `${run.label}: a request of ${formatCount(workload.longest)} tokens needs ${formatBytes(workload.longest * perToken)} of KV cache, and ` +
        `there is room for ${room}${gpus.length > 1 ? ' on each GPU' : ''}; take a smaller --cache, a larger memory.kv, or shorter requests`,
    );
  }
  const { scheduler } = serving;
  const context: SchedulerContext = {
    kv,
    paths: scheduler.needs.includes('paths')
      ? new PathView(
          trace,
          model.layers.map((layer) => layer.experts),
          Math.floor(memory.cacheBytes / model.layers.reduce((sum, layer) => sum + layer.expertBytes, 0)),
        )
      : null,
    residency,
    random: new Random(run.seed, `scheduler/${scheduler.name}`),
  };
  const composer =
    record === null ? scheduler.create({ batch, maxTokensPerPass }, serving.parameters, context) : new RecordedScheduler(record, kv);
  return new Passes(workload, composer, new Pass(trace, serving.running, candidates === null ? null : new CandidateRows(candidates)), kv);
}
