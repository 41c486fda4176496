import { formatRatio } from '../../../base/units.js';
import type { Measurement } from '../../validate/rows/measurement.js';
import type { CauseRule } from './rule.js';
import { WEIGHTS } from './weights.js';

/** Ours: benchmarks repeat within some percent, sweeps of the open rows within an eighth. */
const FASTER = 1.15;

/** A run of equal settings with more context is faster: clocks, caches and pages had not settled. */
export const coldStart: CauseRule = {
  name: 'cold-start',
  title: 'a first run that had not settled',
  weight: WEIGHTS.coldStart,
  advice: 'Leave the first figure out, or warm up before it.',
  examine: ({ row, siblings }) => {
    const { depth = 0 } = row.run;
    const speed = row.measured.tg_tps;
    if (speed === undefined || depth > 0) return null;
    const deeper = siblings.filter(
      (other) => (other.run.depth ?? 0) > depth && settings(other) === settings(row) && other.measured.tg_tps !== undefined,
    );
    const [fastest] = deeper.sort((a, b) => b.measured.tg_tps! - a.measured.tg_tps!);
    if (fastest === undefined || fastest.measured.tg_tps! < FASTER * speed) return null;
    return `At ${fastest.run.depth} tokens of context it decodes faster, at ${fastest.measured.tg_tps} tokens a second, than without any (${formatRatio(speed / fastest.measured.tg_tps!, 0)} of that).`;
  },
};

function settings({ engine, model, placement, run }: Measurement): string {
  const { context: _, depth: __, pp_tokens: ___, tg_tokens: ____, ...rest } = run;
  return JSON.stringify([engine, model.name, model.quant, placement, rest]);
}
