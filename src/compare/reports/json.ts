import { type Format, toJson } from '../../report/door.js';
import type { Gate } from '../gate.js';

/** Gate as data, without the runs, which have separate files. */
export function gateData(gate: Gate): unknown {
  return { schema: 'moeprof.compare/1', ...gate, comparisons: gate.comparisons.map(({ results: _, ...comparison }) => comparison) };
}

/** JSON of a gate. */
export const jsonFormat: Format<Gate> = { name: 'json', extensions: ['.json'], render: (gate) => toJson(gateData(gate)) };
