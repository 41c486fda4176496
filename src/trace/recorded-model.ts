import { UserError } from '../base/errors.js';
import { listProfiles } from '../base/profiles.js';
import { nearest, quoted } from '../base/text.js';
import { loadModel, mostTopK } from '../model/door.js';
import type { RoutingTrace } from './trace.js';

/** Bundled model of a trace. */
interface RecordedModel {
  readonly name: string;
  /** Reason for the choice; null if the trace names the model. */
  readonly note: string | null;
}

/**
 * Bundled model a trace names, else the nearest of equal sizes; no file is opened. @throws UserError if no model fits
 */
export function recordedModel(trace: RoutingTrace): RecordedModel {
  const found = bundledModel(trace);
  if (found !== null) return found;
  const lack = unnamed(trace);
  const what = trace.meta.model === null ? 'it' : 'the model or its file';
  throw new UserError(`${lack}${trace.meta.model === null ? '' : ', and no bundled one has its sizes'}; name ${what} with --model`);
}

/** Start of a message about an unbundled model. */
export function unnamed({ meta, path }: RoutingTrace): string {
  if (meta.model === null) return `${path}: does not say which model it was recorded from`;
  return `${path}: names the model ${quoted(meta.model)}, which is not bundled`;
}

/** As {@link recordedModel}; null if no model fits. */
export function bundledModel(trace: RoutingTrace): RecordedModel | null {
  const { meta, topK } = trace;
  if (meta.model === null) return null;
  const bundled = listProfiles('models');
  if (bundled.includes(meta.model)) return { name: meta.model, note: null };
  const widths = new Map(bundled.map((name) => [name, widthOf(name, trace)]));
  // Prefers equal top-k to larger: some recordings lack choices.
  const same = bundled.filter((name) => widths.get(name) === topK);
  const fitting = same.length > 0 ? same : bundled.filter((name) => (widths.get(name) ?? 0) > topK);
  // Hub path: the last part identifies the model.
  const [name = fitting[0]] = nearest(meta.model.slice(meta.model.lastIndexOf('/') + 1), fitting);
  if (name === undefined) return null;
  const fewer = widths.get(name) === topK ? '' : `, of whose ${widths.get(name)} choices per token it has ${topK}`;
  return { name, note: `${unnamed(trace)}; taking the nearest bundled model by its sizes, ${name}${fewer} (another one with --model).` };
}

function widthOf(name: string, { expertsPerLayer, layers }: RoutingTrace): number | null {
  const model = loadModel(name);
  const alike = model.layers.length === layers && model.layers.every((layer, index) => layer.experts === expertsPerLayer[index]);
  return alike ? mostTopK(model) : null;
}
