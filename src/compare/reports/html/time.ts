// The time by part of both runs, on one scale.
import { formatNs } from '../../../base/units.js';
import { formatDelta } from '../../../report/format.js';
import { TIME_LOOKS } from '../../../report/html/sections/time.js';
import { html } from '../../../report/page/markup.js';
import { type Section, shareBar, table } from '../../../report/page/pieces.js';
import { phasesOf, phaseTime } from '../../../report/phase-time.js';
import { summarizeResult } from '../../../report/summary/summary.js';
import type { TimePart } from '../../../report/summary/time.js';
import type { Comparison } from '../../compare.js';
import { sidesOf } from './sides.js';

/** Where the time goes: of a pass that only decodes where both runs have such, else of the whole run. */
export const timeCompared: Section<Comparison> = {
  id: 'time',
  title: 'Where the time goes',
  draw(comparison) {
    const byPass = sidesOf(comparison).every(({ result }) => phasesOf(result).length > 0);
    const sides = sidesOf(comparison).map(({ label, result }) => {
      const time = byPass ? phaseTime(result, 'decode') : null;
      const parts = time?.parts ?? summarizeResult(result).time?.parts ?? [];
      const ns = new Map<TimePart['label'], number>(parts.map((part) => [part.label, part.ns / (time?.passes ?? 1)]));
      return { label, ns, total: [...ns.values()].reduce((total, part) => total + part, 0) };
    });
    const [before, after] = sides as [(typeof sides)[number], (typeof sides)[number]];
    const longest = Math.max(before.total, after.total);
    if (longest === 0) return null;
    const labels = (Object.keys(TIME_LOOKS) as TimePart['label'][]).filter((label) => sides.some(({ ns }) => (ns.get(label) ?? 0) > 0));
    return {
      about: `${byPass ? 'A pass that only decodes' : 'The whole run'} in both runs, upon one scale.`,
      content: html`${sides.map(({ label, ns, total }) => {
        const said = labels.map((part) => `${TIME_LOOKS[part].word} ${formatNs(ns.get(part) ?? 0)}`).join(', ');
        return html`<h3>${label}: ${formatNs(total)}</h3>${shareBar(
          said,
          labels.map((part) => ({ color: TIME_LOOKS[part].color, share: (ns.get(part) ?? 0) / longest })),
        )}`;
      })}${table(
        byPass ? 'Time of a pass that only decodes' : 'Time of the run',
        ['', 'base', 'candidate', 'change'],
        labels.map((part) => {
          const [base, candidate] = [before.ns.get(part) ?? 0, after.ns.get(part) ?? 0];
          const { color, word } = TIME_LOOKS[part];
          return [
            html`<i class="key-dot" style="background:var(--${color})"></i>${word}`,
            formatNs(base),
            formatNs(candidate),
            formatDelta(candidate - base, 'ns'),
          ];
        }),
      )}`,
    };
  },
};
