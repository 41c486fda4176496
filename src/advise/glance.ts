import { PLAIN, type Setting } from '../runtime/door.js';
import { type Advice, answered, plainAdvice, unanswered } from './advise.js';
import { type Beside, highestFromDisk, refuseUsers } from './fit.js';
import type { Priced } from './price.js';
import { hasSlots, type Question } from './question.js';
import { passesOf, priced, pricedFit } from './search.js';

/**
 * For sliders: exact memory, speeds from two runs, no alternatives. Keeps passes, format and cache of `like`.
 * @param like setting of the earlier answer; null: none
 */
export async function glance(asked: Question, like: Setting | null): Promise<Advice> {
  refuseUsers(asked);
  const { answer, question } = await answered(asked, (question) => glanced(question, like));
  return answer === null ? unanswered(question) : plainAdvice(question, answer);
}

async function glanced(question: Question, like: Setting | null): Promise<Priced | null> {
  const { context, quantizations, runtime, users } = question;
  const cache = hasSlots(question) ? runtime.caches.find(({ keeps }) => keeps)!.system : null;
  const usual: Beside = {
    quantization: quantizations[0]!,
    ubatch: passesOf(question)[0]!,
    kv: runtime.kv[0]!,
    ...PLAIN,
    context,
    users,
    cache,
  };
  const others = runtime.kv.flatMap((kv) => quantizations.map((quantization) => ({ ...usual, kv, quantization })));
  for (const beside of like === null ? others : [likeThat(question, like, cache), ...others]) {
    const answer = await pricedFit(question, question.model(beside.quantization), beside);
    if (answer !== null) return answer;
  }
  if (hasSlots(question)) return null;
  const model = question.model(quantizations.at(-1)!);
  const setting = highestFromDisk(question, model, { ...usual, quantization: quantizations.at(-1)! });
  return setting === null ? null : priced(question, model, setting);
}

function likeThat({ context, drafting: { lengths }, quantizations, users }: Question, like: Setting, cache: string | null): Beside {
  const quantization = quantizations.includes(like.quantization) ? like.quantization : quantizations[0]!;
  const draft = lengths === null || lengths.includes(like.draft) ? like.draft : 0;
  return { ...like, quantization, draft, cache: like.cache ?? cache, context, users };
}
