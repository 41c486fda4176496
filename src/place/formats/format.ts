// The contract of a file that an engine loads to place experts, and what all of them need: whole counts, and the engine's numbers of layers.
import { z } from 'zod';
import { UserError } from '../../base/errors.js';
import { LIMITS, Meter } from '../../base/meter.js';
import { isCount, isObject, ownValue } from '../../base/objects.js';
import type { Member } from '../../base/parameters.js';
import { sum } from '../../base/statistics.js';
import { checkValue } from '../../base/yaml.js';
import { decoderLayerOf, decoderLayers, type ModelSpec, parseJson } from '../../model/door.js';
import type { Fingerprint } from './fingerprint.js';

/** Experts of each GPU, `[layer][gpu][slot]`; all GPUs of a layer have as many slots. */
export type Homes = readonly (readonly (readonly number[])[])[];

/** What is written. */
export interface Placed {
  readonly model: ModelSpec;
  /** Rank of each expert, by dense id: choices, weights or expected uses. */
  readonly demand: Float64Array;
  /** Experts of each MoE layer that stay. */
  readonly slots: readonly number[];
  /** 1 if an expert stays, by dense id. */
  readonly resident: Uint8Array;
  /** Experts of each GPU's slots, `[layer][gpu][slot]`; null: there is one GPU. */
  readonly homes: Homes | null;
  readonly fingerprint: Fingerprint;
}

/** What a file holds: demand by dense id, experts of each GPU, or the layers whose experts stay. */
export type Held =
  | { readonly kind: 'demand'; readonly demand: Float64Array }
  | { readonly kind: 'homes'; readonly homes: Homes }
  | { readonly kind: 'layers'; readonly resident: readonly boolean[] };

/** A file that is read: its bytes, and its path for messages. */
export interface ProfileFile {
  readonly path: string;
  readonly bytes: Uint8Array;
  /** As text; empty if it is binary. */
  readonly text: string;
}

/** One member of the family. `cites`: the place of the format's definition, the day of reading it, and its pull request if it is not released. */
export interface ProfileFormat extends Member {
  readonly cites: string;
  readonly holds: Held['kind'];
  /** True: the engine keeps as many experts in each layer, whatever the file has. */
  readonly even?: true;
  /** The runtime in which the engine is priced, whose CPU computes what does not stay; absent: no run of moeprof stands for it. */
  readonly runtime?: string;
  /** Endings that it is written with, the usual one first. */
  readonly extensions: readonly string[];
  /** True: the file has room for a fingerprint, so that no other file is written. @param path decides, if only some endings have room */
  keeps(path: string): boolean;
  /** Flags with which the engine loads it. */
  use(path: string, placed: Placed): string;
  /** The file. @throws UserError if the format cannot hold the placement */
  write(placed: Placed, path: string): string | Uint8Array;
  detect(file: ProfileFile): boolean;
  /** Reads it. @throws UserError with the place if it is malformed or of another model */
  read(file: ProfileFile, model: ModelSpec): Held;
  /** Text of the fingerprint in the file; null: it has none. Absent: it never has. */
  fingerprint?(file: ProfileFile): string | null;
}

/** Most of a whole count of a layer, if ranks are no counts: exact in a double and in 32 bits. */
const WHOLE = 2 ** 30;

/** Whole numbers in the order of the demand, by dense id: the demand itself if it is counts, else shares of a layer. */
export function wholeCounts(model: ModelSpec, demand: Float64Array, most = WHOLE): Float64Array {
  if (most === WHOLE && demand.every(isCount)) return demand;
  const whole = new Float64Array(demand.length);
  for (const { experts, offset } of model.layers) {
    const total = sum(demand.subarray(offset, offset + experts)) || 1;
    for (let id = offset; id < offset + experts; id++) whole[id] = Math.floor((demand[id]! / total) * most);
  }
  return whole;
}

/** Numbers of the layers with experts among all layers, which engines count. @throws UserError if that is unknown */
export function expertBlocks(model: ModelSpec): number[] {
  if (decoderLayers(model) === 0) throw new UserError(`${model.name}: nothing says which layers have experts; name its model with --model`);
  return model.layers.map(({ index }) => decoderLayerOf(model, index));
}

/** Demand of one layer as a list. */
export function layerDemand({ layers }: ModelSpec, demand: Float64Array, layer: number): number[] {
  const { experts, offset } = layers[layer]!;
  return Array.from(demand.subarray(offset, offset + experts));
}

/** Counts of a layer, one for each expert. */
export const countList = z.array(z.number().nonnegative().max(Number.MAX_SAFE_INTEGER));
/** Numbers of experts. */
export const expertList = z.array(z.int().nonnegative());

/** Lists of counts, one a layer, as demand by dense id. @throws UserError if they do not fit the model */
export function demandFrom(model: ModelSpec, rows: readonly (readonly number[])[], path: string): Float64Array {
  if (rows.length !== model.layers.length) throw modelMisfit(path, `has ${rows.length} layers`, model);
  const demand = new Float64Array(model.experts);
  for (const { experts, index, offset } of model.layers) {
    if (rows[index]?.length !== experts) throw modelMisfit(path, `layer ${index}: no list of ${experts} counts`, model);
    demand.set(rows[index], offset);
  }
  return demand;
}

/** GPUs that a file may name, and slots for each expert of a layer. Ours: more than any cluster gives one model; engines have up to 1.5 slots. */
export const MOST_GPUS = 4096;
const MOST_COPIES = 16;

/**
 * Checks experts by GPU: all layers have as many GPUs and further slots, all GPUs of a layer as many slots, as the tensors of engines do; each expert
 * is one of the layer's, and each of these has a home. @throws UserError
 */
export function checkedHomes(model: ModelSpec, homes: Homes, path: string): Homes {
  if (homes.length !== model.layers.length) throw modelMisfit(path, `has ${homes.length} layers`, model);
  const gpus = homes[0]!.length;
  const further = gpus * (homes[0]![0]?.length ?? 0) - model.layers[0]!.experts;
  for (const [l, { experts }] of model.layers.entries()) {
    const refuse = (what: string): never => {
      throw new UserError(`${path}: layer ${l}: ${what}`);
    };
    if (homes[l]!.length !== gpus || gpus > MOST_GPUS)
      refuse(`has ${homes[l]!.length} GPUs; each layer has as many as the first, ${Math.min(gpus, MOST_GPUS)}`);
    if (experts + further > experts * MOST_COPIES) throw modelMisfit(path, `layer ${l}: has ${experts + further} slots`, model);
    const slots = (experts + further) / gpus;
    const uneven = homes[l]!.find((ids) => ids.length !== slots);
    if (uneven !== undefined) refuse(`a GPU has ${uneven.length} experts, where others have ${slots}; each has as many`);
    const placed = new Uint8Array(experts);
    for (const ids of homes[l]!) for (const id of ids) placed[id] = 1;
    if (homes[l]!.some((ids) => ids.some((id) => id >= experts)))
      throw modelMisfit(path, `layer ${l}: places experts beyond ${experts - 1}`, model);
    const without = experts - sum(placed);
    if (without > 0) refuse(`${without} experts are on no GPU; place each at least once`);
  }
  return homes;
}

/** A refusal of a file that does not fit the model. */
export function modelMisfit(path: string, what: string, model: ModelSpec): UserError {
  const experts = model.layers[0]!.experts;
  return new UserError(
    `${path}: ${what}, and ${model.name} has ${model.layers.length} MoE layers of ${experts} experts; take its own profile`,
  );
}

/** The first line of a text that is not passed over. A regular expression of lines that repeat would run out of stack. */
export function firstLine(text: string, passed: RegExp): string {
  for (let at = 0; at < text.length; ) {
    const end = text.indexOf('\n', at) < 0 ? text.length : text.indexOf('\n', at);
    const line = text.slice(at, end);
    if (!passed.test(line)) return line;
    at = end + 1;
  }
  return '';
}

const COMMA = 0x2c;

/** The JSON value of a file. @throws UserError with more values than a placement has, which a check of each would hold several times */
function jsonOf({ bytes, path }: ProfileFile): unknown {
  let values = 1;
  for (let at = bytes.indexOf(COMMA); at >= 0; at = bytes.indexOf(COMMA, at + 1)) values++;
  new Meter(path, LIMITS.places).spent(values);
  return parseJson(bytes, path);
}

/** A JSON file as its description has it. @throws UserError with the place of what is not so */
export const jsonAs = <T>(file: ProfileFile, schema: z.ZodType<T>): T => checkValue(jsonOf(file), file.path, schema);

/** Our fingerprint among the fields of a JSON object; null: it has none. */
export function fingerprintField(file: ProfileFile): string | null {
  const ours = ownValue(jsonOf(file), 'moeprof');
  return isObject(ours) ? JSON.stringify(ours) : null;
}
