// Programs that say `eval rate` after a reply.
import { definedFields, linesOf, printedSpeed, wholeOf } from './lines.js';
import type { PrintedTiming, TimingFormat } from './timing.js';

/** `prompt eval rate` and `eval rate` after a reply. */
export const evalRates: TimingFormat = {
  recognizes: (text) => /^\s*eval rate:\s+\S+ tokens\/s/m.test(text),
  read: (text, path) => {
    const found: PrintedTiming[] = [];
    let fields: Partial<PrintedTiming> = {};
    for (const { place, text: line } of linesOf(text, path)) {
      const match = /^\s*(prompt eval count|prompt eval rate|eval count|eval rate):\s+([^\s(]+)/.exec(line);
      if (match === null) continue;
      const [, key, value] = match as unknown as [string, string, string];
      const count = definedFields({ [key === 'eval count' ? 'generatedTokens' : 'promptTokens']: wholeOf(value) });
      if (key.endsWith('count')) fields = { ...fields, ...count };
      else if (key === 'prompt eval rate') fields = { ...fields, prefill: printedSpeed(value, place, key) };
      else {
        found.push({ ...fields, ...definedFields({ depth: fields.promptTokens }), decode: printedSpeed(value, place, key), place });
        fields = {};
      }
    }
    return found;
  },
};
