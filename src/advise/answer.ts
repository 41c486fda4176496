// The answer of a search: the best setting of the preferred format, with its speeds and its memory.
import { bitsPerWeight } from '../model/door.js';
import type { DeviceMemory } from '../runtime/setting/fits.js';
import type { Setting } from '../runtime/setting/setting.js';
import { bestSetting, contextThatFits, type Priced, type Question } from './search.js';

/** A setting with its speeds and its memory. */
export interface AdvisedSetting {
  readonly setting: Setting;
  /** How it differs from the answer; empty: it is the answer. */
  readonly change: string;
  readonly decode: number;
  readonly prefill: number;
  readonly devices: readonly DeviceMemory[];
  /** Longest context of each user with which it still fits, tokens. */
  readonly longest: number;
  /** Bits a weight, over the whole file. */
  readonly bits: number;
}

/**
 * The best setting of the preferred format that fits; where targets are given, of the first that keeps them, else of the one that comes
 * nearest. A smaller KV cache is taken only where nothing fits with the usual one; experts are left on the disk only where not even that
 * helps, and then the smallest format is the fastest.
 */
export async function bestAnswer(question: Question): Promise<Priced | null> {
  const { quantizations, runtime } = question;
  for (const kv of runtime.kv) {
    let nearest: Priced | null = null;
    for (const quantization of quantizations) {
      const best = await bestSetting(question, quantization, kv);
      if (best === null) continue;
      if (best.kept) return best;
      if (nearest === null || best.cost < nearest.cost) nearest = best;
    }
    if (nearest !== null) return nearest;
  }
  return bestSetting(question, quantizations.at(-1)!, runtime.kv[0]!, true);
}

/** A priced setting as advice has it. @param change how it differs from the answer */
export function settingOf(question: Question, one: Priced, change: string): AdvisedSetting {
  const { devices, model, price, setting } = one;
  const longest = contextThatFits(question, one);
  return { setting, change, decode: price.decode, prefill: price.prefill, devices, longest, bits: bitsPerWeight(model) };
}
