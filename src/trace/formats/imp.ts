import { UserError } from '../../base/errors.js';
import { cellFormat } from './cells.js';
import { wholeJson } from './json-values.js';
import { PassReader } from './passes.js';
import { isId } from './record-lines.js';

/** imp's decode trace: a JSON list of [layer, expert, expert, …], per token and layer in graph order. */
export const imp = cellFormat({
  name: 'imp',
  detect: ({ text }) => /^\s*\[\s*\[\s*\d+\s*,\s*\d+/.test(text),
  cells(source) {
    const { path } = source;
    const list = wholeJson(source);
    if (!Array.isArray(list)) throw new UserError(`${path}: is no list of [layer, expert, …]`);
    return {
      walk(visit, at) {
        const passes = new PassReader(visit, at);
        list.forEach((entry, index) => {
          at.place = () => `${path}: entry ${index}`;
          if (!Array.isArray(entry) || entry.length < 2 || !entry.every(isId)) throw new UserError(`${at.place()}: not [layer, expert, …]`);
          const [layer, ...ids] = entry as [number, ...number[]];
          passes.group(layer, 1, ids.length, Int32Array.from(ids));
        });
      },
    };
  },
});
