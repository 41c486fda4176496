// Which model a trace was recorded from, where nobody says: what stands in a file is a name and never a path, for a trace of a stranger
// must not choose what is opened. A name that no bundled model has is understood by the sizes of the routing.
import { UserError } from '../base/errors.js';
import { listProfiles } from '../base/profiles.js';
import { nearest, quoted } from '../base/text.js';
import { loadModel } from '../model/load.js';
import type { RoutingTrace } from './trace.js';

/** A bundled model, and what the reader must know of how it was found. */
export interface RecordedModel {
  readonly name: string;
  /** One sentence; null: the trace names it. */
  readonly note: string | null;
}

/**
 * The bundled model that a trace names, or else the one of its sizes whose name is nearest.
 * @throws UserError where it names none, or one that is not bundled while no bundled one has its sizes
 */
export function recordedModel(trace: RoutingTrace): RecordedModel {
  const { meta, path } = trace;
  if (meta.model === null) throw new UserError(`${path}: does not say which model it was recorded from; name it with --model`);
  const bundled = listProfiles('models');
  if (bundled.includes(meta.model)) return { name: meta.model, note: null };
  const fitting = bundled.filter((name) => hasSizes(name, trace));
  // The names of models are paths of a hub: what stands behind the last slash tells them apart.
  const [name = fitting[0]] = nearest(meta.model.slice(meta.model.lastIndexOf('/') + 1), fitting);
  const named = `${path}: names the model ${quoted(meta.model)}, which is not bundled`;
  if (name === undefined) throw new UserError(`${named}, and no bundled one has its sizes; name the model or its file with --model`);
  return { name, note: `${named}; taking the nearest bundled model by its sizes, ${name} (another one with --model).` };
}

function hasSizes(name: string, { expertsPerLayer, layers, topK }: RoutingTrace): boolean {
  const model = loadModel(name);
  return (
    model.layers.length === layers &&
    model.layers.every((layer, index) => layer.experts === expertsPerLayer[index]) &&
    Math.max(...model.layers.map((layer) => layer.topK)) === topK
  );
}
