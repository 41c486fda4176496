import { UserError } from '../../base/errors.js';
import { bytesOf } from '../../base/host/bytes.js';
import { isObject, ownValue } from '../../base/objects.js';
import { LineScanner } from '../../base/scan.js';
import { parseJson } from '../../model/door.js';
import type { TraceSource } from '../source.js';
import { documents, type JsonObject, objectAt } from './json-values.js';

/** A streamed reply: deltas of ids join, other fields keep the last. https://html.spec.whatwg.org/multipage/server-sent-events.html */
export class StreamedReply {
  #fields: JsonObject = {};
  readonly #choices = new Map<unknown, JsonObject>();

  /** Adds an event. @throws UserError if routed experts of one answer come twice, so that their order is unknown */
  add(event: JsonObject, place: string): void {
    const { choices, index, ...fields } = event;
    // SGLang's own interface sends one answer after another, without a list.
    const list = Array.isArray(choices) ? choices : index === undefined ? [] : [{ index, ...fields }];
    for (const entry of list) {
      const choice = objectAt(entry, place);
      this.#choices.set(choice.index, merged(this.#choices.get(choice.index) ?? {}, choice, place));
    }
    if (Array.isArray(choices) || index === undefined) this.#fields = merged(this.#fields, fields, place);
  }

  get value(): JsonObject {
    return this.#choices.size === 0 ? this.#fields : { ...this.#fields, choices: [...this.#choices.values()] };
  }
}

/** The fields of both; lists of ids of the first take in those of the second. */
function merged(reply: JsonObject, other: JsonObject, place: string): JsonObject {
  const all = new Map(Object.entries(reply));
  for (const [key, value] of Object.entries(other)) {
    const known = all.get(key);
    if (value === null) continue;
    if (key === 'routed_experts' && known !== undefined && known !== value)
      throw new UserError(`${place}: routed experts come in several parts, and nothing says how they go together`);
    if (key === 'token_ids' && Array.isArray(known) && Array.isArray(value)) for (const id of value) known.push(id);
    else all.set(key, isObject(known) && isObject(value) ? merged(known, value, place) : value);
  }
  return Object.fromEntries(all);
}

/** The replies of a file: JSON documents or streams of events. @throws UserError with place if something is not a JSON object */
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
