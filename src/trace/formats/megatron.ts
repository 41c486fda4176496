import { UserError } from '../../base/errors.js';
import { cellFormat } from './cells.js';
import { arrayAt, documents, wholeAt } from './json-values.js';
import { PassReader } from './passes.js';
import { isId } from './record-lines.js';

/** Megatron-LM's router trace: a JSON line per step, block and layer with all tokens' choices; no MTP block. */
export const megatron = cellFormat({
  name: 'megatron',
  detect: ({ text }) => /^\s*\{[^\n]*"top_indices"\s*:/.test(text),
  cells: (source) => ({
    walk(visit, at) {
      const passes = new PassReader(visit, at);
      let ids = new Int32Array(1024);
      for (const { value, place } of documents(source)) {
        if (value.stage !== undefined && value.stage !== 'pre_dispatch') continue;
        if (value.mtp_idx !== undefined || (value.block !== undefined && value.block !== 'decoder')) continue;
        at.place = () => place;
        const layer = wholeAt(value, 'layer', place);
        if (layer === null) throw new UserError(`${place}: layer is missing`);
        const rows = arrayAt(value, 'top_indices', place);
        const width = Array.isArray(rows[0]) ? rows[0].length : 0;
        if (ids.length < rows.length * width) ids = new Int32Array(rows.length * width * 2);
        rows.forEach((row, token) => {
          if (!Array.isArray(row) || row.length !== width || !row.every(isId))
            throw new UserError(`${place}: top_indices[${token}] is not ${width} expert ids`);
          ids.set(row as number[], token * width);
        });
        if (rows.length > 0) passes.group(layer, rows.length, width, ids);
      }
    },
  }),
});
