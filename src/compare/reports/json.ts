// The gate as data: everything that the other formats show, for tools.
import { type Format, toJson } from '../../report/door.js';
import type { Gate } from '../gate.js';

/** Version tag of the format. */
const COMPARE_SCHEMA = 'moeprof.compare/1';

/** A gate as data: without the runs, which have files of their own. */
export function gateData(gate: Gate): unknown {
  return { schema: COMPARE_SCHEMA, ...gate, comparisons: gate.comparisons.map(({ results: _, ...comparison }) => comparison) };
}

/** JSON of a gate. */
export const jsonFormat: Format<Gate> = {
  name: 'json',
  extensions: ['.json'],
  render: (gate) => toJson(gateData(gate)),
};
