import { UserError } from '../../base/errors.js';
import { bytesOf } from '../../base/host/bytes.js';
import { hasKeys, isObject, ownValue } from '../../base/objects.js';
import { LineScanner } from '../../base/scan.js';
import { formatBytes } from '../../base/units.js';
import { parseJson } from '../../model/door.js';
import type { TraceSource } from '../source.js';
import { documents, type JsonObject, objectAt } from './json-values.js';

/** Maximum bytes of a reply; the longest replies need a quarter. */
const MOST_BYTES = 256 * 2 ** 20;
/** Approximate bytes of a number or reference, and of a container's head. */
const WORD = 8;
const HEAD = 64;

function bytesIn(value: unknown): number {
  if (typeof value === 'string') return HEAD + value.length;
  if (!hasKeys(value)) return WORD;
  let bytes = HEAD;
  if (Array.isArray(value)) for (const entry of value) bytes += WORD + bytesIn(entry);
  else for (const entry of Object.values(value)) bytes += HEAD + bytesIn(entry);
  return bytes;
}

/**
 * Streamed reply: deltas of ids join, other fields keep the last value.
 * https://html.spec.whatwg.org/multipage/server-sent-events.html
 */
export class StreamedReply {
  readonly #fields: Fields = {};
  readonly #choices = new Map<unknown, Fields>();
  #bytes = 0;

  /** @throws UserError if too large, or routed experts of an answer arrive in several parts */
  add(event: JsonObject, place: string): void {
    const { choices, index, ...fields } = event;
    // SGLang's own interface sends answers in turn, without a list.
    const list = Array.isArray(choices) ? choices : index === undefined ? [] : [{ index, ...fields }];
    for (const entry of list) {
      const choice = objectAt(entry, place);
      const known = this.#choices.get(choice.index) ?? {};
      if (!this.#choices.has(choice.index)) this.#bytes += HEAD;
      this.#choices.set(choice.index, known);
      this.#take(choice, known, place);
    }
    if (Array.isArray(choices) || index === undefined) this.#take(fields, this.#fields, place);
  }

  get value(): JsonObject {
    return this.#choices.size === 0 ? this.#fields : { ...this.#fields, choices: [...this.#choices.values()] };
  }

  #take(fields: JsonObject, into: Fields, place: string): void {
    for (const [key, value] of Object.entries(fields)) {
      const known = ownValue(into, key);
      if (value === null) continue;
      if (key === 'routed_experts' && known !== undefined && known !== value)
        throw new UserError(`${place}: routed experts come in several parts, and nothing says how they go together`);
      if (isObject(known) && isObject(value)) {
        this.#take(value, known, place);
        continue;
      }
      const joins = key === 'token_ids' && Array.isArray(known) && Array.isArray(value);
      this.#bytes += bytesIn(value) + (known === undefined ? HEAD : joins ? 0 : -bytesIn(known));
      if (this.#bytes > MOST_BYTES) throw new UserError(`${place}: holds more than ${formatBytes(MOST_BYTES)}, which no reply does`);
      if (joins) for (const id of value) known.push(id);
      else Object.assign(into, { [key]: value });
    }
  }
}

type Fields = Record<string, unknown>;

/** Replies of a file: JSON documents or event streams. @throws UserError with place if not a JSON object */
export function* repliesIn(source: TraceSource): Generator<{ readonly value: JsonObject; readonly place: string }, void, void> {
  if (!/^\s*data:/.test(source.text)) {
    yield* documents(source);
    return;
  }
  const scanner = new LineScanner(source);
  let [reply, place, last]: [StreamedReply | null, string, unknown] = [null, '', undefined];
  while (scanner.nextFilled()) {
    const text = scanner.text();
    if (!text.startsWith('data:')) continue;
    const data = text.slice('data:'.length).trim();
    const event = data === '[DONE]' ? null : objectAt(parseJson(bytesOf(data), scanner.place()), scanner.place());
    const id = event === null ? undefined : (event.id ?? event.request_id ?? ownValue(event.meta_info, 'id'));
    if (reply !== null && (event === null || id !== last)) {
      yield { value: reply.value, place };
      reply = null;
    }
    if (event === null) continue;
    if (reply === null) [reply, place] = [new StreamedReply(), scanner.place()];
    last = id;
    reply.add(event, scanner.place());
  }
  if (reply !== null) yield { value: reply.value, place };
}
