// Arrivals that anybody can write: `arrival, prompt, output`, and a class where requests have different objectives.
import { DURATION, parseDuration } from '../../base/units.js';
import { columnFormat, inUnits } from './columns.js';

const seconds = inUnits(1e9);

/** Registry entry. */
export const generic = columnFormat({
  name: 'generic',
  summary: 'arrival (seconds, or with a unit: 250ms), prompt, output and, if there are several, class',
  cites: 'moeprof, docs/workloads.md',
  arrival: 'arrival',
  prompt: 'prompt',
  output: 'output',
  requestClass: 'class',
  moment: (text, what, place) =>
    /[a-zµμ]$/i.test(text) && DURATION.read(text) !== null ? parseDuration(text, `${place}: ${what}`) : seconds(text, what, place),
});
