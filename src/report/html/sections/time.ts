// The time of a run by part, and its distance from the bounds.
import { formatCount, formatNs, formatRatio } from '../../../base/units.js';
import type { Result } from '../../../result/result.js';
import { tokensRun } from '../../../result/work-done.js';
import { deviceWords } from '../../device.js';
import { foresightText, knownTimes, limitText } from '../../limit.js';
import { html, type Piece } from '../../page/markup.js';
import { prose, type Section, shareBar } from '../../page/pieces.js';
import { type Phase, type PhaseTime, phasesOf, phaseTime } from '../../phase-time.js';
import { summarizeResult } from '../../summary/summary.js';
import type { TimePart } from '../../summary/time.js';

/** Colour and words of a part of the time. */
export const TIME_LOOKS: Readonly<Record<TimePart['label'], { readonly color: string; readonly word: string }>> = {
  dense: { color: 'dense', word: 'attention and dense layers' },
  experts: { color: 'experts', word: 'experts' },
  CPU: { color: 'base', word: 'the CPU computes experts' },
  SSD: { color: 'belady', word: 'waiting for the SSD' },
  stall: { color: 'stall', word: 'waiting for experts to arrive' },
  'all-to-all': { color: 'late', word: 'activations between GPUs' },
  idle: { color: 'idle', word: 'no request' },
};

/** Words of the passes of a phase. */
const PASSES: Readonly<Record<Phase, string>> = { decode: 'Passes that only decode', prefill: 'Passes with prompts' };

/** The time by part, of the whole run and of a pass of each kind. */
export const timeSection: Section<Result> = {
  id: 'time',
  title: 'Where the time goes',
  draw(result) {
    const { time, bounds } = summarizeResult(result);
    if (time === null) return null;
    const known = knownTimes(result);
    const parts = time.parts.filter(({ ns }) => ns > 0).map((part) => ({ ...part, ...TIME_LOOKS[part.label] }));
    const said = parts.map(({ word, share }) => `${word} ${formatRatio(share)}`).join(', ');
    return {
      about: html`${formatNs(time.totalNs)} for ${formatCount(tokensRun(result))} tokens, prompts and generated. ${time.cpu}`,
      content: html`${shareBar(said, parts)}<dl class="parts">${parts.map(
        ({ color, word, ns, share }) =>
          html`<div><dt><i style="background:var(--${color})"></i>${word}</dt><dd><b>${formatRatio(share)}</b> ${formatNs(ns)}</dd></div>`,
      )}</dl>${phasesOf(result).map((phase) => phaseBar(phase, phaseTime(result, phase)))}${
        bounds.length > 0 &&
        html`<div class="bounds">${bounds.map((row) => {
          const closes = `closes ${formatRatio(row.closed)} of the gap`;
          return html`<p><b>${row.label}</b> ${prose(`of ${row.own} ${closes} between no cache (${row.worst}) and ${row.bound} (${row.best}).`)}</p>${shareBar(
            `${row.label} ${closes}`,
            [{ color: 'hit', share: row.closed }],
          )}`;
        })}${known !== null && html`<p><b>Knowing</b> ${prose(`${foresightText(known)}.`)}</p><p><b>Limit</b> ${prose(`${limitText(known, deviceWords(result).processor)}.`)}</p>`}</div>`
      }`,
    };
  },
};

/** The time of a pass of a kind, by part. */
function phaseBar(phase: Phase, time: PhaseTime | null): Piece {
  if (time === null) return false;
  const totalNs = time.parts.reduce((total, { ns }) => total + ns, 0);
  if (totalNs === 0) return false;
  const taken = time.parts.filter(({ ns }) => ns > 0);
  const parts = taken.map(({ label, ns }) => ({ ...TIME_LOOKS[label], share: ns / totalNs, ns: ns / time.passes }));
  const said = parts.map(({ word, ns }) => `${word} ${formatNs(ns)}`).join(', ');
  return html`<p><b>${PASSES[phase]}</b> ${prose(`(${formatCount(time.passes)}) take ${formatNs(totalNs / time.passes)} each: ${said}.`)}</p>${shareBar(said, parts)}`;
}
