// eval/perf.py of ExLlamaV3: prompt speed by length, then decode speed by context.
import { definedFields, linesOf, printedSpeed, wholeOf } from '../logs/lines.js';
import type { PrintedTiming, TimingFormat } from '../logs/timing.js';

const PREFILL = /^\s*Length\s+(\d+):\s+(\S+) tokens\/s/;
/** Of several sequences (S=4), which later versions measure too, no line is read: what it sums is not said. */
const DECODE = /^\s*Context\s+(\d+):\s+(?:S=1\s+)?(\d\S*) tokens\/s/;

/** The tables of perf.py, and what its command line says. */
export const perf: TimingFormat = {
  recognizes: (text) => linesOf(text, '').some(({ text: line }) => PREFILL.test(line) || DECODE.test(line)),
  read: (text, path) => {
    const option = (names: string): string | undefined =>
      new RegExp(`perf\\.py\\b.*\\s(?:${names})[ =](\\S+)`).exec(text.replaceAll(/\\\n\s*/g, ' '))?.[1];
    const folder = option('-m|--model_dir')?.replace(/\/$/, '').split('/').at(-1);
    const settings = definedFields({
      model: folder,
      ubatch: wholeOf(/-- Chunk size: (\d+)/.exec(text)?.[1]),
      cpuMoe: wholeOf(option('-mcl|--moe_cpu_offload')),
      command: /^.*perf\.py\b.*$/m.exec(text)?.[0].trim().slice(0, 1000),
      users: 1,
    });
    return linesOf(text, path).flatMap(({ place, text: line }): PrintedTiming[] => {
      const [, length, prompt] = PREFILL.exec(line) ?? [];
      if (prompt !== undefined)
        return [{ ...settings, place, prefill: printedSpeed(prompt, place, 'Length'), promptTokens: Number(length) }];
      const [, depth, decode] = DECODE.exec(line) ?? [];
      return decode === undefined ? [] : [{ ...settings, place, decode: printedSpeed(decode, place, 'Context'), depth: Number(depth) }];
    });
  },
};
