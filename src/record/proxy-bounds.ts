import { UserError } from '../base/errors.js';
import { joined } from '../base/host/bytes.js';
import type { HttpMessage } from '../base/host/http.js';
import { formatBytes, formatCount } from '../base/units.js';

/** Limits on memory and time of exchanges; exceeding a limit ends only that exchange. */
export interface ProxyBounds {
  /** Bytes of a body or an event. */
  readonly bytes: number;
  /** Bytes held by all exchanges. */
  readonly bytesOfAll: number;
  /** Events of a stream; a token has at most one. */
  readonly events: number;
  /** Interim answers (1xx) before an answer. */
  readonly interim: number;
  /** Milliseconds until an answer begins. */
  readonly beginMs: number;
  /** Milliseconds for a body or event to complete. */
  readonly wholeMs: number;
}

/**
 * Ours: SGLang's routed experts take 48 layers x top-8 x 4 bytes x 4/3 = 2 KiB a token; 65,000 tokens fit. A first byte
 * may take an hour.
 */
export const PROXY_BOUNDS: ProxyBounds = {
  bytes: 128 * 2 ** 20,
  bytesOfAll: 512 * 2 ** 20,
  events: 2 ** 20,
  interim: 64,
  beginMs: 3_600_000,
  wholeMs: 600_000,
};

/** Limits, and the bytes now held by all exchanges. */
export interface ProxyRoom {
  readonly bounds: ProxyBounds;
  held: number;
}

/** A body or an event received in parts, until complete. */
export class Pending {
  readonly #parts: Uint8Array[] = [];
  readonly #from: HttpMessage;
  readonly #room: ProxyRoom;
  #bytes = 0;
  #deadline?: ReturnType<typeof setTimeout>;

  /** @param from sender, destroyed with an error if the rest comes too late */
  constructor(from: HttpMessage, room: ProxyRoom) {
    this.#from = from;
    this.#room = room;
  }

  get empty(): boolean {
    return this.#bytes === 0;
  }

  /** Starts the deadline. */
  begin(): void {
    const { wholeMs } = this.#room.bounds;
    this.#deadline ??= setTimeout(
      () => this.#from.destroy(new UserError(`a body or event that is not whole after ${wholeMs / 1000} s`)),
      wholeMs,
    );
  }

  /** @throws UserError if the message or the total becomes too large */
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

  /** Returns and releases the whole message. */
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

/** @throws UserError if too large or too slow */
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

/** Each when complete; the last may be incomplete. @throws UserError for an oversized event, or too many */
export async function* eventsIn(input: AsyncIterable<Uint8Array>, held: Pending, most: number): AsyncGenerator<Uint8Array, void, void> {
  // A second line break ends the event.
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
