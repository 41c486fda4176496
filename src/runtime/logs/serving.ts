// vllm bench serve and sglang.bench_serving: a block of figures a run; and what sglang prints of one batch.
import { definedFields, linesOf, printedSpeed, wholeOf } from './lines.js';
import type { Timing, TimingFormat } from './timing.js';

const START = /=+ (Serving Benchmark Result|Offline Throughput Benchmark Result) =+/;

/** Benchmarks of vLLM and SGLang against a server. */
export const serving: TimingFormat = {
  name: 'serving-benchmark',
  summary: 'vllm bench serve, sglang.bench_serving',
  recognizes: (text) => START.test(text),
  read: (text, path) => {
    const found: Timing[] = [];
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

function runOf(fields: ReadonlyMap<string, string>, place: string, model: string | undefined): Timing[] {
  const number = (...names: readonly string[]): number | undefined => {
    const name = names.find((one) => fields.has(one));
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
      engine: fields.has('backend') && /sglang/.test(fields.get('backend')!) ? 'sglang' : 'vllm',
      decode: (at * 1e3) / tpot,
      // Where several requests run, the time to the first token is time in a queue as well.
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

/** A batch as sglang.bench_one_batch prints it. */
export const oneBatch: TimingFormat = {
  name: 'sglang-one-batch',
  summary: 'sglang.bench_one_batch',
  recognizes: (text) => /^Decode\.\s+median latency:.*median throughput:/m.test(text),
  read: (text, path) => {
    const found: Timing[] = [];
    const settings = /batch_size=\(?(\d+).*?input_len=\(?(\d+).*?output_len=\(?(\d+)/.exec(text);
    const model = /model_path=['"]?([^'",)\s]+)|--model(?:-path)?[ =](\S+)/.exec(text);
    const [users, prompt, generated] = settings === null ? [] : settings.slice(1).map((one) => wholeOf(one));
    let prefill: number | undefined;
    for (const { place, text: line } of linesOf(text, path)) {
      const first = /^Prefill\. latency:.*throughput:\s+(\S+) token\/s/.exec(line)?.[1];
      if (first !== undefined) prefill = printedSpeed(first, place, 'Prefill throughput');
      const median = /^Decode\.\s+median latency:.*median throughput:\s+(\S+) token\/s/.exec(line)?.[1];
      if (median === undefined) continue;
      const decode = printedSpeed(median, place, 'Decode median throughput');
      const more = definedFields({
        prefill,
        users,
        promptTokens: prompt,
        depth: prompt,
        generatedTokens: generated,
        model: model?.[1] ?? model?.[2],
      });
      found.push({ place, engine: 'sglang', decode, ...more });
    }
    // The first is a warm-up of the same batch.
    return found.length > 1 ? found.slice(1) : found;
  },
};
