import { definedFields } from '../../base/objects.js';
import { linesOf, printedSpeed, wholeOf } from '../logs/lines.js';
import type { PrintedTiming, TimingFormat } from '../logs/timing.js';
import { withCaches } from './cache-log.js';
import { settingsOfLog } from './llama-log.js';

const LINE = /(prompt eval|\beval) time\s*=\s*([\d.]+) ms \/\s*(\d+) (?:tokens|runs)\s*\(.*?,\s*([^\s,]+) tokens per second\)/;

/** llama-server and llama-cli: `prompt eval time` and `eval time` per request, with tokens and tokens/s. */
export const llamaTimings: TimingFormat = {
  isCommon: true,
  recognizes: (text) => /\beval time\s*=\s*[\d.]+ ms \//.test(text),
  read: (text, path) => {
    const settings = settingsOfLog(text, path);
    const found: PrintedTiming[] = [];
    let prompt: Partial<PrintedTiming> = {};
    const lines = linesOf(text, path);
    for (const line of lines) {
      const match = LINE.exec(line.text);
      if (match === null) continue;
      const [, kind, , tokens, rate] = match as unknown as [string, string, string, string, string];
      const count = wholeOf(tokens) ?? 0;
      // llama-cli prints `inf` and `0 tokens` if nothing was computed.
      const speed = count > 0 && rate !== 'inf' && rate !== 'nan' ? printedSpeed(rate, line.place, `${kind} time`) : undefined;
      if (kind === 'prompt eval') prompt = definedFields({ prefill: speed, promptTokens: count || undefined });
      else {
        if (speed !== undefined || prompt.prefill !== undefined)
          found.push({
            ...settings,
            ...prompt,
            ...definedFields({ decode: speed, generatedTokens: count || undefined, depth: prompt.promptTokens }),
            place: line.place,
          });
        prompt = {};
      }
    }
    return withCaches(found, lines);
  },
};
