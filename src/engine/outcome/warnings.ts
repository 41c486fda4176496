// What the reader of a result must be warned of.
import { formatBytes, formatCount, formatRatio } from '../../base/units.js';
import { policyNeeds } from '../../cache/policy.js';
import { expertBytesTotal } from '../../model/spec.js';
import type { Bounds, Warning } from '../../result/result.js';
import type { Finished } from './finished.js';

/** Bytes of the distinct experts that one decode pass touches, on average (any pass, where none decodes): at batch 1 the token cycle. */
function meanPassBytes({ inputs, simulation }: Finished): number {
  const { layers, phases } = simulation.recorder;
  const phase = phases[1].events > 0 ? phases[1] : phases[0];
  let bytes = 0;
  let demanded = 0;
  for (const layer of inputs.model.layers) {
    bytes += layers.demanded[layer.index]! * layer.expertBytes;
    demanded += layers.demanded[layer.index]!;
  }
  const passes = phase.events / inputs.model.layers.length;
  return (phase.demanded / passes) * (bytes / demanded);
}

/** What the reader of the result must be warned of. */
export function warningsOf(finished: Finished, bounds: Bounds): Warning[] {
  const { auditWarnings, inputs, layout, meters, serving, simulation, workload } = finished;
  const { model, system, trace } = inputs;
  const warnings: Warning[] = [...auditWarnings, ...layout.total.warnings, ...(simulation.predictor?.warnings?.() ?? [])];
  warnings.push(...(meters.faults?.warnings() ?? []));
  if (trace.meta.synthetic) {
    warnings.push({
      code: 'synthetic-routing',
      message:
        'The routing is synthetic: drawn by a generator, not recorded from the model. Give a recorded trace with --trace for figures to rely on.',
    });
  }
  const partial = bounds.capacityBytes > 0 && bounds.capacityBytes < expertBytesTotal(model) && system.onMiss !== 'cpu';
  const passBytes = meanPassBytes(finished);
  if (partial && system.cache.scope === 'global' && bounds.capacityBytes < passBytes) {
    warnings.push({
      code: 'below-token-cycle',
      message:
        `The expert cache (${formatBytes(bounds.capacityBytes)}${simulation.gpus.length > 1 ? ' on all GPUs' : ''}) is smaller than what one pass touches (${formatBytes(passBytes)} on average): ` +
        'LRU, FIFO, CLOCK and other policies that keep what was used last hit next to nothing. Take a larger cache, a smaller batch, or a static placement.',
    });
  }
  if (partial && system.cache.scope === 'layer') {
    const [only] = simulation.gpus.length === 1 ? simulation.gpus : [];
    const starved = model.layers.filter(
      ({ expertBytes, index, topK }) => only !== undefined && only.gpu.byLayer[index]!.capacityBytes < topK * expertBytes,
    );
    if (starved.length > 0) {
      warnings.push({
        code: 'below-token-cycle',
        message:
          `In ${formatCount(starved.length)} of ${formatCount(model.layers.length)} layers the cache holds fewer experts than one token uses there: ` +
          'part of every token is streamed. Take a larger cache.',
      });
    }
  }
  const fromPrefix = policyNeeds(simulation.policy.definition, simulation.policy.parameters);
  const { quotas } = system.cache;
  const profiled =
    fromPrefix.includes('popularity') || quotas === 'proportional' || quotas === 'optimal' || layout.several?.profiled === true;
  if (profiled && typeof system.cache.popularity === 'number') {
    warnings.push({
      code: 'profiled-on-itself',
      message:
        `Placement was profiled on the first ${formatCount(Math.min(system.cache.popularity, trace.tokens))} tokens of the trace that is replayed. ` +
        'For a placement fixed beforehand, name another trace: --set system.cache.popularity=FILE.',
    });
  }
  const { routing } = workload;
  if (routing !== undefined && routing.reused > 0) {
    warnings.push({
      code: 'routing-reused',
      message:
        `The trace is shorter than the workload: ${formatRatio(routing.reused / routing.tokens)} of ${formatCount(routing.tokens)} tokens took routing ` +
        'that an earlier token had taken. Join more traces (--trace is repeatable), or take fewer requests (--requests).',
    });
  }
  if (routing !== undefined && routing.borrowed !== null) {
    const [lacks, has] = routing.borrowed === 'prompt' ? ['prompt', 'generated'] : ['generated', 'prompt'];
    warnings.push({
      code: 'routing-borrowed',
      message: `The trace has no ${lacks} tokens: those of the workload took the routing of ${has} ones, one row a token.`,
    });
  }
  if (serving.cut) {
    warnings.push({
      code: 'streams-cut',
      message: `The trace has fewer requests than the batch: long ones were cut, ${formatCount(workload.requests)} streams start at even offsets.`,
    });
  }
  return warnings;
}
