import { UserError } from '../../base/errors.js';
import { FieldReader } from '../../base/scan.js';
import { cellFormat } from './cells.js';
import { PassReader } from './passes.js';

const COLON = 58;
const SPACE = 32;

/**
 * colibri's ROUTE_TRACE: a line per token and layer, `call row layer id:gate id:gate …`. Drafted tokens look alike, so
 * record without drafts.
 */
export const colibri = cellFormat({
  name: 'colibri',
  detect: ({ text }) => /^\d+ \d+ \d+( \d+:-?\d+\.\d{4})+\r?$/m.test(text.slice(0, text.indexOf('\n') + 1)),
  cells: (source) => ({
    walk(visit, at) {
      const passes = new PassReader(visit, at);
      const fields = new FieldReader(source);
      at.place = () => fields.place();
      const wrong = (why: string): UserError => new UserError(`${at.place()}: ${why}; the recording is damaged here`);
      let [call, layer] = [-1, -1];
      let rows: Row[] = [];
      const flush = (): void => {
        if (rows.length > 0) addCall(passes, layer, rows);
        rows = [];
      };
      while (fields.nextFilled()) {
        const callNumber = fields.integer('call');
        const number = fields.skip(SPACE) ? fields.integer('row') : -1;
        const ownLayer = fields.skip(SPACE) ? fields.integer('layer') : -1;
        if (callNumber !== call) {
          flush();
          [call, layer] = [callNumber, ownLayer];
        } else if (ownLayer !== layer) throw wrong(`call ${callNumber} goes from layer ${layer} to layer ${ownLayer}`);
        if (number !== rows.length) throw wrong(`row ${number} follows ${rows.length} rows of call ${callNumber}`);
        if (!fields.skip(SPACE)) throw wrong('no expert follows the layer');
        const row: Row = { ids: [], gates: [] };
        do {
          const id = fields.integer('expert');
          const gate = fields.skip(COLON) ? Number.parseFloat(fields.word(SPACE)) : Number.NaN;
          if (id < 0 || Number.isNaN(gate)) throw wrong('expected id:gate');
          row.ids.push(id);
          row.gates.push(gate);
        } while (!fields.ended);
        rows.push(row);
      }
      flush();
    },
  }),
});

interface Row {
  readonly ids: number[];
  readonly gates: number[];
}

/** Adds one layer of a pass; rows with fewer choices end in -1. */
function addCall(passes: PassReader, layer: number, rows: readonly Row[]): void {
  const width = rows.reduce((most, { ids }) => Math.max(most, ids.length), 1);
  const ids = new Int32Array(rows.length * width).fill(-1);
  const gates = new Float64Array(rows.length * width);
  rows.forEach((row, index) => {
    ids.set(row.ids, index * width);
    gates.set(row.gates, index * width);
  });
  passes.group(layer, rows.length, width, ids, gates);
}
