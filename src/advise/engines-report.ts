import { formatCount } from '../base/units.js';
import { type Block, type Datum, type Document, grid, gridOf, type Line, pagedFormats, rateDatum } from '../report/door.js';
import type { Strategy } from './advise.js';
import type { EngineOffer, EngineOffers } from './engines.js';
import { linesToPaste, sentences, speedsText, takenOf } from './report-parts.js';
import { waitText } from './strategies.js';

interface EnginesView {
  readonly offers: EngineOffers;
  readonly explain: boolean;
}

/** Formats of {@link EngineOffers}. */
export const engineReports = pagedFormats<EnginesView>('moeprof advise', enginesDocument, ({ offers }) => offers);

type Running = EngineOffer & { readonly best: Strategy };

function enginesDocument({ explain, offers }: EnginesView): Document {
  const { engines, machine, model, notes } = offers;
  const running = engines.filter((engine): engine is Running => engine.best !== null);
  const shown = explain ? running : running.slice(0, 1);
  return {
    title: `${model} on ${machine}, ${formatCount(engines.length)} engines`,
    lead: [...leadOf(running), ...takenOf(offers)],
    blocks: [
      ...shown.flatMap(({ best, runtime }): Block[] => [
        ...(explain ? [{ kind: 'lines' as const, lines: [{ text: runtime }] }] : []),
        ...linesToPaste(best.command),
      ]),
      gridOf(
        ['engine', { head: 'strategy', most: 22, align: 'left' }, { head: 'format', align: 'left' }, 'decode', 'prefill', 'waits'],
        running.map(rowOf),
      ),
      ...sentences(
        'does not fit',
        engines.flatMap(({ misfits, runtime }) => misfits.map((text) => `${runtime}: ${text}`)),
      ),
      ...sentences('read from', [
        ...new Set(running.flatMap(({ best, runtime }) => (best.read === null ? [] : [`${runtime}: ${best.read}.`]))),
      ]),
      ...sentences('how sure', notes),
    ],
    records: grid(running, [
      { head: 'engine', of: ({ runtime }) => runtime },
      { head: 'strategy', of: ({ best }) => best.name },
      { head: 'quantization', of: ({ quantization }) => quantization },
      { head: 'decode', of: ({ best }) => best.decode },
      { head: 'prefill', of: ({ best }) => best.prefill },
      { head: 'hit_rate', of: ({ best }) => best.hitRate },
      { head: 'kept', of: ({ kept }) => Number(kept) },
    ]),
  };
}

function leadOf([first]: readonly Running[]): Line[] {
  if (first === undefined) return [{ text: 'Nothing fits under any engine.', tone: 'caution' }];
  const { best, runtime } = first;
  return [{ text: `${runtime} serves it best: ${speedsText(best, best.bands)}`, tone: 'good' }];
}

function rowOf({ best, quantization, runtime }: Running): Datum[] {
  return [runtime, best.name, quantization, rateDatum(best.decode), rateDatum(best.prefill), waitText(best.waits)];
}
