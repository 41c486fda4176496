import { UserError } from '../../base/errors.js';
import { PHASE } from '../trace.js';
import { Cell } from './cell.js';
import { cellFormat } from './cells.js';
import { arrayAt, documents, objectAt } from './json-values.js';
import { choices } from './record-lines.js';

const FIELDS = { experts: 'selected_experts', weights: 'selected_probs' } as const;

/**
 * gpt-oss fingerprint data: per decoded token token_N: { layer_i: {selected_experts, selected_probs} }; N: position.
 */
export const gptOssFingerprint = cellFormat({
  name: 'gpt-oss-fingerprint',
  detect: ({ text }) => /^\s*[{[]/.test(text) && /"router_data"\s*:/.test(text),
  cells: (source) => ({
    walk(visit, at) {
      const cell = new Cell();
      cell.phase = PHASE.decode;
      let request = 0;
      for (const { value, place } of documents(source)) {
        const tokens = arrayAt(value, 'router_data', place);
        cell.request = request;
        if (tokens.length > 0) request++;
        for (const [index, entry] of tokens.entries()) {
          at.place = () => `${place}: router_data[${index}]`;
          for (const [name, layers] of Object.entries(objectAt(entry, at.place()))) {
            cell.token = numbered(name, 'token_', at.place());
            for (const [layer, choice] of Object.entries(objectAt(layers, at.place()))) {
              cell.layer = numbered(layer, 'layer_', at.place());
              choices(cell, objectAt(choice, at.place()), FIELDS, at.place());
              visit(cell);
            }
          }
        }
      }
    },
  }),
});

function numbered(name: string, prefix: string, place: string): number {
  const digits = name.startsWith(prefix) ? name.slice(prefix.length) : '';
  const number = /^\d+$/.test(digits) ? Number(digits) : Number.NaN;
  if (!Number.isSafeInteger(number)) throw new UserError(`${place}: ${JSON.stringify(name)} is not ${prefix}N`);
  return number;
}
