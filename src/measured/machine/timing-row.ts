import { UserError } from '../../base/errors.js';
import { LIMITS, Meter } from '../../base/meter.js';
import { definedFields } from '../../base/objects.js';
import { isPath } from '../../base/profiles.js';
import type { Machine } from '../../hardware/door.js';
import { decoderLayerOf, decoderLayers, type ModelSpec, measuredModel, weightBytes } from '../../model/door.js';
import { inHostMemory, isHostBuffer, parseOverrides, runtimeOfProgram, type Timing, type TimingBuffer } from '../../runtime/door.js';
import type { Measurement } from '../validate/rows/measurement.js';
import { type NamedModel, type TimedModel, timedModel } from './timing-model.js';

const GB = 1e9;

/** All tensor rules share one limit of work. @throws UserError for an unknown model or storage format */
export function measurementsOf(timings: readonly Timing[], machine: Machine, user: NamedModel): Measurement[] {
  const steps = new Meter(timings[0]?.place ?? '', LIMITS.matching);
  return timings.map((timing) => measurementOf(timing, machine, user, steps));
}

/** @throws UserError for an unknown model or storage format */
export function measurementOf(timing: Timing, machine: Machine, user: NamedModel, steps?: Meter): Measurement {
  const named = timedModel(timing, user);
  const model = modelOf(named, timing);
  const { depth, engine, flashAttention, generatedTokens, kv, mmap, numa, place, promptTokens, threads, ubatch, users = 1 } = timing;
  const run = definedFields({
    threads,
    ubatch,
    kv,
    flash_attention: flashAttention,
    mmap,
    numa,
    depth,
    pp_tokens: promptTokens,
    tg_tokens: generatedTokens,
    batch_users: users,
  });
  const used = timing.gpuLayers === 0 && !machine.unified ? { ...machine, gpus: [], pcie: null } : machine;
  return {
    id: place,
    engine,
    machine: rowMachine(used),
    model: { ...named, bundled: true, ...(timing.modelBytes !== undefined && { file_gb: timing.modelBytes / GB }) },
    placement: placementOf(timing, used, model, steps),
    run,
    measured: definedFields({ tg_tps: timing.decode, pp_tps: timing.prefill }),
    ...(timing.command !== undefined && { flags: timing.command }),
  };
}

function modelOf(named: TimedModel, { place }: Timing): ModelSpec {
  try {
    return measuredModel(named);
  } catch (error) {
    if (!(error instanceof UserError) || isPath(named.name)) throw error;
    throw new UserError(`${place}: nothing says how the weights of ${named.name} are stored; name it with --quantization, e.g. q4_k_m`);
  }
}

function placementOf(timing: Timing, { gpus, unified }: Machine, model: ModelSpec, steps?: Meter): Measurement['placement'] {
  if (gpus.length === 0) return { kind: 'all-cpu', where: 'cpu' };
  const onCpu = unified ? 0 : expertsOnCpu(timing, model, steps);
  if (onCpu === 0) return { kind: 'all-gpu' };
  return {
    kind: 'cpu-layers',
    cpu_moe_layers: onCpu,
    gpu_moe_layers: model.layers.length - onCpu,
    where: 'cpu',
    ...(timing.noOpOffload === true && { prefill_where: 'cpu' as const }),
    ...(timing.gpuLayers !== undefined && timing.gpuLayers < decoderLayers(model) && { whole_layers: true }),
  };
}

/** MoE layers with experts in host memory. */
function expertsOnCpu(timing: Timing, model: ModelSpec, steps?: Meter): number {
  const layers = decoderLayers(model);
  const blocks = model.layers.map(({ index }) => decoderLayerOf(model, index));
  const whole = timing.gpuLayers === undefined ? 0 : layers - timing.gpuLayers;
  const among = (count: number): number => blocks.filter((block) => block < count).length;
  const { hostLayers, places } = runtimeOfProgram(timing.engine);
  const inHost = timing.allCpuMoe === true ? layers : (timing.cpuMoe ?? 0);
  const byFlags = Math.max(hostLayers(inHost, blocks), among(whole));
  const byRules = timing.overrides === undefined ? 0 : layersOnCpu(timing.overrides, blocks, timing.place, steps);
  const onCpu = Math.min(model.layers.length, Math.max(byFlags, byRules));
  if (onCpu > 0 || placedByFlags(timing)) return onCpu;
  return places === 'all in host memory' ? model.layers.length : layersInBuffers(timing, model);
}

/** Advice for an unknown expert placement. */
export const TELL_PLACES =
  'put the command line into the log ($ llama-server -m ... -ncmoe 24), or give all that was printed while the model was loaded';

/** True if a placing runtime's expert placement is unknown, and taken as all on the GPU. */
export function isUnplaced(timing: Timing, { gpus, unified }: Machine): boolean {
  const { places } = runtimeOfProgram(timing.engine);
  if (gpus.length === 0 || unified || places === undefined || places === 'all in host memory') return false;
  return !placedByFlags(timing) && modelBuffers(timing).length === 0;
}

/** True if flags place experts. `offloaded 49/49 layers` is printed for any expert split. */
function placedByFlags({ allCpuMoe, command, cpuMoe, gpuLayers, layers, overrides }: Timing): boolean {
  if ((allCpuMoe ?? command ?? cpuMoe ?? overrides) !== undefined) return true;
  return gpuLayers !== undefined && (layers === undefined || gpuLayers !== layers + 1);
}

const modelBuffers = ({ buffers = [] }: Timing): TimingBuffer[] => buffers.filter(({ kind }) => kind === 'model');

/** First layers in host memory, by printed buffers. Mapped buffers span further tensors: the smaller figure counts. */
function layersInBuffers(timing: Timing, model: ModelSpec): number {
  const buffers = modelBuffers(timing);
  const bytesOf = (host: boolean): number => buffers.reduce((sum, buffer) => sum + (inHostMemory(buffer) === host ? buffer.bytes : 0), 0);
  const read = model.dense.segments.reduce((sum, { weightBytes: bytes }) => sum + bytes, 0);
  const whole = timing.modelBytes ?? weightBytes(model);
  let left = Math.min(bytesOf(true), whole - bytesOf(false)) - (model.dense.weightBytes - read);
  let count = 0;
  for (const { expertBytes, experts } of model.layers) {
    const bytes = experts * expertBytes;
    if (left < bytes / 2) break;
    left -= bytes;
    count++;
  }
  return count;
}

function rowMachine({ cpu, disks, gpus, name, pcie, ram, sockets, unified }: Machine): Measurement['machine'] {
  const rate = (bytes: number | undefined): { measured_gbps?: number } => (bytes === undefined ? {} : { measured_gbps: bytes / GB });
  const [disk] = disks;
  return {
    name,
    gpus: gpus.map((gpu) => ({
      name: gpu.name,
      memory_gb: gpu.memoryBytes / 2 ** 30,
      memory_gbps: gpu.memoryBandwidth / GB,
      ...rate(gpu.measuredBandwidth),
      fp16_tflops: gpu.fp16Flops / 1e12,
      ...(pcie !== null && { pcie: { gen: pcie.generation, lanes: pcie.lanes, ...rate(pcie.measuredBandwidth) } }),
    })),
    ...(cpu !== null && { cpu: { name: cpu.name, cores: cpu.cores * sockets, ghz: cpu.clockHz / 1e9, isa: cpu.isa, sockets } }),
    ...(ram !== null && {
      ram: {
        ...(ram.bytes !== undefined && { gb: ram.bytes / 2 ** 30 }),
        type: ram.type,
        mts: ram.mts,
        channels: ram.channels,
        ...rate(ram.measuredBandwidth),
      },
    }),
    ...(disk !== undefined && { ssd: { gbps: disk.bandwidth / GB } }),
    unified,
  };
}

/** Layers with experts in host memory, by tensor rules, rounded. @throws UserError for a malformed rule */
export function layersOnCpu(rules: readonly string[], blocks: readonly number[], place: string, steps?: Meter): number {
  const parsed = parseOverrides(rules, place, steps);
  let onCpu = 0;
  for (const layer of blocks) {
    for (const part of ['gate', 'up', 'down']) {
      const first = parsed.find(({ pattern }) => pattern.test(`blk.${layer}.ffn_${part}_exps.weight`));
      if (first !== undefined && isHostBuffer(first.buffer)) onCpu += 1 / 3;
    }
  }
  return Math.round(onCpu);
}

/** Model of all rows; null: several. */
export function soleModel(rows: readonly Measurement[]): string | null {
  const [model, ...others] = new Set(rows.map((row) => row.model.name));
  return others.length === 0 ? model! : null;
}

/** Joins separate prompt and generation rows of one setting. */
export function joinedPhases(rows: readonly Measurement[]): Measurement[] {
  const joined: Measurement[] = [];
  for (const row of rows) {
    const at = joined.findIndex(
      (other) => settingOf(other) === settingOf(row) && (other.measured.tg_tps === undefined) !== (row.measured.tg_tps === undefined),
    );
    const other = joined[at];
    const apart = other !== undefined && (other.measured.pp_tps === undefined) !== (row.measured.pp_tps === undefined);
    if (other === undefined || !apart) joined.push(row);
    else joined[at] = { ...other, run: { ...row.run, ...other.run }, measured: { ...other.measured, ...row.measured } };
  }
  return joined;
}

function settingOf({ engine, model, placement, run }: Measurement): string {
  const { pp_tokens: _, tg_tokens: __, ...rest } = run;
  return JSON.stringify([engine, model, placement, rest]);
}
