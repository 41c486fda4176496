import { definedFields } from '../../base/objects.js';
import { linesOf } from './lines.js';
import type { PrintedTiming, TimingFormat } from './timing.js';

const START = /=+ (Serving Benchmark Result|Offline Throughput Benchmark Result) =+/;

/** A server benchmark under load: a block of figures per run. */
export const serving: TimingFormat = {
  recognizes: (text) => START.test(text),
  read: (text, path) => {
    const found: PrintedTiming[] = [];
    let fields: Map<string, string> | null = null;
    let begun = '';
    const model = /\bmodel=['"]?([^'",)\s]+)|--model[ =](\S+)/.exec(text);
    const finish = (): void => {
      if (fields !== null) found.push(...runOf(fields, begun, model?.[1] ?? model?.[2]));
      fields = null;
    };
    for (const line of linesOf(text, path)) {
      if (START.test(line.text)) {
        finish();
        fields = new Map();
        begun = line.place;
      } else if (/^={20,}$/.test(line.text.trim())) finish();
      else {
        const field = /^([A-Z][^:]*):\s+(\S.*)$/.exec(line.text.trim());
        if (field !== null && fields !== null) (fields as Map<string, string>).set(field[1]!.toLowerCase(), field[2]!.trim());
      }
    }
    finish();
    return found;
  },
};

function runOf(fields: ReadonlyMap<string, string>, place: string, model: string | undefined): PrintedTiming[] {
  const number = (...names: readonly string[]): number | undefined => {
    const name = names.find((candidate) => fields.has(candidate));
    const value = name === undefined ? Number.NaN : Number(fields.get(name));
    return value > 0 ? value : undefined;
  };
  const requests = number('successful requests');
  const [input, output] = [number('total input tokens'), number('total generated tokens')];
  const users = number('maximum request concurrency', 'max request concurrency', 'concurrency');
  const tpot = number('mean tpot (ms)', 'mean itl (ms)');
  const ttft = number('mean ttft (ms)');
  if (requests === undefined || tpot === undefined) return [];
  const at = Math.max(1, Math.round(users ?? 1));
  const prompt = input === undefined ? undefined : input / requests;
  return [
    {
      place,
      decode: (at * 1e3) / tpot,
      // With several requests, the time to the first token includes queueing.
      ...definedFields({ prefill: at === 1 && prompt !== undefined && ttft !== undefined ? (1e3 * prompt) / ttft : undefined }),
      ...definedFields({
        model,
        users: at,
        promptTokens: prompt === undefined ? undefined : Math.round(prompt),
        depth: prompt === undefined ? undefined : Math.round(prompt),
        generatedTokens: output === undefined ? undefined : Math.round(output / requests),
      }),
    },
  ];
}
