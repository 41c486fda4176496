// Programs that say `eval rate`: local_chat of KTransformers and ollama run --verbose; and the line of KTransformers' server.
import { definedFields, linesOf, printedSpeed, wholeOf } from './lines.js';
import type { Timing, TimingFormat } from './timing.js';

/** `prompt eval rate` and `eval rate` after a reply. */
export const evalRates: TimingFormat = {
  name: 'eval-rates',
  summary: 'KTransformers local_chat, ollama run --verbose: eval rate',
  recognizes: (text) => /^\s*eval rate:\s+\S+ tokens\/s/m.test(text),
  read: (text, path) => {
    // Only Ollama times the loading of the model with each reply.
    const engine = /^\s*load duration:/m.test(text) ? 'ollama' : 'ktransformers';
    const found: Timing[] = [];
    let fields: Partial<Timing> = {};
    for (const { place, text: line } of linesOf(text, path)) {
      const match = /^\s*(prompt eval count|prompt eval rate|eval count|eval rate):\s+([^\s(]+)/.exec(line);
      if (match === null) continue;
      const [, key, value] = match as unknown as [string, string, string];
      const count = definedFields({ [key === 'eval count' ? 'generatedTokens' : 'promptTokens']: wholeOf(value) });
      if (key.endsWith('count')) fields = { ...fields, ...count };
      else if (key === 'prompt eval rate') fields = { ...fields, prefill: printedSpeed(value, place, key) };
      else {
        found.push({ ...fields, ...definedFields({ depth: fields.promptTokens }), decode: printedSpeed(value, place, key), engine, place });
        fields = {};
      }
    }
    return found;
  },
};

/** `Performance(T/s): prefill 123.4, decode 13.5.` of KTransformers' server. */
export const ktransformersServer: TimingFormat = {
  name: 'ktransformers-server',
  summary: 'KTransformers server: Performance(T/s)',
  recognizes: (text) => /Performance\(T\/s\):\s*prefill/.test(text),
  read: (text, path) =>
    linesOf(text, path).flatMap(({ place, text: line }): Timing[] => {
      const match = /Performance\(T\/s\):\s*prefill\s+([^\s,]+?),?\s+decode\s+([\d.]+)/.exec(line);
      if (match === null) return [];
      return [
        {
          place,
          engine: 'ktransformers',
          prefill: printedSpeed(match[1]!, place, 'prefill'),
          decode: printedSpeed(match[2]!.replace(/\.$/, ''), place, 'decode'),
        },
      ];
    }),
};
