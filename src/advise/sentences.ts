// Sentences in reports of advice.
import { type Block, note } from '../report/document/document.js';

/** Sentences beside what they say; below it where there is room for a list. */
export function sentences(label: string, texts: readonly string[]): Block[] {
  if (texts.length === 0) return [];
  const facts = texts.map((text, i): [string, string] => [i === 0 ? label : '', text]);
  const heading = `${label[0]!.toUpperCase()}${label.slice(1)}`;
  return [
    { kind: 'facts', facts, indent: 14, only: ['terminal'] },
    { ...note(heading, 'strong'), only: ['markdown'] },
    { kind: 'lines', lines: texts.map((text) => ({ text, tone: 'item' as const })), only: ['markdown'] },
  ];
}
