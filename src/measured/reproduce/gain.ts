import { UserError } from '../../base/errors.js';
import type { ComparedRun, Composition, Figures } from './compared-run.js';

/** Groups of parts, in exchange order. */
export const GAIN_PARTS = ['cache', 'prefetch', 'scheduler'] as const;

/** Null: an intermediate run is impossible and the next factor takes its share, or the two worlds differ. */
export interface GainFactors extends Readonly<Record<(typeof GAIN_PARTS)[number], number | null>> {
  /** 1 for a common runtime. */
  readonly engine: number;
}

/** Figures of a file's runs, each executed once. */
export class Done {
  readonly #known = new Map<string, Promise<Figures>>();
  readonly #names = new Map<ComparedRun, string>();

  constructor(sides: ReadonlyMap<string, ComparedRun>) {
    for (const [name, side] of sides) this.#names.set(side, name);
  }

  figures(side: ComparedRun, runtime = side.runtime, composition = side.composition, bounds = false): Promise<Figures> {
    const key = (bounded: boolean): string => JSON.stringify([this.#names.get(side), runtime, composition, bounded]);
    const known = this.#known.get(key(true)) ?? this.#known.get(key(bounds)) ?? side.figures(runtime, composition, bounds);
    this.#known.set(key(bounds), known);
    return known;
  }
}

/** Factors of a ratio as parts are exchanged. @param figure of a run, above 0 @param whole figures of the two */
export async function gainOf(
  [of, to]: readonly [ComparedRun, ComparedRun],
  done: Done,
  figure: (figures: Figures) => number,
  whole: readonly [number, number],
): Promise<GainFactors> {
  const engine = of.runtime === to.runtime ? 1 : whole[1] / figure(await done.figures(to));
  const gain: Record<(typeof GAIN_PARTS)[number], number | null> = { cache: null, prefetch: null, scheduler: null };
  if (of.world !== to.world) return { ...gain, engine };
  let before = whole[1];
  for (const [i, part] of GAIN_PARTS.entries()) {
    const last = i === GAIN_PARTS.length - 1;
    const mixed = mixOf(of.composition, to.composition, GAIN_PARTS.slice(0, i + 1));
    const after = last ? whole[0] : await figureOrNull(() => done.figures(to, of.runtime, mixed), figure);
    if (after === null) continue;
    gain[part] = after / before;
    before = after;
  }
  return { ...gain, engine };
}

function mixOf(from: Composition, to: Composition, parts: readonly (typeof GAIN_PARTS)[number][]): Composition {
  const { memory, speculation, system } = from;
  const { cache, dram, onMiss, overlap, parallelism, placement, predictor, prefetch, rerank } = system;
  return {
    ...to,
    ...(parts.includes('cache') && { memory }),
    ...(parts.includes('prefetch') && { speculation }),
    system: {
      ...to.system,
      ...(parts.includes('cache') && { cache, dram, onMiss, overlap, parallelism, placement, rerank }),
      ...(parts.includes('prefetch') && { predictor, prefetch }),
    },
  };
}

async function figureOrNull(run: () => Promise<Figures>, figure: (figures: Figures) => number): Promise<number | null> {
  try {
    return figure(await run());
  } catch (error) {
    if (error instanceof UserError) return null;
    throw error;
  }
}
