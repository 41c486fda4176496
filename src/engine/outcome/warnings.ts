import { formatBytes, formatCount, formatRatio } from '../../base/units.js';
import { assumedOf, takenPartsOf } from '../../hardware/door.js';
import { expertBytesTotal } from '../../model/door.js';
import type { Bounds, Warning } from '../../result/result.js';
import { isWord, runtimeNamed } from '../../system/door.js';
import { isPageCache } from '../plan/run-plan.js';
import { restingOn } from '../watch/laws.js';
import type { Finished } from './finished.js';
import { profileOf } from './profile.js';

/** Warnings of a result. */
export function warningsOf(finished: Finished, bounds: Bounds): Warning[] {
  const { auditWarnings, inputs, layout, meters, run, serving, simulation, workload } = finished;
  const warnings: Warning[] = [...auditWarnings, ...layout.total.warnings, ...(simulation.predictor?.warnings?.() ?? [])];
  warnings.push(...(meters.faults?.warnings() ?? []), ...lawWarnings(finished));
  if (isPageCache(finished)) {
    const held = formatBytes(layout.total.cacheBytes);
    const message = `Experts are pages of a mapped file, and ${held} of memory keeps those that were used last, cold at the start, wherever ${inputs.system.name} places them.`;
    warnings.push({ code: 'page-cache', message });
  }
  if (run.note !== undefined) warnings.push({ code: 'system-chosen', message: run.note });
  if (inputs.model.note !== undefined) warnings.push({ code: 'model-note', message: inputs.model.note });
  warnings.push(...takenPartsOf(inputs.hardware).map((message) => ({ code: 'machine-stand-in', message })));
  const taken = assumedOf(inputs.hardware);
  if (taken.length > 0) warnings.push({ code: 'machine-defaults', message: taken.join(' ') });
  const calibration = inputs.hardware.machine?.calibration;
  if (calibration !== undefined) warnings.push({ code: 'machine-calibrated', message: calibration });
  warnings.push(...idleRuntime(finished));
  if (inputs.trace.meta.synthetic)
    warnings.push({
      code: 'synthetic-routing',
      message:
        'The routing is synthetic: drawn by a generator, not recorded from the model. Give a recorded trace with --trace for figures to rely on.',
    });
  warnings.push(...unpredicted(finished), ...simulation.notes);
  const small = cacheWarnings(finished, bounds);
  warnings.push(...(small.length > 0 ? small : flatWarnings(finished, bounds)), ...profileWarnings(finished), ...routingWarnings(finished));
  if (serving.cut)
    warnings.push({
      code: 'streams-cut',
      message: `The trace has fewer requests than the batch: long ones were cut, ${formatCount(workload.requests)} streams start at even offsets.`,
    });
  return warnings;
}

function lawWarnings({ broken }: Finished): Warning[] {
  return [...new Set(broken.map(({ law }) => law))].map((law) => {
    const failures = broken.filter((failure) => failure.law === law);
    const others = failures.length === 1 ? '' : ` (and ${formatCount(failures.length - 1)} more)`;
    const figures = [...new Set(failures.map((failure) => restingOn(failure).words))].join('; ');
    const message =
      `Law ${law} fails: ${failures[0]!.what}${others}. What rests on it is withheld: ${figures}. ` +
      'This is a bug of moeprof: please report it with the command line.';
    return { code: 'law-failed', message };
  });
}

function unpredicted({ run, serving, simulation }: Finished): Warning[] {
  const { group, paths } = serving.parameters;
  if (paths !== 'predicted' || group === false || serving.running <= run.workload.batch || simulation.predictor !== null) return [];
  const message =
    `${serving.scheduler.name} groups by the paths of the tokens before, since the run predicts nothing. Give it --predictor, or say ` +
    'paths=previous or paths=next.';
  return [{ code: 'paths-previous', message }];
}

/** Named runtime without effect: a calibrated machine has its own speeds. */
function idleRuntime({ inputs: { hardware }, run }: Finished): Warning[] {
  const { facts, name, software } = hardware;
  if (run.runtime === undefined || runtimeNamed(run) !== run.runtime || software === undefined || facts !== undefined) return [];
  const message =
    `${name} is calibrated: its file says how fast it is. Of ${software.runtime} only two things count: whether computing goes on beside ` +
    'copies, and from how many tokens of a prompt experts are copied.';
  return [{ code: 'runtime-idle', message }];
}

function cacheWarnings(finished: Finished, { capacityBytes }: Bounds): Warning[] {
  const { inputs, simulation } = finished;
  const { model, system } = inputs;
  if (capacityBytes === 0 || capacityBytes >= expertBytesTotal(model) || isWord(system.onMiss, 'cpu')) return [];
  const several = simulation.gpus.length > 1;
  if (system.cache.scope === 'global') {
    const passBytes = meanPassBytes(finished);
    if (capacityBytes >= passBytes) return [];
    const message =
      `The expert cache (${formatBytes(capacityBytes)}${several ? ' on all GPUs' : ''}) is smaller than what one pass touches (${formatBytes(passBytes)} on average): ` +
      'LRU, FIFO, CLOCK and other policies that keep what was used last hit next to nothing. Take a larger cache, a smaller batch, or a static placement.';
    return [{ code: 'below-token-cycle', message }];
  }
  if (several) return [];
  const { byLayer } = simulation.gpus[0]!.gpu;
  const starved = model.layers.filter(({ expertBytes, index, topK }) => byLayer[index]!.capacityBytes < topK * expertBytes);
  if (starved.length === 0) return [];
  const message =
    `In ${formatCount(starved.length)} of ${formatCount(model.layers.length)} layers the cache holds fewer experts than one token uses there: ` +
    'part of every token is streamed. Take a larger cache.';
  return [{ code: 'below-token-cycle', message }];
}

/** Least hits beyond the cached share of routing that is not flat: about the error of predictions (docs/routing.md). */
const FLAT = 0.05;

function flatWarnings({ inputs: { model, system }, run, simulation }: Finished, { capacityBytes }: Bounds): Warning[] {
  const { demanded, hits } = simulation.recorder.phases[1];
  const held = capacityBytes / expertBytesTotal(model);
  // Whole layers hit with every token, under any routing.
  if (demanded === 0 || held < FLAT || held > 1 - FLAT || /by=layer|cpuLayers/.test(system.cache.policy.text)) return [];
  if (hits / demanded > held + FLAT) return [];
  const over = run.workload.batch > 1 ? ` over ${formatCount(run.workload.batch)} requests at once` : '';
  const message =
    `The cache holds ${formatRatio(held)} of the experts and ${formatRatio(hits / demanded)} of what decoding demands: routing is flat${over}, ` +
    'and a cache buys little here. Which experts it holds makes no difference: more of them help, or cheaper misses.';
  return [{ code: 'flat-routing', message }];
}

/** Mean bytes of distinct experts in a decode pass (any pass if none decodes): at batch 1 the token cycle. */
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

function profileWarnings(finished: Finished): Warning[] {
  const profile = profileOf(finished);
  if (profile === null || !profile.future) return [];
  const message =
    `Placement was profiled on ${profile.words}, rows of which are replayed or come later in the same text: it has seen its test. Leave system.cache.popularity out, and ` +
    'it is counted on tokens that are held out.';
  return [{ code: 'profiled-on-itself', message }];
}

function routingWarnings({ workload: { routing } }: Finished): Warning[] {
  if (routing === undefined) return [];
  const warnings: Warning[] = [];
  if (routing.reused > 0)
    warnings.push({
      code: 'routing-reused',
      message:
        `The trace is shorter than the workload: ${formatRatio(routing.reused / routing.tokens)} of ${formatCount(routing.tokens)} tokens took routing ` +
        'that an earlier token had taken. Join more traces (--trace is repeatable), or take fewer requests (--requests).',
    });
  if (routing.borrowed !== null) {
    const [lacks, has] = routing.borrowed === 'prompt' ? ['prompt', 'generated'] : ['generated', 'prompt'];
    warnings.push({
      code: 'routing-borrowed',
      message: `The trace has no ${lacks} tokens: those of the workload took the routing of ${has} ones, one row a token.`,
    });
  }
  return warnings;
}
