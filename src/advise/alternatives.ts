import { formatCount } from '../base/units.js';
import { isCpuOnly, isFit, type Setting } from '../runtime/door.js';
import { devicesOf, ladderOf, rungOf } from './fit.js';
import type { Priced } from './price.js';
import type { Question } from './question.js';
import { canIsolate, passesOf, priced, pricedFit } from './search.js';

interface Alternative {
  /** Difference from the answer: `passes of 2048`. */
  readonly change: string;
  readonly one: Priced;
}

/** Most alternatives. Ours. */
const MOST_SHOWN = 5;
/** Pass lengths to try besides the answer's. Ours. */
const NEIGHBOURS = 2;
/** Formats of fewer bits to try. Ours. */
const FORMATS = 2;
/** Factor of a longer context to try. Ours. */
const LONGER = 4;

/** Settings that differ from the answer in a single value, each at its own best placement. */
export async function alternativesOf(question: Question, answer: Priced): Promise<readonly Alternative[]> {
  const found: Alternative[] = [];
  const add = async (change: string, beside: Setting): Promise<void> => {
    const model = question.model(beside.quantization);
    const alternative = await pricedFit(question, model, beside);
    if (alternative !== null) found.push({ change, one: alternative });
  };
  for (const { beside, change } of changesOf(question, answer.setting)) await add(change, beside);
  for (const { change, setting } of lowerRungs(question, answer)) {
    found.push({ change, one: await priced(question, answer.model, setting) });
  }
  const passes = passesOf(question).filter((ubatch) => ubatch !== answer.setting.ubatch);
  for (const ubatch of nearestFirst(passes, answer.setting.ubatch).slice(NEIGHBOURS)) {
    if (found.length < MOST_SHOWN) await add(passText(ubatch), { ...answer.setting, ubatch });
  }
  return found.sort((a, b) => a.one.cost - b.one.cost).slice(0, MOST_SHOWN);
}

function changesOf(question: Question, setting: Setting): { readonly change: string; readonly beside: Setting }[] {
  const { model, quantizations, runtime } = question;
  const longer = LONGER * setting.context;
  const trained = model(setting.quantization).trainedContext;
  const others = <T>(values: readonly T[], excluded: T): T[] => values.filter((value) => value !== excluded);
  const formats = others(quantizations, setting.quantization).slice(0, FORMATS);
  return [
    ...nearestFirst(others(passesOf(question), setting.ubatch), setting.ubatch)
      .slice(0, NEIGHBOURS)
      .map((ubatch) => ({ change: passText(ubatch), beside: { ...setting, ubatch } })),
    ...others(runtime.kv, setting.kv).map((kv) => ({ change: `KV cache in ${kv}`, beside: { ...setting, kv } })),
    ...formats.map((quantization) => ({ change: model(quantization).quantization, beside: { ...setting, quantization } })),
    ...(setting.followsPrompts ? [{ change: 'experts that stay', beside: { ...setting, followsPrompts: false } }] : []),
    ...(canIsolate(question, setting)
      ? [{ change: setting.oneSocket ? 'all sockets' : 'one socket', beside: { ...setting, oneSocket: !setting.oneSocket } }]
      : []),
    ...(setting.draft === 0 ? [] : [{ change: 'nothing drafted', beside: { ...setting, draft: 0 } }]),
    ...(longer > (trained ?? longer) ? [] : [{ change: `context of ${formatCount(longer)}`, beside: { ...setting, context: longer } }]),
  ];
}

function nearestFirst(values: readonly number[], centre: number): number[] {
  const far = (value: number): number => Math.abs(Math.log2(value / centre));
  return values.toSorted((a, b) => far(a) - far(b) || a - b);
}

const passText = (ubatch: number): string => `passes of ${formatCount(ubatch)}`;

/** Fitting settings without experts, or without layers, on the GPU. */
function lowerRungs(question: Question, { model, setting }: Priced): { readonly change: string; readonly setting: Setting }[] {
  const ladder = ladderOf(question, model, null);
  const at = rungOf(ladder, setting);
  const named = [
    {
      change: 'no expert on the GPU',
      rung: ladder.findIndex((rung) => rung.gpuExperts === 0 || (rung.gpuLayers === null && rung.cpuMoe === model.layers.length)),
    },
    { change: 'no layer on the GPU', rung: ladder.findIndex(isCpuOnly) },
  ];
  return named
    .filter(({ rung }) => rung > at)
    .map(({ change, rung }) => ({ change, setting: { ...setting, ...ladder[rung]!, cache: null } }))
    .filter(({ setting: candidate }) => isFit(devicesOf(question, model, candidate)));
}
