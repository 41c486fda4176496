import type { Parameters } from '../../base/parameters.js';
import type { ClassBudget, SchedulerDefinition, Walk, Workload } from '../../schedule/door.js';
import {
  arrivalsDigest,
  ClosedLoop,
  findScheduler,
  loadArrivals,
  OpenLoop,
  parseArrivals,
  RoutingWalks,
  walksOf,
} from '../../schedule/door.js';
import { computesMisses, misfit, type RunSpec, rulesOn } from '../../system/door.js';
import type { Inputs } from './inputs.js';

/** Arrivals, scheduler and concurrency of a run. */
export interface Serving {
  readonly scheduler: SchedulerDefinition;
  readonly parameters: Parameters;
  readonly running: number;
  /** Requests sharing their dense work. */
  readonly attending: number;
  /** Trace rows open to the run. */
  readonly rows: number;
  /** True if requests were cut into streams to fill the batch. */
  readonly cut: boolean;
  /** True if the schedule depends on pass times: a policy with foresight needs recorded passes. */
  readonly timed: boolean;
  readonly budgets: ReadonlyMap<string, ClassBudget>;
  /** Class of each request, by `Request.index`; null: no classes. */
  readonly requestClass: readonly string[] | null;
  /** SHA-256 of arrivals and lengths; null in a closed loop. */
  readonly arrivalsSha256: string | null;
  workload(): Workload;
}

/** @throws UserError if a file of arrivals is unreadable */
export function servingOf(inputs: Inputs, run: RunSpec): Serving {
  const { system, trace } = inputs;
  const { arrivals: spec, batch, maxTokensPerPass, output, prompt, rate, requests } = run.workload;
  const { definition, name, parameters } = system.scheduler.kind;
  const scheduler = definition ?? findScheduler(name);
  const running = scheduler.running?.({ batch, maxTokensPerPass }, parameters) ?? batch;
  const attending = scheduler.attending?.({ batch, maxTokensPerPass }, parameters) ?? running;
  const rows = trace.tokens;
  const common = { scheduler, parameters, running, attending, rows };
  const byResidency = scheduler.needs?.includes('residency') === true;
  // A rate alone: independent requests.
  const source = spec ?? (rate === undefined ? undefined : parseArrivals('poisson'));
  if (source !== undefined) {
    const arrivals = loadArrivals({ arrivals: source, rate, requests, prompt, output }, run.folder, run.seed);
    const { requestClass } = arrivals;
    const budgets = budgetsOf(inputs, run, requestClass);
    const workload = () => new OpenLoop(arrivals, new RoutingWalks(trace.requests, rows, run.seed));
    return { ...common, budgets, requestClass, cut: false, timed: true, arrivalsSha256: arrivalsDigest(arrivals), workload };
  }
  const budgets = budgetsOf(inputs, run, null);
  const { walks, cut } = walksOf(trace, rows, running);
  const taken: Walk[] = requests === undefined ? walks : walks.slice(0, requests);
  return {
    ...common,
    budgets,
    requestClass: null,
    cut,
    timed: byResidency,
    arrivalsSha256: null,
    workload: () => new ClosedLoop(taken, running),
  };
}

/** @throws UserError if a class has no requests, the system re-ranks, or a copy serves no request */
function budgetsOf(inputs: Inputs, run: RunSpec, classes: readonly string[] | null): ReadonlyMap<string, ClassBudget> {
  const budgets = new Map(Object.entries(run.workload.classes ?? {}).map(([name, { budget }]) => [name, budget]));
  if (budgets.size === 0) return budgets;
  if (classes === null) throw misfit(run, 'workload.classes', 'no request has a class; give arrivals with a column "class"');
  const known = new Set(classes);
  const stranger = [...budgets.keys()].find((name) => !known.has(name));
  if (stranger !== undefined) {
    const names = [...known].filter((name) => name !== '').join(', ');
    throw misfit(run, `workload.classes.${stranger}`, `no request is of this class; there are ${names}`);
  }
  if (run.system.rerank !== undefined) throw misfit(run, 'workload.classes', 'system.rerank chooses experts anew; leave one of them out');
  const content = [...budgets].find(([, { copy }]) => copy < 1);
  const alas = content === undefined ? null : whyNoCopies(inputs, run);
  if (alas !== null) throw misfit(run, `workload.classes.${content![0]}.budget`, `copy=${content![1].copy} ${alas}`);
  return budgets;
}

/** Reason against copies for classes, and a remedy; null: copies are possible. */
function whyNoCopies({ hardware }: Inputs, { replay, system }: RunSpec): string | null {
  if (rulesOn(hardware, system.onMiss.rules).some(computesMisses))
    return `is of misses that are loaded, and under ${system.name} the CPU computes some; take a system whose onMiss is load, or top-k`;
  if (hardware.gpus !== undefined) return 'is of experts on one GPU, and here several share them; take one, or top-k';
  return replay === 'sequential' ? 'needs all choices of a layer at once; take replay: atomic' : null;
}
