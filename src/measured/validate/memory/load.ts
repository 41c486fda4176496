import { UserError } from '../../../base/errors.js';
import { remembered } from '../../../base/objects.js';
import { listProfiles } from '../../../base/profiles.js';
import type { Override } from '../../../base/yaml.js';
import { dynamicLike, loadModel, type ModelSpec, readLabel } from '../../../model/door.js';
import { DEFAULT_RUNTIME, type LoadPlan, runtimeOfProgram, type TensorOverride } from '../../../runtime/door.js';
import { type MemoryRow, measuredDevices } from '../rows/memory-row.js';

/** Relative tolerance of a file's size by its label's rule; ours: sizes are printed with few digits. */
const SAME = 1e-3;

/** Relative tolerance for another version of the label's rule; ours. Beyond, the format is Unsloth's. */
const VERSIONS = 0.01;

/** Relative distance in bits at which the label is wrong; ours. */
const OTHER = 0.25;

/** Model of a row. */
export interface RowWeights {
  readonly model: ModelSpec;
  /** Reason for unknown weights; null: known by tensor. */
  readonly lacks: string | null;
}

const models = new Map<string, ModelSpec>();

/** A bundled model. */
export const loaded = (name: string, quantization: string, overrides: readonly Override[] = []): ModelSpec =>
  remembered(models, `${name} ${quantization} ${overrides.length}`, () => loadModel(name, quantization, undefined, overrides));

/** @throws UserError without a profile */
export function weightsOfRow(row: MemoryRow): RowWeights {
  if (!listProfiles('models').includes(row.model)) throw new UserError(`model ${row.model}: has no profile`);
  const rule = row.quant === undefined ? null : readLabel(row.quant);
  const overrides = heldTwice(row, loaded(row.model, rule?.name ?? 'q8_0'));
  const at = (quantization: string): ModelSpec => loaded(row.model, quantization, overrides);
  if (rule === null || rule.name === 'mix') return { model: at('q8_0'), lacks: 'nothing says how its weights are stored' };
  const model = at(rule.name);
  if (row.file_gib === undefined) return { model, lacks: null };
  const average = (8 * model.anatomy!.tensors.reduce((sum, { bytes }) => sum + bytes, 0)) / model.parameters.total;
  const bits = (row.file_gib * 2 ** 33) / (parametersOf(row) ?? model.parameters.total);
  if (Math.abs(bits / average - 1) <= SAME) return { model, lacks: null };
  if (Math.abs(bits / average - 1) > OTHER) return { model, lacks: 'the label does not describe the file: its size is another' };
  const dynamic = Math.abs(bits / average - 1) > VERSIONS ? dynamicLike(rule.name) : null;
  return { model: at(`${dynamic ?? rule.name}:bits=${bits}`), lacks: null };
}

/** Printed parameters; null: not printed. */
function parametersOf({ total_params }: MemoryRow): number | null {
  const match = /^([\d.,]+)\s*([BT])$/.exec(total_params ?? '');
  return match === null ? null : Number(match[1]!.replace(',', '.')) * (match[2] === 'T' ? 1e12 : 1e9);
}

/** A file may hold the latent's matrix twice: the printed parameters exceed the model's, within .05 %. */
function heldTwice(row: MemoryRow, model: ModelSpec): Override[] {
  const latent = model.anatomy!.layers.find((layer) => layer.kind === 'latent');
  const printed = parametersOf(row);
  if (latent?.kind !== 'latent' || printed === null) return [];
  const { heads, latent: rank, nope, value } = latent;
  const more = model.anatomy!.layers.length * heads * (nope + value) * rank;
  return printed - model.parameters.total > more / 2 ? [{ path: ['attention', 'unpackedTwice'], value: true, label: 'total_params' }] : [];
}

/** Load plan of a row; an unprinted context counts as the smallest. */
export function planOfRow(row: MemoryRow, model: ModelSpec): LoadPlan {
  const flags = row.flags ?? '';
  const memory = runtimeOfProgram(row.engine).memory ?? runtimeOfProgram(DEFAULT_RUNTIME).memory!;
  const gpus = measuredDevices(row).gpus.length;
  const [k, v] = (row.kv_type ?? 'f16').split('/') as [string, string?];
  const limit = row.attn_max_batch || numberOf(flags, '-amb') || 0;
  const ubatch = row.ubatch ?? 512;
  const slots = numberOf(flags, '-np', '--parallel');
  const split = valuesOf(flags, '-ts', '--tensor-split')[0]?.split(/[,/]/).map(Number);
  const cpuMoe = row.n_cpu_moe ?? numberOf(flags, '-ncmoe', '--n-cpu-moe') ?? 0;
  return {
    rules: memory.rulesOf(row),
    gpus,
    gpuLayers: layersOnGpus(row),
    ...(split === undefined ? {} : { tensorSplit: split }),
    overrides: (row.ot ?? valuesOf(flags, '-ot', '--override-tensor')).flatMap((value) => value.split(',')).map(overrideOf),
    cpuMoeLayers: row.cpu_moe === true || hasFlag(flags, '-cmoe', '--cpu-moe') ? Number.POSITIVE_INFINITY : cpuMoe,
    context: row.ctx ?? 256,
    parallel: slots ?? slotsOf(row, model, memory.sequences),
    unified: slots === undefined || hasFlag(flags, '-kvu', '--kv-unified'),
    batch: row.batch ?? Math.max(2048, ubatch),
    ubatch,
    kv: { k, v: v ?? k },
    flashAttention: row.flash_attention ?? true,
    mla: (row.mla ?? 0) as LoadPlan['mla'],
    ...(limit > 0 ? { attnMaxBatch: limit * 2 ** 20 } : {}),
    fusedMoe: row.fused_moe === true || hasFlag(flags, '-fmoe'),
    repack: hasFlag(flags, '-rtr', '--run-time-repack'),
    kvOnCpu: hasFlag(flags, '-nkvo', '--no-kv-offload'),
    pipelineCopies: row.pipeline_copies ?? 1,
  };
}

/** True if a command line has one of the flags. */
export const hasFlag = (flags: string, ...names: readonly string[]): boolean => flags.split(/\s+/).some((word) => names.includes(word));

/** Values of a repeatable flag, without quotes. */
function valuesOf(flags: string, ...names: readonly string[]): string[] {
  const found = flags.matchAll(/(?<!\S)(-[\w-]+)(?=[\s=]+("[^"]*"|'[^']*'|\S+))/g);
  return [...found].flatMap(([, name, value]) => (names.includes(name!) ? [value!.replaceAll(/^["']|["']$/g, '')] : []));
}

function numberOf(flags: string, ...names: readonly string[]): number | undefined {
  const value = Number(valuesOf(flags, ...names)[0]);
  return Number.isFinite(value) ? value : undefined;
}

function slotsOf({ flags }: MemoryRow, { anatomy }: ModelSpec, sequences: number): number {
  const recurrent = anatomy!.layers.some(({ kind }) => kind === 'state');
  return recurrent && /llama-server/.test(flags ?? '') ? sequences : 1;
}

/** Default: all. */
function layersOnGpus({ flags = '', ngl, offloaded }: MemoryRow): number {
  const printed = /^(\d+)\/\d+$/.exec(offloaded ?? '');
  if (printed !== null) return Number(printed[1]);
  return ngl ?? numberOf(flags, '-ngl', '--n-gpu-layers', '--gpu-layers') ?? Number.POSITIVE_INFINITY;
}

function overrideOf(text: string): TensorOverride {
  const at = text.lastIndexOf('=');
  const name = text.slice(at + 1);
  return { pattern: text.slice(0, at), device: /^CPU|_Host$/.test(name) ? 'cpu' : `gpu${Number(/\d+$/.exec(name)?.[0] ?? 0)}` };
}
