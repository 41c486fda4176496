import { UserError } from '../../base/errors.js';
import { choose, findNamed, splitSpec } from '../../base/parameters.js';
import { moduleChoice, type OwnChoice } from '../../base/user-module.js';
import type { ModelSpec } from '../../model/door.js';
import type { RoutingTrace } from '../trace.js';
import { hashRouting, randomRouting } from './drawn.js';
import { nullExperts } from './null-experts.js';
import { oneRouter } from './one-router.js';
import { perRequest } from './per-request.js';
import { sensitivity } from './sensitivity.js';
import { skip } from './skip.js';
import { topK } from './top-k.js';
import { topP } from './top-p.js';
import { twoSizes } from './two-sizes.js';
import { type Variant, type VariantNeed, variantTrace } from './variant.js';

/** All variants, by text: `top-p=0.9`, `two-sizes:small=0.4,skip=0.2`, `random`. */
export const VARIANTS: readonly Variant[] = [
  topK,
  topP,
  sensitivity,
  nullExperts,
  skip,
  twoSizes,
  perRequest,
  oneRouter,
  randomRouting,
  hashRouting,
];

const LACKS: Readonly<Record<VariantNeed, string>> = {
  weights: 'needs gate weights, which {} does not carry; record it with weights',
  tokenIds: 'needs the ids of the tokens, which {} does not carry; record it with token ids',
};

/** Chosen variant: built-in, or a user's module. */
export type VariantChoice = OwnChoice<Variant>;

/** Parses a variant. @throws UserError if unknown, or with an unknown parameter */
export function parseVariant(text: string): VariantChoice {
  const choice = moduleChoice<Variant>('variant', text);
  if (choice !== null) return choice;
  return choose('variant', text, {}, findVariant, (spec) => {
    // `name=value` sets the main parameter.
    const short = /^([^:=]+)=(.*)$/.exec(spec);
    if (short === null) return splitSpec(spec);
    const { main, name } = findVariant(short[1]!.trim());
    if (main === undefined) throw new UserError(`variant ${spec}: ${name} takes no value; write ${name}`);
    return { name, given: { [main]: short[2]!.trim() } };
  });
}

const findVariant = (name: string): Variant => findNamed('routing variant', VARIANTS, name);

const definitionOf = ({ definition, name }: VariantChoice): Variant => definition ?? findVariant(name);

/** True if a variant reads gate weights. */
export const needWeights = (variants: readonly VariantChoice[]): boolean =>
  variants.some((chosen) => definitionOf(chosen).needs?.(chosen.parameters).includes('weights'));

/** As texts. @throws UserError if unknown, or the trace lacks a column */
export function applyVariants(
  trace: RoutingTrace,
  specs: readonly string[],
  options: { model: ModelSpec | null; seed: number },
): RoutingTrace {
  return stackVariants(trace, specs.map(parseVariant), options);
}

/** First at the bottom, without a copy. @param seed of draws @returns closes the original @throws UserError */
export function stackVariants(
  trace: RoutingTrace,
  variants: readonly VariantChoice[],
  { model, seed }: { model: ModelSpec | null; seed: number },
): RoutingTrace {
  return variants.reduce((below, chosen) => {
    const { parameters, sha256, text: spec } = chosen;
    const variant = definitionOf(chosen);
    for (const need of variant.needs?.(parameters) ?? []) {
      if (!below.has[need]) throw new UserError(`variant ${spec}: ${LACKS[need].replace('{}', below.path)}`);
    }
    const known = model !== null && model.layers.length === below.layers ? model.layers : null;
    const experts = known === null ? below.expertsPerLayer : known.map((layer) => layer.experts);
    const choices = experts.map((_, layer) => Math.min(known === null ? below.topK : known[layer]!.topK, below.topK));
    const change = variant.change(below, parameters, { spec, seed, experts, choices });
    const identity = JSON.stringify([variant.name, parameters, seed, experts, choices, ...(sha256 === undefined ? [] : [sha256])]);
    return variantTrace(below, { expertsPerLayer: experts, ...change }, identity, spec);
  }, trace);
}
