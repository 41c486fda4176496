import { compareMetricNames } from '../result/catalogue.js';
import type { Result } from '../result/result.js';

/** Lists of plain values on one line, with a final newline. @throws Error for NaN and infinities */
export const toJson = (value: unknown): string => `${write(value, '')}\n`;

/** Sorts free-form parts by key, and metrics as in the catalogue. */
export function orderedResult(result: Result): Result {
  const byCatalogue = Object.keys(result.metrics).sort(compareMetricNames);
  return {
    ...result,
    config: sorted(result.config) as Result['config'],
    metrics: Object.fromEntries(byCatalogue.map((name) => [name, result.metrics[name]!])),
    environment: sorted(result.environment) as Result['environment'],
  };
}

/** `moeprof.result/1` text: equal runs give equal bytes. */
export const resultText = (result: Result): string => toJson(orderedResult(result));

function sorted(value: unknown): unknown {
  if (Array.isArray(value)) return value.map(sorted);
  if (typeof value !== 'object' || value === null) return value;
  const entries = Object.entries(value).sort(([a], [b]) => (a < b ? -1 : 1));
  return Object.fromEntries(entries.map(([key, inner]) => [key, sorted(inner)]));
}

/** Escapes characters that change text direction or command a CI log. */
export function plainJson(value: unknown): string {
  const byUnit = (text: string): string =>
    [...Array(text.length).keys()].map((at) => `\\u${text.charCodeAt(at).toString(16).padStart(4, '0')}`).join('');
  return (JSON.stringify(value) ?? 'null').replace(/[\p{C}\p{Zl}\p{Zp}]/gu, byUnit).replaceAll('##[', '#\\u0023[');
}

function write(value: unknown, indent: string): string {
  if (typeof value === 'number' && !Number.isFinite(value)) throw new Error(`${value} cannot be written as JSON`);
  if (typeof value !== 'object' || value === null) return plainJson(value);
  const inner = `${indent}  `;
  if (Array.isArray(value)) {
    if (value.length === 0) return '[]';
    const items = value.map((item) => write(item, inner));
    const plain = value.every((item) => typeof item !== 'object' || item === null);
    return plain ? `[${items.join(', ')}]` : `[\n${items.map((item) => inner + item).join(',\n')}\n${indent}]`;
  }
  const fields = Object.entries(value).filter(([, field]) => field !== undefined);
  if (fields.length === 0) return '{}';
  const flat = fields.every(([, field]) => typeof field !== 'object' || field === null);
  const texts = fields.map(([key, field]) => `${plainJson(key)}: ${write(field, inner)}`);
  // Flat objects below the second level stay on one line if short.
  if (flat && indent.length > 2 && texts.join(', ').length <= 100) return `{ ${texts.join(', ')} }`;
  return `{\n${texts.map((text) => inner + text).join(',\n')}\n${indent}}`;
}
