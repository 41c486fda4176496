// The causes of a change, as --explain prints them, and its three largest parts.
import { html, type Piece, type Section } from '../../../report/door.js';
import type { Comparison } from '../../compare.js';
import { causeLines, explanationLines } from '../../words.js';

/** Causes. */
export const causesCompared: Section<Comparison> = {
  id: 'causes',
  title: 'What carries the change',
  draw({ explained, explanation }) {
    return explained && explanation !== null ? { about: null, content: causeList(explanationLines(explanation)) } : null;
  },
};

/** The largest causes, in three lines at most; null where nothing changed. */
export function largestCauses(comparison: Comparison): Piece {
  const lines = causeLines(comparison);
  return lines.length > 0 && causeList(lines);
}

function causeList(lines: readonly (readonly [label: string, text: string])[]): Piece {
  const groups: { label: string; texts: string[] }[] = [];
  for (const [label, text] of lines) {
    if (label === '') groups.at(-1)!.texts.push(text);
    else groups.push({ label, texts: [text] });
  }
  return html`<dl class="causes">${groups.map(
    ({ label, texts }) => html`<div><dt>${label}</dt>${texts.map((text) => html`<dd>${text}</dd>`)}</div>`,
  )}</dl>`;
}
