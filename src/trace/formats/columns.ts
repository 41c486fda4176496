// Meaning of columns in CSV, JSON lines and Parquet: by usual names, or mapped by the user.
import { UserError } from '../../base/errors.js';
import { didYouMean } from '../../base/text.js';
import type { ColumnMap } from './format.js';

/** Usual names of each column, most specific first. */
const USUAL: Readonly<Record<keyof ColumnMap, readonly string[]>> = {
  layer: ['layer', 'layer_id', 'layer_idx', 'layer_index'],
  experts: ['experts', 'expert_ids', 'expert_id', 'expert', 'selected_experts', 'topk_ids', 'top_experts', 'expert_indices', 'e'],
  token: ['token_index', 'token_idx', 'token_position', 'position', 'pos', 'token', 'step'],
  request: ['request', 'request_id', 'req_id', 'sequence', 'seq', 'seq_id', 'prompt_id', 'prompt_index', 'sample_id'],
  phase: ['phase', 'stage'],
  weights: ['weights', 'weight', 'gate_weights', 'probs', 'scores', 'expert_weights', 'expert_weight', 'w'],
  tokenId: ['token_id', 'input_id'],
};

const COLUMN_KEYS = Object.keys(USUAL) as readonly (keyof ColumnMap)[];

/** Indices of a column in a header; numbered columns are `name0` or `name_0`. @throws UserError for gaps or repeats */
export function placesOf(path: string, header: readonly string[], name: string): number[] {
  if (header.includes(name)) return [header.indexOf(name)];
  const isNumbered = (column: string): boolean => column.startsWith(name) && /^_?\d+$/.test(column.slice(name.length));
  const count = header.filter(isNumbered).length;
  const places = Array.from({ length: count }, (_, n) =>
    header.findIndex((column) => column === `${name}${n}` || column === `${name}_${n}`),
  );
  if (places.includes(-1))
    throw new UserError(`${path}: columns ${header.filter(isNumbered).join(', ')} are not numbered from 0 on, each once`);
  return places;
}

/** Column map by usual names, numbered columns included; null without layer or experts. */
export function usualColumns(header: readonly string[]): ColumnMap | null {
  const names = [...header, ...header.flatMap((name) => /^(.+?)_?0$/.exec(name)?.[1] ?? [])];
  const found: Partial<Record<keyof ColumnMap, string>> = {};
  for (const [column, usual] of Object.entries(USUAL) as [keyof ColumnMap, readonly string[]][]) {
    const name = usual
      .map((candidate) => names.find((entry) => entry.trim().toLowerCase() === candidate))
      .find((entry) => entry !== undefined);
    if (name !== undefined) found[column] = name;
  }
  return found.layer === undefined || found.experts === undefined ? null : { ...found, layer: found.layer, experts: found.experts };
}

/**
 * `--trace-columns`: `layer=blk,experts=sel,token=pos`. @throws UserError if malformed, or layer or experts are missing
 */
export function parseColumns(text: string): ColumnMap {
  const flag = '--trace-columns';
  const map = new Map<string, string>();
  for (const part of text.split(',')) {
    const [key = '', name = '', ...more] = part.split('=').map((word) => word.trim());
    if (name === '' || more.length > 0)
      throw new UserError(`${flag}: ${JSON.stringify(part)} is not column=name; write e.g. layer=blk,experts=sel,token=pos`);
    if (!(COLUMN_KEYS as readonly string[]).includes(key))
      throw new UserError(`${flag}: column ${JSON.stringify(key)} is unknown; ${didYouMean(key, COLUMN_KEYS)}`);
    if (map.has(key)) throw new UserError(`${flag}: ${key} is given twice; name each column once`);
    map.set(key, name);
  }
  const missing = ['layer', 'experts'].find((key) => !map.has(key));
  if (missing !== undefined) throw new UserError(`${flag}: ${missing} is missing; a trace needs layer=… and experts=…`);
  return Object.fromEntries(map) as unknown as ColumnMap;
}
