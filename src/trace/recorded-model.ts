import { UserError } from '../base/errors.js';
import { listProfiles } from '../base/profiles.js';
import { nearest, quoted } from '../base/text.js';
import { loadModel } from '../model/door.js';
import type { RoutingTrace } from './trace.js';

/** A bundled model, and a note on how it was found. */
interface RecordedModel {
  readonly name: string;
  /** One sentence; null if the trace names it. */
  readonly note: string | null;
}

/** The bundled model that a trace names, or the nearest of equal sizes: no untrusted trace decides which file opens. @throws UserError: none */
export function recordedModel(trace: RoutingTrace): RecordedModel {
  const found = bundledModel(trace);
  if (found !== null) return found;
  const lack = unnamed(trace);
  const what = trace.meta.model === null ? 'it' : 'the model or its file';
  throw new UserError(`${lack}${trace.meta.model === null ? '' : ', and no bundled one has its sizes'}; name ${what} with --model`);
}

/** The beginning of a message about a trace without a bundled model: the model that the trace names. */
export function unnamed({ meta, path }: RoutingTrace): string {
  if (meta.model === null) return `${path}: does not say which model it was recorded from`;
  return `${path}: names the model ${quoted(meta.model)}, which is not bundled`;
}

/** As {@link recordedModel}; null if there is none. */
export function bundledModel(trace: RoutingTrace): RecordedModel | null {
  const { meta, topK } = trace;
  if (meta.model === null) return null;
  const bundled = listProfiles('models');
  if (bundled.includes(meta.model)) return { name: meta.model, note: null };
  const widths = new Map(bundled.map((name) => [name, widthOf(name, trace)]));
  // One of the same top-k, or else of a larger one: some recordings have fewer choices than the model makes.
  const same = bundled.filter((name) => widths.get(name) === topK);
  const fitting = same.length > 0 ? same : bundled.filter((name) => (widths.get(name) ?? 0) > topK);
  // Names of models are paths of a hub; the part after the last slash identifies the model.
  const [name = fitting[0]] = nearest(meta.model.slice(meta.model.lastIndexOf('/') + 1), fitting);
  if (name === undefined) return null;
  const fewer = widths.get(name) === topK ? '' : `, of whose ${widths.get(name)} choices per token it has ${topK}`;
  return { name, note: `${unnamed(trace)}; taking the nearest bundled model by its sizes, ${name}${fewer} (another one with --model).` };
}

/** Maximum top-k of a model; null if the trace has other layers or experts. */
function widthOf(name: string, { expertsPerLayer, layers }: RoutingTrace): number | null {
  const model = loadModel(name);
  const alike = model.layers.length === layers && model.layers.every((layer, index) => layer.experts === expertsPerLayer[index]);
  return alike ? Math.max(...model.layers.map((layer) => layer.topK)) : null;
}
