import { UserError } from '../../base/errors.js';
import { loadedChoice, type OwnExport } from '../../base/user-module.js';
import { NULL_EXPERT, type RoutingTrace, type TraceChunk } from '../trace.js';
import { PlaceDraws } from './draws.js';
import { VARIANTS, type VariantChoice } from './index.js';
import type { RoutingChange, Variant, VariantContext } from './variant.js';

/** Context of a user's variant. */
export interface OwnVariantContext extends VariantContext {
  /** Id of a null choice. */
  readonly none: number;
  /** Draws by place: `draws.at(row, layer)`, then `draws.next()`, `draws.subset(...)`. Rows are read in any order. */
  readonly draws: PlaceDraws;
}

/** @param folder of relative paths; default: working directory @throws UserError */
export const loadVariants = async (variants: readonly VariantChoice[], folder?: string): Promise<VariantChoice[]> =>
  Promise.all(variants.map((chosen) => loadedChoice('variant', chosen, ownVariant, folder)));

function ownVariant(exported: OwnExport): Variant {
  exported.nameApart(VARIANTS.map(({ name }) => name));
  exported.requireMethod('change(trace, parameters, context)');
  exported.optionalMethod('needs');
  const definition = exported.value as Variant;
  return {
    ...definition,
    ...exported.described('variant'),
    change(trace, parameters, given) {
      const context: OwnVariantContext = { ...given, none: NULL_EXPERT, draws: new PlaceDraws(given.seed, `variant/${exported.name}`) };
      const change = exported.run('change', () => definition.change(trace, parameters, context));
      return checked(exported, exported.made(change, ['rewrite'], 'change'), trace, given);
    },
  };
}

function checked(exported: OwnExport, change: RoutingChange, below: RoutingTrace, { experts: usual }: VariantContext): RoutingChange {
  const { expertsPerLayer: experts = usual, topK = below.topK } = change;
  const whole = (value: unknown): boolean => Number.isInteger(value) && Number(value) > 0;
  if (!whole(topK)) throw exported.wrong(`"topK" is ${String(topK)}; it must be a whole number of choices`);
  if (!Array.isArray(experts) || experts.length === 0 || !experts.every(whole))
    throw exported.wrong('"expertsPerLayer" must list the experts of each layer');
  return {
    ...change,
    rewrite(source, into, start) {
      exported.run('rewrite', () => change.rewrite(source, into, start));
      checkRows(exported, into, source.tokens, start, experts, topK);
    },
  };
}

function checkRows(exported: OwnExport, into: TraceChunk, rows: number, start: number, experts: readonly number[], topK: number): void {
  let at = 0;
  for (let row = 0; row < rows; row++) {
    for (let layer = 0; layer < experts.length; layer++) {
      const first = at;
      for (const end = at + topK; at < end; at++) {
        const id = into.experts[at]!;
        if (id === NULL_EXPERT) continue;
        const weight = into.weights?.[at] ?? 0;
        const what =
          id >= experts[layer]!
            ? `expert ${id}, the layer has ${experts[layer]}; write 0 to ${experts[layer]! - 1}, or context.none`
            : into.experts.indexOf(id, first) < at
              ? `expert ${id} twice; a token chooses an expert once`
              : !(Number.isFinite(weight) && weight >= 0)
                ? `${weight} as a gate weight; write 0 or more`
                : null;
        if (what !== null) throw new UserError(`${exported.shown}: rewrite of row ${start + row}, layer ${layer}, wrote ${what}`);
      }
    }
  }
}
