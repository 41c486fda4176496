import { z } from 'zod';
import { UserError } from '../../base/errors.js';
import { splitRows } from '../../base/profiles.js';
import type { ModelSpec } from '../../model/door.js';
import { rangeOfRows } from '../../trace/selection.js';
import type { RoutingTrace } from '../../trace/trace.js';

/** Rows `[from, to)` of a recording. */
export interface CountedRows {
  /** SHA-256 of the whole recording, hex. */
  readonly sha256: string;
  readonly from: number;
  readonly to: number;
}

const rows = z.array(z.strictObject({ sha256: z.string(), from: z.int().nonnegative(), to: z.int().positive() }));

/** Model and counted rows of a profile: the public format `moeprof.profile/1`. */
export const fingerprintSchema = z.strictObject({
  schema: z.literal('moeprof.profile/1'),
  model: z.string(),
  quantization: z.string(),
  /** Experts of each MoE layer. */
  experts: z.array(z.int().positive()),
  /** Number of resident experts by MoE layer. */
  slots: z.array(z.int().nonnegative()),
  by: z.string(),
  counted: rows,
  /** Capture over `judged` of a set counted on `counted`; null: too few windows. Absent: other text. */
  heldOut: z.strictObject({ captured: z.number().min(0).max(1).nullable(), counted: rows, judged: rows }).optional(),
});
/** Guards against judging by counted rows, and use with another model. */
export type Fingerprint = z.infer<typeof fingerprintSchema>;

/** @param named path of the recording, optionally with rows */
export function countedRows(whole: RoutingTrace, named: string): CountedRows {
  const [from, to] = rangeOfRows(splitRows(named).rows, whole.tokens);
  return { sha256: whole.sha256(), from, to };
}

/** True if two lists share a row. */
export const shareRows = (some: readonly CountedRows[], others: readonly CountedRows[]): boolean =>
  some.some((rows) => others.some(({ from, sha256, to }) => sha256 === rows.sha256 && from < rows.to && rows.from < to));

/** @param path of the profile @throws UserError for a profile of another model */
export function checkModel({ experts, model, slots }: Fingerprint, run: ModelSpec, path: string): void {
  const refuse = (what: string): never => {
    throw new UserError(`${path}: is a profile of ${what}; count one on ${run.name} with moeprof place`);
  };
  if (model !== run.name) refuse(model);
  if (experts.length !== run.layers.length) refuse(`${experts.length} MoE layers, and ${run.name} has ${run.layers.length}`);
  const layer = run.layers.findIndex((spec, l) => spec.experts !== experts[l]);
  if (layer >= 0) refuse(`${experts[layer]} experts in layer ${layer}, and ${run.name} has ${run.layers[layer]!.experts}`);
  if (slots.length !== experts.length || slots.some((count, l) => count > experts[l]!)) refuse('more slots than experts');
}
