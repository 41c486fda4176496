// The family of routing variants, and how a user names one: `top-p=0.9`, `two-sizes:small=0.4,skip=0.2`, `random`.
import { UserError } from '../../base/errors.js';
import { type Parameters, resolveParameters, splitSpec } from '../../base/parameters.js';
import { didYouMean } from '../../base/text.js';
import type { ModelSpec } from '../../model/spec.js';
import type { RoutingTrace } from '../trace.js';
import { hash } from './hash.js';
import { nullExperts } from './null-experts.js';
import { perRequest } from './per-request.js';
import { random } from './random.js';
import { skip } from './skip.js';
import { topK } from './top-k.js';
import { topP } from './top-p.js';
import { twoSizes } from './two-sizes.js';
import { type Variant, type VariantNeed, VariantTrace } from './variant.js';

export type { Variant } from './variant.js';

/** All routing variants. */
export const VARIANTS: readonly Variant[] = [topK, topP, nullExperts, skip, twoSizes, perRequest, random, hash];

const LACKS: Readonly<Record<VariantNeed, string>> = {
  weights: 'needs gate weights, which {} does not carry; record it with weights',
  tokenIds: 'needs the ids of the tokens, which {} does not carry; record it with token ids',
};

/**
 * A variant by its specification.
 * @throws UserError where it is unknown, or a parameter is
 */
export function parseVariant(spec: string): { variant: Variant; parameters: Parameters } {
  // `name=value` is short for the main parameter.
  const short = /^([^:=]+)=(.*)$/.exec(spec);
  const { name, given } = short === null ? splitSpec(spec) : { name: short[1]!, given: null };
  const variant = VARIANTS.find((known) => known.name === name.trim());
  if (variant === undefined) {
    const names = VARIANTS.map((known) => known.name);
    throw new UserError(`variant ${spec}: there is no routing variant "${name}"; ${didYouMean(name, names)}`);
  }
  if (given === null && variant.main === null)
    throw new UserError(`variant ${spec}: ${variant.name} takes no value; write ${variant.name}`);
  const values = given ?? { [variant.main!]: short![2]!.trim() };
  return { variant, parameters: resolveParameters(`variant ${variant.name}`, variant.parameters, values) };
}

/**
 * True where one of the variants reads gate weights.
 * @throws UserError where one is unknown
 */
export function needWeights(specs: readonly string[]): boolean {
  return specs.map(parseVariant).some(({ variant, parameters }) => variant.needs(parameters).includes('weights'));
}

/**
 * Stacks variants on a trace, the first at the bottom. Nothing is read yet, and nothing is copied when it is.
 * @param model gives experts and top-k of each layer, where it has the trace's layers
 * @param seed of what variants draw
 * @returns the trace itself where there are no variants; closing what is returned closes the trace
 * @throws UserError where a variant is unknown or the trace lacks what it needs
 */
export function applyVariants(
  trace: RoutingTrace,
  specs: readonly string[],
  { model, seed }: { model: ModelSpec | null; seed: number },
): RoutingTrace {
  return specs.reduce((below, spec) => {
    const { variant, parameters } = parseVariant(spec);
    for (const need of variant.needs(parameters)) {
      if (!below.has[need]) throw new UserError(`variant ${spec}: ${LACKS[need].replace('{}', below.path)}`);
    }
    const known = model !== null && model.layers.length === below.layers ? model.layers : null;
    const experts = known === null ? below.expertsPerLayer : known.map((layer) => layer.experts);
    const choices = experts.map((_, layer) => Math.min(known === null ? below.topK : known[layer]!.topK, below.topK));
    const change = variant.change(below, parameters, { spec, seed, experts, choices });
    const identity = JSON.stringify([variant.name, parameters, seed, experts, choices]);
    return new VariantTrace(below, { expertsPerLayer: experts, ...change }, identity, spec);
  }, trace);
}
