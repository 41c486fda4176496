import { definedFields } from '../../base/objects.js';
import { servingTimer } from '../flags/timer.js';
import { SERVER } from '../kind/advised.js';
import { type OwnDrafts, WITH_DRAFTS } from '../kind/own-drafts.js';
import { runtimeFrom } from '../kind/runtime.js';
import { servedMemory } from '../kind/served.js';
import { linesOf, printedSpeed, wholeOf } from '../logs/lines.js';
import { serving } from '../logs/serving.js';
import type { PrintedTiming, TimingFormat } from '../logs/timing.js';
import { SGLANG_LEAVES, sglangFlags } from './flags.js';

/** A batch in the output of sglang.bench_one_batch. */
const oneBatch: TimingFormat = {
  recognizes: (text) => /^Decode\.\s+median latency:.*median throughput:/m.test(text),
  read: (text, path) => {
    const found: PrintedTiming[] = [];
    const settings = /batch_size=\(?(\d+).*?input_len=\(?(\d+).*?output_len=\(?(\d+)/.exec(text);
    const model = /model_path=['"]?([^'",)\s]+)|--model(?:-path)?[ =](\S+)/.exec(text);
    const [users, prompt, generated] = settings === null ? [] : settings.slice(1).map((digits) => wholeOf(digits));
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
      found.push({ place, decode, ...more });
    }
    // The first batch is a warm-up.
    return found.length > 1 ? found.slice(1) : found;
  },
};

const DRAFTS: OwnDrafts = {
  read: 'assumed from its flags, but for DeepSeek-V3 and LongCat',
  has: {
    'NEXTN or EAGLE': ['deepseek_v3', 'deepseek_v32', 'longcat_flash', ...WITH_DRAFTS.glm4, ...WITH_DRAFTS.qwen35, ...WITH_DRAFTS.qwenNext],
  },
  lacks: {},
};

/** SGLang: a server that shares tensors over GPUs. */
export const sglangRuntime = runtimeFrom({
  name: 'sglang',
  vendors: ['nvidia', 'amd', 'intel', 'none'],
  logs: [
    { format: serving, by: 'sglang.bench_serving', mark: /^[ \t]*Backend:\s.*sglang/im },
    { format: oneBatch, by: 'sglang.bench_one_batch' },
  ],
  advised: {
    ...SERVER,
    profile: 'sglang',
    dialect: sglangFlags,
    timer: servingTimer(
      ['python', '-m', 'sglang.bench_serving'],
      [
        ['--backend', 'sglang'],
        ['--random-range-ratio', '1'],
      ],
    ),
    ownDrafts: DRAFTS,
    memory: (...served) => servedMemory(SGLANG_LEAVES, ...served),
  },
});
