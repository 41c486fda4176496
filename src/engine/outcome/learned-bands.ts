import { twelveDigits } from '../../base/rounding.js';
import { type Figure, type Learned, learnedWidth, timeShares } from '../../hardware/door.js';
import { metricValue } from '../../result/catalogue.js';
import type { Accuracy, Result, RunFigures } from '../../result/result.js';

const PHASES = ['decode', 'prefill'] as const;

/** @param of the run @param moved the run with each knob moved in turn; null: no effect */
export async function withLearnedBands(
  result: Result,
  learned: Learned,
  of: Pick<Figure, 'runtime' | 'strategy'>,
  moved: readonly (() => Promise<RunFigures> | null)[],
): Promise<Result> {
  if (result.accuracy === undefined) return result;
  const others: RunFigures[] = [];
  for (const run of moved) others.push((await run()) ?? result);
  const bands = PHASES.map((kind): [string, Accuracy | null] => {
    const speedOf = (result: RunFigures): number => metricValue(result, `speed.${kind}`) ?? 0;
    const speed = speedOf(result);
    if (!(speed > 0)) return [kind, result.accuracy![kind]];
    return [kind, learnedBand(learned, { ...of, kind, model: learned.model, shares: timeShares(speed, others.map(speedOf)) })];
  });
  return { ...result, accuracy: Object.fromEntries(bands) as NonNullable<Result['accuracy']> };
}

/** Band of a speed by the machine's timings, symmetric in logarithms. */
export function learnedBand(learned: Learned, figure: Figure): Accuracy {
  const width = learnedWidth(learned, figure);
  const [low, high] = [twelveDigits(1 / (1 + width)), twelveDigits(1 + width)];
  return { low, high, rows: learned.timings, machines: 1, common: 'this machine', learned: true };
}
