import { arch, cpus, platform, runtimeVersion } from '../../base/host/machine.js';
import { asWritten } from '../../base/written.js';
import type { HardwareSpec } from '../../hardware/door.js';
import { metricValue } from '../../result/catalogue.js';
import { hashOfValue, sealed } from '../../result/digest.js';
import { type PerLayer, RESULT_SCHEMA, type Result, type RunFigures, type TraceInput } from '../../result/result.js';
import { VERSION } from '../../result/version.js';
import { type RunSpec, systemChanges } from '../../system/door.js';
import { boundsOf } from './bounds.js';
import { accuracyOf } from './comparable.js';
import type { Finished } from './finished.js';
import { hitRangeOf } from './hit-range.js';
import { metricsOf } from './metrics.js';
import { knowledgeOfRun, profileOf } from './profile.js';
import { warningsOf } from './warnings.js';

/** Figures of a finished run. */
export function figuresOfRun(finished: Finished, bounds = boundsOf(finished)): RunFigures {
  const accuracy = accuracyOf(finished);
  return { metrics: metricsOf(finished, bounds), ...(accuracy === null ? {} : { accuracy }) };
}

/** Public result of a finished run. */
export function outcome(finished: Finished): Result {
  const { inputs, run } = finished;
  const { hardware, model, replayed, system } = inputs;
  const bounds = boundsOf(finished);
  const { metrics, ...accuracy } = figuresOfRun(finished, bounds);
  const { arrivalsSha256 } = finished.serving;
  const traceInputs = tracesOf(finished);
  // Inputs of comparable results; system, cache, predictor and drafting may differ.
  const { overrides, system: _system, ...config } = configOfRun(run);
  const common = {
    model: { layers: model.layers, dense: model.dense, hidden: model.hidden, anatomy: { ...model.anatomy, tensors: undefined } },
    hardware: hardware.facts ?? { ...hardware, name: undefined, machine: undefined, software: undefined },
    // A file may hold several routings: different columns or formats.
    traces: inputs.traces.map((trace) => [trace.sha256(), trace.meta.format]),
    columns: run.traceColumns,
    variants: config.variants,
    // Names identify built-in variants, text the user's own.
    ownVariants: inputs.ownVariants,
    // Replayed rows identify held-out rows.
    workload: { ...run.workload, arrivals: arrivalsSha256 ?? undefined, slo: undefined, speculation: undefined, holdOut: undefined },
    ...(traceInputs.some(({ heldOut }) => heldOut !== undefined) ? { replayed } : {}),
    replay: run.replay,
    seed: run.seed,
    faults: run.faults,
  };
  const profile = profileOf(finished);
  const tenfold = inputs.trace.meta.synthetic ? finished.meters.latencies.halves.tenfold() : null;
  return sealed({
    schema: RESULT_SCHEMA,
    tool: { name: 'moeprof', version: VERSION },
    inputs: {
      model: model.name,
      quantization: model.quantization,
      hardware: hardware.name,
      ...(hardware.software === undefined ? {} : { runtime: hardware.software.runtime }),
      ...deviceOf(hardware),
      ...(hardware.joined === undefined ? {} : { joined: { gpus: hardware.joined.cards.length, sharing: hardware.joined.sharing } }),
      system: system.name,
      traces: traceInputs,
      ...(run.variants === undefined ? {} : { variants: run.variants.map(({ text }) => text) }),
    },
    // Separate runtime: comparisons may vary the runtime.
    fingerprint: `${hashOfValue(common)}-${hashOfValue(runtimeIn(hardware)).slice(0, 32)}`,
    seed: run.seed,
    config: {
      ...config,
      ...(hardware.machine === undefined ? {} : { machine: hardware.machine }),
      system: asWritten(system),
      ...(profile === null ? {} : { profiledOn: profile.words }),
      overrides,
    },
    metrics,
    perLayer: perLayerOf(finished),
    bounds,
    ...accuracy,
    ...hitRangeOf(metricValue({ metrics }, 'cache.hit_rate') ?? 0, inputs.routing),
    ...(tenfold === null ? {} : { tenfold }),
    knowledge: knowledgeOfRun(finished),
    ...classesOf(finished),
    warnings: warningsOf(finished, bounds),
    environment: {
      node: runtimeVersion,
      platform: `${platform}-${arch}`,
      cpu: processorName(),
      wallMs: Math.round((performance.now() - finished.startedAt) * 1000) / 1000,
      ...finished.simulation.predictor?.measured?.(),
    },
  });
}

/** Without prose; a calibrated machine has own speeds, so no constants. */
function runtimeIn({ facts, software }: HardwareSpec): unknown {
  return { ...software, assumed: undefined, ...(facts === undefined ? { constants: undefined } : {}) };
}

function tracesOf({ inputs: { recorded, replayed, trace: played, traces }, run }: Finished): TraceInput[] {
  // A variant may redraw recorded routing.
  const drawn = played.meta.synthetic && !recorded.meta.synthetic;
  return traces.map((trace, i) => {
    const { from, to } = replayed[i]!;
    const requests = trace.requests.filter(({ decode, prefill, start }) => start < to && start + prefill + decode > from).length;
    return {
      path: run.trace[i]!,
      sha256: trace.sha256(),
      tokens: to - from,
      requests,
      synthetic: trace.meta.synthetic || drawn,
      ...(from === 0 ? {} : { heldOut: from }),
    };
  });
}

function classesOf({ meters, passes, run, serving, simulation }: Finished): Pick<Result, 'classes'> {
  const served = simulation.classes?.served ?? null;
  const use = passes.pass.budgets?.use ?? null;
  const classes = meters.classes?.classes(run.workload.slo !== undefined, serving.budgets, use, served) ?? null;
  return classes === null ? {} : { classes };
}

let processor: string | undefined;

/** Read once: a file per core takes as long as a short run. */
function processorName(): string {
  processor ??= cpus()[0]?.model.trim() ?? 'unknown';
  return processor;
}

/** Before any named file is opened: values as written, and values set inside profiles. */
export function configOfRun(run: RunSpec): Record<'overrides' | 'system' | 'variants' | 'workload', unknown> {
  const { folder: _folder, label: _label, learned: _learned, note: _note, overrides: _overrides, places: _places, system, ...config } = run;
  const written = asWritten(config) as Record<'variants' | 'workload', unknown>;
  return { ...written, system: asWritten(system), overrides: overridesOf(run) };
}

/** Values set inside named profiles, and differences from the bundled system of the same name. */
function overridesOf({ overrides: { hardware, model, runtime }, system }: RunSpec): Record<string, unknown> {
  const changes = systemChanges(system);
  return {
    model: model.map(plain),
    hardware: hardware.map(plain),
    runtime: runtime.map(plain),
    ...(changes.length === 0 ? {} : { system: changes }),
  };
}

/** Absent for a GPU with separate memory. */
function deviceOf({ cpuOnly, tiers }: HardwareSpec): Pick<Result['inputs'], 'device'> {
  if (cpuOnly) return { device: 'cpu' };
  return tiers[0]!.name === 'unified' ? { device: 'unified' } : {};
}

const plain = ({ path, value }: { path: readonly string[]; value: unknown }) => ({ path: path.join('.'), value });

function perLayerOf({ simulation }: Finished): PerLayer {
  const { gpus, recorder } = simulation;
  const perGpu = new Set(['computeNs', 'stallNs']);
  return Object.fromEntries(
    Object.entries(recorder.layers).map(([name, column]) => [
      name,
      Array.from(column as Float64Array, (value) => (perGpu.has(name) ? value / gpus.length : value)),
    ]),
  ) as unknown as PerLayer;
}
