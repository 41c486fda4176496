import { UserError } from '../../base/errors.js';
import { FieldReader, type LineScanner } from '../../base/scan.js';
import { Cell } from './cell.js';
import { cellFormat } from './cells.js';

const COMMA = 44;
const BRACKET = 91;
const END_BRACKET = 93;
const QUOTE = 34;
const SPACE = 32;

/**
 * MoE-Beyond's CSV: Layer ID,Batch Number,Token,Activated Expert IDs ("[3, 41]"). Tokens are counted; phases unknown.
 */
export const moeBeyond = cellFormat({
  name: 'moe-beyond',
  detect: ({ text }) => /^Layer ID,Batch Number,Token,Activated Expert IDs\s/.test(text),
  cells: (source) => ({
    walk(visit, at) {
      const fields = new FieldReader(source);
      at.place = () => fields.place();
      const cell = new Cell();
      const requests = new Map<number, number>();
      const counted: number[] = [];
      const layers: number[] = [];
      fields.next();
      while (fields.nextFilled()) {
        cell.layer = fields.integer('Layer ID');
        if (!fields.skip(COMMA)) throw new UserError(`${fields.place()}: a comma is missing after Layer ID`);
        const batch = fields.integer('Batch Number');
        cell.request = requests.get(batch) ?? requests.set(batch, requests.size).size - 1;
        if (layers[cell.request] !== cell.layer) counted[cell.request] = 0;
        layers[cell.request] = cell.layer;
        cell.token = counted[cell.request]!++;
        // Tokens may contain line breaks.
        let from = listStart(fields);
        while (from < 0 && fields.next()) from = listStart(fields);
        if (from < 0) throw new UserError(`${fields.place()}: the list of Activated Expert IDs is missing`);
        fields.seek(from);
        readList(fields, cell);
        visit(cell);
      }
    },
  }),
});

/** Start of a list at the end of the line, `,"[3, 41]"`; -1 if absent. */
function listStart({ bytes, start, end }: LineScanner): number {
  let at = bytes[end - 1] === QUOTE ? end - 2 : end - 1;
  if (bytes[at] !== END_BRACKET) return -1;
  for (at--; at > start; at--) {
    const byte = bytes[at]!;
    if (byte === BRACKET) break;
    const digit = byte >= 48 && byte <= 57;
    if (!digit && byte !== COMMA && byte !== SPACE) return -1;
  }
  return bytes[at - 1] === QUOTE && bytes[at - 2] === COMMA ? at + 1 : -1;
}

function readList(fields: FieldReader, cell: Cell): void {
  cell.count = 0;
  for (fields.spaces(); !fields.skip(END_BRACKET); fields.spaces()) {
    cell.push(fields.integer('Activated Expert IDs'));
    fields.skip(COMMA);
  }
}
