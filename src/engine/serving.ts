// From a run to who is served: which requests arrive, which scheduler composes their passes, how many run at once.
import type { Parameters } from '../base/parameters.js';
import { arrivalsDigest } from '../schedule/arrivals/arrivals.js';
import { loadArrivals, parseArrivals } from '../schedule/arrivals/load.js';
import { findScheduler } from '../schedule/index.js';
import { OpenLoop } from '../schedule/open-loop.js';
import { RoutingWalks } from '../schedule/routing-walk.js';
import type { SchedulerDefinition } from '../schedule/scheduler.js';
import { ClosedLoop, type Walk, type Workload, walksOf } from '../schedule/workload.js';
import type { RunSpec } from '../system/run.js';
import { type Inputs, replayedRows } from './inputs.js';

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
 * @throws UserError where a file of arrivals cannot be read
 */
export function servingOf(inputs: Inputs, run: RunSpec): Serving {
  const { system, trace } = inputs;
  const { arrivals: spec, batch, maxTokensPerPass, output, prompt, rate, requests } = run.workload;
  const { definition, name, parameters } = system.scheduler.kind;
  const scheduler = definition ?? findScheduler(name);
  const running = scheduler.running?.({ batch, maxTokensPerPass }, parameters) ?? batch;
  const rows = replayedRows(inputs, run);
  const common = { scheduler, parameters, running, rows };
  const byResidency = scheduler.needs?.includes('residency') === true;
  // A rate alone: requests come independently of each other.
  const source = spec ?? (rate === undefined ? undefined : parseArrivals('poisson'));
  if (source !== undefined) {
    const arrivals = loadArrivals({ arrivals: source, rate, requests, prompt, output }, run.folder, run.seed);
    const workload = () => new OpenLoop(arrivals, new RoutingWalks(trace.requests, rows, run.seed));
    return { ...common, cut: false, timed: true, arrivalsSha256: arrivalsDigest(arrivals), workload };
  }
  const { walks, cut } = walksOf(trace, rows, running);
  const taken: Walk[] = requests === undefined ? walks : walks.slice(0, requests);
  return { ...common, cut, timed: byResidency, arrivalsSha256: null, workload: () => new ClosedLoop(taken, running) };
}
