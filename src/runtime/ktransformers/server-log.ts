// The line of KTransformers' server.
import { linesOf, printedSpeed } from '../logs/lines.js';
import type { PrintedTiming, TimingFormat } from '../logs/timing.js';

/** `Performance(T/s): prefill 123.4, decode 13.5.` of KTransformers' server. */
export const ktransformersServer: TimingFormat = {
  recognizes: (text) => /Performance\(T\/s\):\s*prefill/.test(text),
  read: (text, path) =>
    linesOf(text, path).flatMap(({ place, text: line }): PrintedTiming[] => {
      const match = /Performance\(T\/s\):\s*prefill\s+([^\s,]+?),?\s+decode\s+([\d.]+)/.exec(line);
      if (match === null) return [];
      return [
        {
          place,
          prefill: printedSpeed(match[1]!, place, 'prefill'),
          decode: printedSpeed(match[2]!.replace(/\.$/, ''), place, 'decode'),
        },
      ];
    }),
};
