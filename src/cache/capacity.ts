// What users write for the size of an expert cache: bytes, a share of all experts, or experts per layer.
import { UserError } from '../base/errors.js';
import { parseBytes, SHARE } from '../base/units.js';
import { expertBytesTotal, type ModelSpec } from '../model/spec.js';

/**
 * Reads `8GiB`, `25%` of all experts, or `16/layer`.
 * @param place where it stands, for messages
 * @returns bytes, at most those of all experts
 * @throws UserError where it is none of these
 */
export function parseCapacity(text: string, model: ModelSpec, place: string): number {
  const trimmed = text.trim();
  const all = expertBytesTotal(model);
  const perLayer = expertsPerLayer(text);
  if (perLayer !== null) return model.layers.reduce((sum, layer) => sum + Math.min(layer.experts, perLayer) * layer.expertBytes, 0);
  if (trimmed.endsWith('%')) {
    const share = SHARE.read(trimmed);
    if (share === null) throw new UserError(`${place}: '${text}' is not a share of the experts, use 0% to 100%`);
    return Math.round(share * all);
  }
  if (/^\d+(\.\d+)?$/.test(trimmed) && Number(trimmed) > 0 && Number(trimmed) < 4096) {
    throw new UserError(`${place}: '${text}' has no unit; write ${trimmed}GiB, ${trimmed}% of all experts, or ${trimmed}/layer`);
  }
  return Math.min(all, parseBytes(text, place));
}

/** 16 of `16/layer`; null where the text is no such capacity. */
export function expertsPerLayer(text: string): number | null {
  const match = /^(\d+)\s*\/\s*layer$/.exec(text.trim());
  return match === null ? null : Number(match[1]);
}

/** Points of a range of capacities that does not say how many. */
const POINTS = 20;
/** Most points of a range: each is a replay, and more than a picture can show. */
const MOST_POINTS = 1000;

/**
 * Reads a list of capacities: single ones and ranges `a..b` of shares, e.g. `1%..100%`, `5%..50%:10`, `8GiB,25%,16/layer`. The points
 * of a range are evenly spaced, both ends included; 20 unless `:n` says how many, 1000 at most.
 * @returns bytes, ascending, each once
 */
export function parseCapacities(text: string, model: ModelSpec, place: string): number[] {
  const bytes = text.split(',').flatMap((part) => {
    const range = /^(.+?)\.\.(.+?)(?::(\d+))?$/.exec(part.trim());
    if (range === null) return [parseCapacity(part, model, place)];
    const [from, to] = [range[1]!, range[2]!].map((end) => parseCapacity(end, model, place)) as [number, number];
    const points = range[3] === undefined ? POINTS : Number(range[3]);
    if (points < 2 || points > MOST_POINTS) {
      throw new UserError(`${place}: '${part.trim()}' asks for ${points} points; a range has 2 to ${MOST_POINTS}`);
    }
    if (from > to) throw new UserError(`${place}: '${part.trim()}' runs backwards; put the smaller capacity first`);
    return Array.from({ length: points }, (_, i) => Math.round(from + ((to - from) * i) / (points - 1)));
  });
  return [...new Set(bytes)].sort((a, b) => a - b);
}
