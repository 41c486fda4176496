import { shownTrace } from '../../base/profiles.js';
import { CostModel } from '../../hardware/door.js';
import { expertBytesTotal, type ModelSpec, type MoeLayer } from '../../model/door.js';
import { runtimeOfProfile } from '../../runtime/door.js';
import type { SpeculationSpec } from '../../schedule/door.js';
import { acceptancesOf, looksUpDrafts, misfit, type RunSpec } from '../../system/door.js';
import type { Inputs } from './inputs.js';

type Speculation = NonNullable<RunSpec['workload']['speculation']>;

/**
 * From the profile, else from model and runtime; null: no drafting. @throws UserError for text drafts without token ids
 */
export function draftingOf(
  inputs: Pick<Inputs, 'hardware' | 'model' | 'trace'>,
  run: Pick<RunSpec, 'label' | 'places' | 'workload'>,
): SpeculationSpec | null {
  const { speculation } = run.workload;
  if (speculation === undefined || speculation.draft === 0) return null;
  const looksUp = looksUpDrafts(speculation);
  if (looksUp && !inputs.trace.has.tokenIds) {
    const lack = `ngram needs token ids, which ${shownTrace(inputs.trace.path)} does not carry; give the time of a token, 0ms, and an acceptance`;
    throw misfit(run, 'workload.speculation.drafter', lack);
  }
  const redoes = isRecurrent(inputs.model) && runtimeOfProfile(inputs.hardware.software?.runtime ?? '')?.redoesAccepted === true;
  return {
    draft: speculation.draft,
    acceptances: looksUp ? null : acceptancesOf(speculation),
    found: speculation.found,
    drafterNs: drafterNs(inputs, speculation),
    rollback: speculation.rollback ?? (redoes ? 'redo' : 'free'),
  };
}

/** GPU memory of a drafting copy of the model, bytes: its experts; the rest is shared. */
export function drafterBytes(model: Pick<ModelSpec, 'layers'>, { speculation }: Pick<RunSpec['workload'], 'speculation'>): number {
  const drafter = speculation === undefined || speculation.draft === 0 ? undefined : speculation.drafter;
  return drafter === undefined || 'ns' in drafter ? 0 : Math.ceil(drafter.copyBytes * expertBytesTotal(model));
}

/** True if some layers keep a state and some a KV cache. */
const isRecurrent = ({ dense }: ModelSpec): boolean =>
  dense.kvBytesPerToken > 0 && dense.segments.some(({ attention }) => attention.some(({ kvBytesPerToken }) => kvBytesPerToken === 0));

function drafterNs({ hardware, model }: Pick<Inputs, 'hardware' | 'model'>, { drafter }: Speculation): number {
  if (drafter === undefined) return headNs(model, new CostModel(model, hardware));
  if ('ns' in drafter) return drafter.ns;
  const { copyBytes } = drafter;
  const copy = { ...model, layers: model.layers.map((layer) => copied(layer, copyBytes)) };
  const cost = new CostModel(copy, hardware);
  return layersNs(copy, cost) + outputNs(copy, cost);
}

function copied(layer: MoeLayer, share: number): MoeLayer {
  const formats = layer.formats?.map((part) => ({ ...part, bytes: share * part.bytes }));
  return { ...layer, expertBytes: share * layer.expertBytes, ...(formats === undefined ? {} : { formats }) };
}

/** Multi-token prediction head, ns per token: an average layer, output layer and pass. */
const headNs = (model: ModelSpec, cost: CostModel): number => layersNs(model, cost) / model.layers.length + outputNs(model, cost);

function layersNs({ layers }: ModelSpec, cost: CostModel): number {
  const shares = [1];
  return layers.reduce((sum, { index, topK }) => sum + cost.denseNs(index, 1, shares, shares, 1) + topK * cost.expertNs(index, 1), 0);
}

function outputNs({ layers }: ModelSpec, cost: CostModel): number {
  const shares = [1];
  return cost.denseNs(layers.length, 1, shares, shares, 1) + cost.passNs;
}
