import { z } from 'zod';
import { UserError } from '../../base/errors.js';
import { LIMITS, Meter } from '../../base/meter.js';
import { isCount, isObject, ownValue } from '../../base/objects.js';
import type { Member } from '../../base/parameters.js';
import { sum } from '../../base/statistics.js';
import { checkValue } from '../../base/yaml.js';
import { decoderLayerOf, decoderLayers, type ModelSpec, parseJson } from '../../model/door.js';
import type { Fingerprint } from './fingerprint.js';

/** Expert ids, `[layer][gpu][slot]`, with equal slots for all GPUs of a layer. */
export type Homes = readonly (readonly (readonly number[])[])[];

/** Content of a written file. */
export interface Placed {
  readonly model: ModelSpec;
  /** Rank by dense id: choices, weights or expected uses. */
  readonly demand: Float64Array;
  /** Number of resident experts by MoE layer. */
  readonly slots: readonly number[];
  /** 1: resident, by dense id. */
  readonly resident: Uint8Array;
  /** Null: a single GPU. */
  readonly homes: Homes | null;
  readonly fingerprint: Fingerprint;
}

/** Demand by dense id, experts of each GPU, or resident layers. */
export type Held =
  | { readonly kind: 'demand'; readonly demand: Float64Array }
  | { readonly kind: 'homes'; readonly homes: Homes }
  | { readonly kind: 'layers'; readonly resident: readonly boolean[] };

/** A file to read. */
export interface ProfileFile {
  readonly path: string;
  readonly bytes: Uint8Array;
  /** Empty for a binary file. */
  readonly text: string;
}

/**
 * Contract of an engine's placement file. `cites`: format definition, date of reading, and pull request if unreleased.
 */
export interface ProfileFormat extends Member {
  readonly cites: string;
  readonly holds: Held['kind'];
  /** True: the engine keeps equally many experts in each layer. */
  readonly even?: true;
  /** Runtime for prices, with misses on the CPU; absent: no model of the engine. */
  readonly runtime?: string;
  /** Extensions of written files, the usual first. */
  readonly extensions: readonly string[];
  /** True: no separate fingerprint file. @param path may decide by its extension */
  keeps(path: string): boolean;
  /** Flags to load the file. */
  use(path: string, placed: Placed): string;
  /** @throws UserError if the format cannot hold the placement */
  write(placed: Placed, path: string): string | Uint8Array;
  detect(file: ProfileFile): boolean;
  /** @throws UserError for a malformed part (with its place) or another model */
  read(file: ProfileFile, model: ModelSpec): Held;
  /** Fingerprint text; null: none. Absent: no room. */
  fingerprint?(file: ProfileFile): string | null;
}

/** Total of a layer if ranks are no counts: exact in a double and in 32 bits. Ours. */
const WHOLE = 2 ** 30;

/** Whole numbers in the order of demand: counts by default, else shares of `most` per layer. */
export function wholeCounts(model: ModelSpec, demand: Float64Array, most = WHOLE): Float64Array {
  if (most === WHOLE && demand.every(isCount)) return demand;
  const whole = new Float64Array(demand.length);
  for (const { experts, offset } of model.layers) {
    const total = sum(demand.subarray(offset, offset + experts)) || 1;
    for (let id = offset; id < offset + experts; id++) whole[id] = Math.floor((demand[id]! / total) * most);
  }
  return whole;
}

/** Indices of MoE layers among all layers. @throws UserError if unknown */
export function expertBlocks(model: ModelSpec): number[] {
  if (decoderLayers(model) === 0) throw new UserError(`${model.name}: nothing says which layers have experts; name its model with --model`);
  return model.layers.map(({ index }) => decoderLayerOf(model, index));
}

/** Demand of a layer as a list. */
export function layerDemand({ layers }: ModelSpec, demand: Float64Array, layer: number): number[] {
  const { experts, offset } = layers[layer]!;
  return Array.from(demand.subarray(offset, offset + experts));
}

/** Counts of a layer, by expert. */
export const countList = z.array(z.number().nonnegative().max(Number.MAX_SAFE_INTEGER));
/** Expert ids. */
export const expertList = z.array(z.int().nonnegative());

/** Demand by dense id. @throws UserError for a misfit with the model */
export function demandFrom(model: ModelSpec, rows: readonly (readonly number[])[], path: string): Float64Array {
  if (rows.length !== model.layers.length) throw modelMisfit(path, `has ${rows.length} layers`, model);
  const demand = new Float64Array(model.experts);
  for (const { experts, index, offset } of model.layers) {
    if (rows[index]?.length !== experts) throw modelMisfit(path, `layer ${index}: no list of ${experts} counts`, model);
    demand.set(rows[index], offset);
  }
  return demand;
}

/** Most GPUs in a file. Ours: more than any cluster gives a model. */
export const MOST_GPUS = 4096;
/** Most slots per expert of a layer. Ours; engines have up to 1.5. */
const MOST_COPIES = 16;

/** Equal GPUs and slots, valid ids, a home for each expert, as engines' tensors require. @throws UserError */
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

/** UserError for a file that does not fit the model. */
export function modelMisfit(path: string, what: string, model: ModelSpec): UserError {
  const experts = model.layers[0]!.experts;
  return new UserError(
    `${path}: ${what}, and ${model.name} has ${model.layers.length} MoE layers of ${experts} experts; take its own profile`,
  );
}

/** First line that does not match `passed`. A regular expression over lines would exhaust the stack. */
export function firstLine(text: string, passed: RegExp): string {
  for (const line of textLines(text)) if (!passed.test(line)) return line;
  return '';
}

/** Lines, one at a time. */
export function* textLines(text: string): Generator<string> {
  for (let at = 0, end: number; at < text.length; at = end + 1) {
    end = text.indexOf('\n', at);
    if (end < 0) end = text.length;
    yield text.slice(at, end);
  }
}

const COMMA = 0x2c;

/** JSON value of a file. @throws UserError with more values than a placement has, each of which the schema copies */
function jsonOf({ bytes, path }: ProfileFile): unknown {
  let values = 1;
  for (let at = bytes.indexOf(COMMA); at >= 0; at = bytes.indexOf(COMMA, at + 1)) values++;
  new Meter(path, LIMITS.places).spent(values);
  return parseJson(bytes, path);
}

/** @throws UserError with the place of the mistake */
export const jsonAs = <T>(file: ProfileFile, schema: z.ZodType<T>): T => checkValue(jsonOf(file), file.path, schema);

/** Fingerprint field of a JSON object; null: none. */
export function fingerprintField(file: ProfileFile): string | null {
  const ours = ownValue(jsonOf(file), 'moeprof');
  return isObject(ours) ? JSON.stringify(ours) : null;
}
