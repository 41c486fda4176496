import { UserError } from '../base/errors.js';
import { BYTES, SHARE } from '../base/units.js';
import type { Written } from '../base/written.js';
import { expertBytesTotal, type ModelSpec } from '../model/door.js';

/** Bytes, share of all experts' bytes, or experts per MoE layer. */
type Capacity = Written &
  (
    | { readonly kind: 'bytes'; readonly bytes: number }
    | { readonly kind: 'share'; readonly share: number }
    | { readonly kind: 'per-layer'; readonly experts: number }
  );

/** Parses `8GiB`, `25%` of all experts, or `16/layer`. @throws UserError for any other form */
export function parseCapacity(text: string): Capacity {
  const trimmed = text.trim();
  const perLayer = /^(\d+)\s*\/\s*layer$/.exec(trimmed);
  if (perLayer !== null) return { text, kind: 'per-layer', experts: Number(perLayer[1]) };
  if (trimmed.endsWith('%')) {
    const share = SHARE.read(trimmed);
    if (share === null) throw new UserError(`"${text}" is not a share of the experts; use 0% to 100%`);
    return { text, kind: 'share', share };
  }
  if (/^\d+(\.\d+)?$/.test(trimmed) && Number(trimmed) > 0 && Number(trimmed) < 4096) {
    const sizes = Number(trimmed) > 100 ? `${trimmed}MiB` : `${trimmed}GiB, ${trimmed}% of all experts`;
    throw new UserError(`"${text}" has no unit; write ${sizes}, or ${trimmed}/layer (slots a layer)`);
  }
  const bytes = BYTES.read(text);
  if (bytes === null) throw new UserError(`"${text}" is not a capacity; write e.g. 8GiB, 25% or 16/layer`);
  return { text, kind: 'bytes', bytes };
}

/** Bytes of a capacity, at most those of all experts. */
export function capacityBytes(capacity: Capacity, model: ModelSpec): number {
  const all = expertBytesTotal(model);
  switch (capacity.kind) {
    case 'per-layer':
      return model.layers.reduce((sum, layer) => sum + Math.min(layer.experts, capacity.experts) * layer.expertBytes, 0);
    case 'share':
      return Math.round(capacity.share * all);
    case 'bytes':
      return Math.min(all, capacity.bytes);
  }
}

/** Default points of a range. Ours. */
const POINTS = 20;
/** Most points of a range, each a replay. Ours. */
const MOST_POINTS = 1000;

/** Single capacities and ranges of shares, `5%..50%:10`, `:20` by default, at most 1000. @returns bytes, ascending */
export function parseCapacities(text: string, model: ModelSpec): number[] {
  const bytes = text.split(',').flatMap((part) => {
    const range = /^(.+?)\.\.(.+?)(?::(\d+))?$/.exec(part.trim());
    if (range === null) return [capacityBytes(parseCapacity(part), model)];
    const [from, to] = [range[1]!, range[2]!].map((end) => capacityBytes(parseCapacity(end), model)) as [number, number];
    const points = range[3] === undefined ? POINTS : Number(range[3]);
    if (points < 2 || points > MOST_POINTS)
      throw new UserError(`'${part.trim()}' asks for ${points} points; a range has 2 to ${MOST_POINTS}`);
    if (from > to) throw new UserError(`'${part.trim()}' runs backwards; put the smaller capacity first`);
    return Array.from({ length: points }, (_, i) => Math.round(from + ((to - from) * i) / (points - 1)));
  });
  return [...new Set(bytes)].sort((a, b) => a - b);
}
