import { sum } from '../../../base/statistics.js';
import { formatCount, formatNs, formatRatio } from '../../../base/units.js';
import type { Result } from '../../../result/result.js';
import { tokensRun } from '../../../result/work-done.js';
import { formatDelta } from '../../format.js';
import { bestText, knownTimes, limitText } from '../../limit.js';
import { html, type Piece } from '../../page/markup.js';
import { prose, type Section, shareBar, table } from '../../page/pieces.js';
import { type Phase, type PhaseTime, phasesOf, phaseTime } from '../../phase-time.js';
import { summarizeResult } from '../../summary/summary.js';
import type { TimePart } from '../../summary/time.js';
import { deviceWords } from '../../words.js';
import type { Sides } from './sides.js';

const TIME_LOOKS: Readonly<Record<TimePart['label'], { readonly color: string; readonly word: string }>> = {
  dense: { color: 'dense', word: 'attention and dense layers' },
  experts: { color: 'experts', word: 'experts' },
  CPU: { color: 'base', word: 'the CPU computes experts' },
  SSD: { color: 'belady', word: 'waiting for the SSD' },
  stall: { color: 'stall', word: 'waiting for experts to arrive' },
  'all-to-all': { color: 'late', word: 'activations between GPUs' },
  idle: { color: 'idle', word: 'no request' },
};

const PASSES: Readonly<Record<Phase, string>> = { decode: 'Passes that only decode', prefill: 'Passes with prompts' };

/** Time of a run by part, and its distance from the bounds. */
export const timeSection: Section<Sides> = {
  id: 'time',
  title: 'Where the time goes',
  draw: (sides) => (sides.length === 1 ? ofOne(sides[0].result) : ofTwo(sides)),
};

function ofOne(result: Result): ReturnType<Section<Sides>['draw']> {
  const { time, bounds } = summarizeResult(result);
  if (time === null) return null;
  const known = knownTimes(result);
  const limit = known === null ? '' : limitText(known, deviceWords(result).processor);
  const parts = time.parts.filter(({ ns }) => ns > 0).map((part) => ({ ...part, ...TIME_LOOKS[part.label] }));
  const text = parts.map(({ word, share }) => `${word} ${formatRatio(share)}`).join(', ');
  return {
    about: html`${formatNs(time.totalNs)} for ${formatCount(tokensRun(result))} tokens, prompts and generated. ${time.cpu}`,
    content: html`${shareBar(text, parts)}<dl class="parts">${parts.map(
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
      })}${known !== null && html`<p><b>At best</b> ${prose(`${bestText(known)}.`)}</p>${limit !== '' && html`<p><b>Limit</b> ${prose(`${limit}.`)}</p>`}`}</div>`
    }`,
  };
}

function phaseBar(phase: Phase, time: PhaseTime | null): Piece {
  if (time === null) return false;
  const totalNs = time.parts.reduce((total, { ns }) => total + ns, 0);
  if (totalNs === 0) return false;
  const taken = time.parts.filter(({ ns }) => ns > 0);
  const parts = taken.map(({ label, ns }) => ({ ...TIME_LOOKS[label], share: ns / totalNs, ns: ns / time.passes }));
  const text = parts.map(({ word, ns }) => `${word} ${formatNs(ns)}`).join(', ');
  return html`<p><b>${PASSES[phase]}</b> ${prose(`(${formatCount(time.passes)}) take ${formatNs(totalNs / time.passes)} each: ${text}.`)}</p>${shareBar(text, parts)}`;
}

/** Time of two runs by part: per decode pass if each run separates decoding, else of the whole run. */
function ofTwo(all: Sides): ReturnType<Section<Sides>['draw']> {
  const byPass = all.every(({ result }) => phasesOf(result).length > 0);
  const sides = all.map(({ label, result }) => {
    const time = byPass ? phaseTime(result, 'decode') : null;
    const parts = time?.parts ?? summarizeResult(result).time?.parts ?? [];
    const ns = new Map<TimePart['label'], number>(parts.map((part) => [part.label, part.ns / (time?.passes ?? 1)]));
    return { label, ns, total: sum([...ns.values()]) };
  });
  const longest = Math.max(...sides.map(({ total }) => total));
  if (longest === 0) return null;
  const labels = (Object.keys(TIME_LOOKS) as TimePart['label'][]).filter((label) => sides.some(({ ns }) => (ns.get(label) ?? 0) > 0));
  const bars = sides.map(({ label, ns, total }) => {
    const text = labels.map((part) => `${TIME_LOOKS[part].word} ${formatNs(ns.get(part) ?? 0)}`).join(', ');
    const parts = labels.map((part) => ({ color: TIME_LOOKS[part].color, share: (ns.get(part) ?? 0) / longest }));
    return html`<h3>${label}: ${formatNs(total)}</h3>${shareBar(text, parts)}`;
  });
  const rows = labels.map((part) => {
    const [base, candidate] = sides.map(({ ns }) => ns.get(part) ?? 0) as [number, number];
    const { color, word } = TIME_LOOKS[part];
    const name = html`<i class="key-dot" style="background:var(--${color})"></i>${word}`;
    return [name, formatNs(base), formatNs(candidate), formatDelta(candidate - base, 'ns')];
  });
  const caption = byPass ? 'Time of a pass that only decodes' : 'Time of the run';
  return {
    about: `${byPass ? 'A pass that only decodes' : 'The whole run'} in both runs, upon one scale.`,
    content: html`${bars}${table(caption, ['', 'base', 'candidate', 'change'], rows)}`,
  };
}
