// What else could be had: settings that differ from the answer in one thing, each at its own best placement.
import { formatCount } from '../../base/units.js';
import { isFit } from './fits.js';
import { devicesOf, highestFit, ladderOf, type Priced, passesOf, priced, type Question, rungOf } from './search.js';
import type { Setting } from './setting.js';

/** A setting beside the answer. */
export interface Alternative {
  /** How it differs: `passes of 2048`. */
  readonly change: string;
  readonly one: Priced;
}

/** Alternatives that are told. */
const TOLD = 5;
/** Formats of fewer bits that are tried. */
const FORMATS = 2;
/** A context that is tried beside the one that is asked for. */
const LONGER = 4;

/**
 * Settings that differ from the answer in one thing; up to five, best first.
 * @param quantizations on offer
 */
export async function alternativesOf(
  question: Question,
  answer: Priced,
  quantizations: readonly (string | null)[],
): Promise<readonly Alternative[]> {
  const found: Alternative[] = [];
  for (const { beside, change } of changesOf(question, answer.setting, quantizations)) {
    const model = question.model(beside.quantization);
    const fit = highestFit(question, model, beside);
    if (fit !== null) found.push({ change, one: await priced(question, model, fit) });
  }
  const last = lastRung(question, answer);
  if (last !== null) found.push({ change: 'no layer on the GPU', one: await priced(question, answer.model, last) });
  return found.sort((a, b) => a.one.cost - b.one.cost).slice(0, TOLD);
}

function changesOf(
  question: Question,
  setting: Setting,
  quantizations: readonly (string | null)[],
): { readonly change: string; readonly beside: Setting }[] {
  const { model, runtime } = question;
  const others = <T>(values: readonly T[], own: T): T[] => values.filter((value) => value !== own);
  const formats = others(quantizations, setting.quantization).slice(0, FORMATS);
  return [
    ...beside(passesOf(question), setting.ubatch).map((ubatch) => ({ change: `passes of ${ubatch}`, beside: { ...setting, ubatch } })),
    ...others(runtime.kv, setting.kv).map((kv) => ({ change: `KV cache in ${kv}`, beside: { ...setting, kv } })),
    ...formats.map((quantization) => ({ change: model(quantization).quantization, beside: { ...setting, quantization } })),
    { change: `context of ${formatCount(LONGER * setting.context)}`, beside: { ...setting, context: LONGER * setting.context } },
  ];
}

/** The values before and after one. */
function beside(values: readonly number[], own: number): number[] {
  const at = values.indexOf(own);
  return values.filter((_, i) => Math.abs(i - at) === 1);
}

/** The setting without a GPU; null: the runtime has none such, it does not fit, or it is the answer. */
function lastRung(question: Question, { model, setting }: Priced): Setting | null {
  const ladder = ladderOf(question, model);
  const last = ladder.at(-1)!;
  if (last.gpuLayers !== 0 || rungOf(ladder, setting) === ladder.length - 1) return null;
  const alone = { ...setting, ...last };
  return isFit(devicesOf(question, model, alone)) ? alone : null;
}
