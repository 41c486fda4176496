// What a server, or a client, may make the proxy hold, and for how long. Past a bound its exchange ends; others go on.
import { UserError } from '../base/errors.js';
import { joined } from '../base/host/bytes.js';
import type { HttpMessage } from '../base/host/http.js';
import { formatBytes, formatCount } from '../base/units.js';

/** Bounds of exchanges. */
export interface ProxyBounds {
  /** Bytes of a body or an event, which is held until it is whole. */
  readonly bytes: number;
  /** Bytes that all exchanges hold together. */
  readonly bytesOfAll: number;
  /** Events of a stream: one a token, or fewer. */
  readonly events: number;
  /** Interim answers (1xx) before an answer. */
  readonly interim: number;
  /** Time until an answer begins, ms. */
  readonly beginMs: number;
  /** Time until a body or an event that has begun is whole, ms. */
  readonly wholeMs: number;
}

/**
 * Ours, chosen on 2026-12-01: routed experts of SGLang, the largest that is known, take 48 layers x top-8 x 4 bytes x 4/3 = 2 KiB a token, so that
 * a prompt of 65,000 tokens fits. A server that thinks before its first byte may take an hour; the client ends it when it likes.
 */
export const PROXY_BOUNDS: ProxyBounds = {
  bytes: 128 * 2 ** 20,
  bytesOfAll: 512 * 2 ** 20,
  events: 2 ** 20,
  interim: 64,
  beginMs: 3_600_000,
  wholeMs: 600_000,
};

/** Bounds, and the bytes that all exchanges hold at the moment. */
export interface ProxyRoom {
  readonly bounds: ProxyBounds;
  held: number;
}

/** A body or an event that comes in parts, until it is whole. */
export class Pending {
  readonly #parts: Uint8Array[] = [];
  readonly #from: HttpMessage;
  readonly #room: ProxyRoom;
  #bytes = 0;
  #deadline: ReturnType<typeof setTimeout> | undefined;

  /** @param from what sends it, which ends with an error if the rest does not come in time */
  constructor(from: HttpMessage, room: ProxyRoom) {
    this.#from = from;
    this.#room = room;
  }

  get empty(): boolean {
    return this.#bytes === 0;
  }

  /** From now on there is a time until which it must be whole. */
  begin(): void {
    const { wholeMs } = this.#room.bounds;
    this.#deadline ??= setTimeout(
      () => this.#from.destroy(new UserError(`a body or event that is not whole after ${wholeMs / 1000} s`)),
      wholeMs,
    );
  }

  /** @throws UserError if it, or all that is held, becomes too large */
  add(part: Uint8Array): void {
    if (part.length === 0) return;
    const { bytes, bytesOfAll } = this.#room.bounds;
    if (this.#bytes + part.length > bytes) throw new UserError(`a body or event of more than ${formatBytes(bytes)}`);
    if (this.#room.held + part.length > bytesOfAll)
      throw new UserError(`bodies and events of more than ${formatBytes(bytesOfAll)} at once`);
    this.begin();
    this.#parts.push(part);
    this.#bytes += part.length;
    this.#room.held += part.length;
  }

  /** All of it, which is held no more. */
  take(): Uint8Array {
    const whole = this.#parts.length === 1 ? this.#parts[0]! : joined(this.#parts);
    this.drop();
    return whole;
  }

  drop(): void {
    clearTimeout(this.#deadline);
    this.#deadline = undefined;
    this.#room.held -= this.#bytes;
    this.#bytes = 0;
    this.#parts.length = 0;
  }
}

/** A body. @throws UserError if it is too large or takes too long */
export async function bodyOf(message: HttpMessage, room: ProxyRoom): Promise<Uint8Array> {
  const held = new Pending(message, room);
  held.begin();
  try {
    for await (const part of message) held.add(part as Uint8Array);
    return held.take();
  } finally {
    held.drop();
  }
}

/** The events of a stream, each as soon as it is whole; the last need not be. @throws UserError if one is too large, or they are too many */
export async function* eventsIn(input: AsyncIterable<Uint8Array>, held: Pending, most: number): AsyncGenerator<Uint8Array, void, void> {
  // True between a line break and the next letter: another break ends the event.
  let blank = false;
  let events = 0;
  try {
    for await (const part of input) {
      let from = 0;
      for (let at = 0; at < part.length; at++) {
        const byte = part[at];
        if (byte !== 10) {
          if (byte !== 13) blank = false;
          continue;
        }
        blank = !blank;
        if (blank) continue;
        if (++events > most) throw new UserError(`a stream of more than ${formatCount(most)} events`);
        const rest = part.subarray(from, at + 1);
        from = at + 1;
        if (held.empty) yield rest;
        else {
          held.add(rest);
          yield held.take();
        }
      }
      held.add(part.subarray(from));
    }
    if (!held.empty) yield held.take();
  } finally {
    held.drop();
  }
}
