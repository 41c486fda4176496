// Demand from lines of layer, expert and, where they are not chosen one by one, a count.
import { UserError } from '../../base/errors.js';
import type { ModelSpec } from '../../model/door.js';
import { expertBlocks, modelMisfit, type ProfileFile } from './format.js';

/**
 * Reads lines.
 * @param head names of the columns, which may stand in the first line; two: each line is one choice
 * @throws UserError with the line that is none, or names a layer or an expert that the model does not have, or where a layer of the model has no line
 */
export function tabled({ path, text }: ProfileFile, model: ModelSpec, separator: string, head: readonly string[]): Float64Array {
  const layerOf = new Map(expertBlocks(model).map((block, l) => [block, l]));
  const demand = new Float64Array(model.experts);
  const pattern = new RegExp(`^(\\d{1,9})${separator}(\\d{1,9})${head.length === 3 ? `${separator}(\\d{1,15})` : ''}\r?$`);
  let line = 0;
  for (let at = 0; at < text.length; ) {
    const end = text.indexOf('\n', at) < 0 ? text.length : text.indexOf('\n', at);
    const row = text.slice(at, end);
    at = end + 1;
    line++;
    // Engines write facts of their own as negative layers; the first of colibri's has the sizes of the model.
    const [, layers, experts] = /^-1 (\d+) (\d+)\r?$/.exec(row) ?? [];
    if (layers !== undefined && Number(experts) !== model.layers[0]!.experts)
      throw new UserError(
        `${path}:${line}: ${experts} experts a layer, and ${model.name} has ${model.layers[0]!.experts}; take its own profile`,
      );
    if (/^-\d+ /.test(row) || row.trim() === '' || (line === 1 && row.trim() === head.join(separator))) continue;
    const [, block, expert, count = '1'] = pattern.exec(row) ?? [];
    if (block === undefined) throw new UserError(`${path}:${line}: not ${head.join(separator)}`);
    const layer = model.layers[layerOf.get(Number(block)) ?? -1];
    if (layer === undefined) throw new UserError(`${path}:${line}: layer ${block} of ${model.name} has no experts; take its own profile`);
    if (Number(expert) >= layer.experts)
      throw new UserError(`${path}:${line}: expert ${expert}, and a layer of ${model.name} has ${layer.experts}; take its own profile`);
    demand[layer.offset + Number(expert)]! += Number(count);
  }
  const lacks = model.layers.filter(({ experts, offset }) =>
    demand.subarray(offset, offset + experts).every((count) => count === 0),
  ).length;
  if (lacks > 0) throw modelMisfit(path, `has no row of ${lacks} layers`, model);
  return demand;
}
