import { UserError } from '../base/errors.js';
import { Random } from '../base/random.js';
import { formatBytes, formatCount } from '../base/units.js';
import type { ModelSpec } from '../model/door.js';
import type { Residency, SchedulerContext, Workload } from '../schedule/door.js';
import { CandidateRows, ClassBudgets, KvRoom, Pass, Passes, PathView, RecordedScheduler, Speculation } from '../schedule/door.js';
import type { PredictedPaths } from './compose/predictor.js';
import { draftingOf } from './inputs/drafting.js';
import type { Layout } from './memory/layout.js';
import type { RunPlan } from './plan/run-plan.js';
import { Link } from './transfer/link.js';

/** @param residency null: a dry run @param forecast null: no forecast @throws UserError for too much KV memory */
export function buildPasses(
  { inputs, layout, record, run, serving }: RunPlan,
  workload: Workload,
  residency: Residency | null,
  forecast: PredictedPaths | null,
): Passes {
  const { candidates, model, trace } = inputs;
  const { batch, context: held = 0 } = run.workload;
  const maxTokensPerPass = layout.total.passTokens;
  const perToken = layout.total.kvBytesPerToken;
  // A request's KV cache goes to any GPU with room: each GPU needs room for the longest.
  const rooms = layout.gpus.map(({ memory }) => memory.kvBytes);
  const capacities = rooms.map((kvBytes) => (perToken === 0 ? Number.POSITIVE_INFINITY : Math.floor(kvBytes / perToken)));
  const kv = new KvRoom(capacities, layout.total.kvGrowth, held);
  if (kv.needOf(workload.longest) > Math.min(...capacities)) {
    const room = formatBytes(Math.min(...rooms));
    throw new UserError(
      `${run.label}: a request of ${formatCount(workload.longest + held)} tokens needs ${formatBytes((workload.longest + held) * perToken)} of KV cache, and ` +
        `there is room for ${room}${rooms.length > 1 ? ' on each GPU' : ''}; take a smaller --cache, a larger memory.kv, or shorter requests`,
    );
  }
  const { scheduler } = serving;
  const spec = draftingOf(inputs, run);
  const speculation = spec === null ? null : new Speculation(spec, run.seed, trace);
  const context: SchedulerContext = {
    kv,
    drafts: speculation,
    paths: scheduler.needs?.includes('paths')
      ? new PathView(
          trace,
          model.layers.map((layer) => layer.experts),
          Math.floor(layout.total.cacheBytes / model.layers.reduce((sum, layer) => sum + layer.expertBytes, 0)),
          forecast,
        )
      : null,
    residency,
    moves: movesOf(layout, model, held),
    random: new Random(run.seed, `scheduler/${scheduler.name}`),
  };
  const composer =
    record === null ? scheduler.create({ batch, maxTokensPerPass }, serving.parameters, context) : new RecordedScheduler(record, kv);
  const rows = candidates === null ? null : new CandidateRows(candidates);
  const budgets = serving.budgets.size === 0 ? null : new ClassBudgets(serving.budgets, trace, run.seed);
  const pass = new Pass(trace, serving.running, rows, held, budgets);
  const passes = new Passes(workload, composer, pass, kv, speculation);
  passes.learner = forecast;
  return passes;
}

/** Costs of moving KV caches (GPU memory) and experts (link). */
function movesOf({ hardware, total }: Layout, model: ModelSpec, context: number): NonNullable<SchedulerContext['moves']> {
  const { bandwidthFraction, memoryBandwidth } = hardware.gpu;
  const [link] = hardware.links;
  const bytes = model.layers.reduce((sum, layer) => sum + layer.expertBytes, 0) / model.layers.length;
  return {
    kvTokenNs: (2e9 * total.kvBytesPerToken) / (memoryBandwidth * bandwidthFraction),
    context,
    loadNs: link === undefined ? 0 : new Link(link, new Float64Array(0)).transferNs(bytes),
  };
}
