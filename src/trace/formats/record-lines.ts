import { UserError } from '../../base/errors.js';
import { ownValue } from '../../base/objects.js';
import type { TraceSource } from '../source.js';
import { PHASE } from '../trace.js';
import { Cell, type Cells } from './cell.js';
import type { ColumnMap } from './format.js';
import { documents, type JsonObject } from './json-values.js';

/** Tokens without position are counted. @throws UserError with line for a wrong or missing field */
export function recordCells(source: TraceSource, fields: ColumnMap): Cells {
  return {
    walk(visit, at) {
      const cell = new Cell();
      const requests = new Map<unknown, number>();
      const counter = new TokenCounter();
      for (const { value, place } of documents(source)) {
        at.place = () => place;
        const name = fields.request === undefined ? null : ownValue(value, fields.request);
        cell.request = requests.get(name) ?? requests.set(name, requests.size).size - 1;
        cell.layer = integerAt(value, fields.layer, place);
        cell.token = fields.token === undefined ? counter.next(cell.request, cell.layer) : integerAt(value, fields.token, place);
        cell.phase = fields.phase === undefined ? -1 : phaseOf(ownValue(value, fields.phase), place);
        const tokenId = fields.tokenId === undefined ? undefined : ownValue(value, fields.tokenId);
        cell.tokenId = isId(tokenId) ? tokenId : -1;
        choices(cell, value, fields, place);
        visit(cell);
      }
    },
  };
}

/** Numbers tokens by counting the records of each request and layer. */
export class TokenCounter {
  readonly #counts = new Map<number, number>();

  next(request: number, layer: number): number {
    const key = request * 65536 + layer;
    const count = this.#counts.get(key) ?? 0;
    this.#counts.set(key, count + 1);
    return count;
  }
}

/** Tools' names of phases. */
const PROMPT: readonly unknown[] = ['prefill', 'prompt', 'extend', 'source', 'decoder_prompt', 0, '0'];
const GENERATED: readonly unknown[] = ['decode', 'generate', 'generated', 'decoder_generated', 'generation', 1, '1'];

/** Phase of a tool's name, or of 0 and 1; -1 if absent. */
export function phaseOf(value: unknown, place: string): number {
  const word = typeof value === 'string' ? value.toLowerCase() : value;
  if (word === undefined || word === null || word === '') return -1;
  if (PROMPT.includes(word)) return PHASE.prefill;
  if (GENERATED.includes(word)) return PHASE.decode;
  throw new UserError(`${place}: phase ${JSON.stringify(value)} is neither prefill nor decode`);
}

/** True for a 32-bit whole number, exact in a {@link Cell}. */
export const isId = (value: unknown): value is number => typeof value === 'number' && (value | 0) === value;

/** Copies a record's choices, and weights if as many, into a cell. @throws UserError if not a list of ids */
export function choices(cell: Cell, value: JsonObject, fields: Pick<ColumnMap, 'experts' | 'weights'>, place: string): void {
  const listed = ownValue(value, fields.experts);
  const ids: unknown = Number.isInteger(listed) ? [listed] : listed;
  if (!Array.isArray(ids) || !ids.every(isId)) throw new UserError(`${place}: ${fields.experts} is not a list of expert ids`);
  const weights = fields.weights === undefined ? null : ownValue(value, fields.weights);
  cell.weighted = Array.isArray(weights) && weights.length === ids.length && weights.every((weight) => typeof weight === 'number');
  cell.count = 0;
  ids.forEach((id: number, k) => {
    cell.push(id, cell.weighted ? (weights as number[])[k]! : 0);
  });
}

/** @throws UserError if a field is no whole number */
export function integerAt(value: JsonObject, key: string, place: string): number {
  const number = ownValue(value, key);
  if (!Number.isSafeInteger(number)) throw new UserError(`${place}: ${key} is ${JSON.stringify(number)}; a whole number is expected`);
  return number as number;
}
