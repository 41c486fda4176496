import { twelveDigits } from '../../base/rounding.js';
import { type Learned, learnedWidth } from '../../hardware/door.js';
import { metricValue } from '../../result/catalogue.js';
import type { Accuracy, Result, RunFigures } from '../../result/result.js';

const PHASES = ['decode', 'prefill'] as const;

/**
 * Result with bands of its machine taught by timings. @param moved the run with each knob moved in turn; null: no
 * effect
 */
export async function withLearnedBands(
  result: Result,
  learned: Learned,
  moved: readonly (() => Promise<RunFigures> | null)[],
): Promise<Result> {
  if (result.accuracy === undefined) return result;
  const others: RunFigures[] = [];
  for (const run of moved) others.push((await run()) ?? result);
  const bands = PHASES.map((phase): [string, Accuracy | null] => {
    const speedOf = (result: RunFigures): number => metricValue(result, `speed.${phase}`) ?? 0;
    const speed = speedOf(result);
    if (!(speed > 0)) return [phase, result.accuracy![phase]];
    return [phase, learnedBand(learned, learnedWidth(learned, phase, speed, others.map(speedOf)))];
  });
  return { ...result, accuracy: Object.fromEntries(bands) as NonNullable<Result['accuracy']> };
}

/** Band of the machine's timings, symmetric in logarithms. @param width of the upper half: .2 is a fifth more */
export function learnedBand({ timings }: Learned, width: number): Accuracy {
  const [low, high] = [twelveDigits(1 / (1 + width)), twelveDigits(1 + width)];
  return { low, high, rows: timings, machines: 1, common: 'this machine', learned: true };
}
