// A hub that lies: a sound repository, of which every answer can be replaced, beside a second server that nobody may ask.
import { createServer, type IncomingMessage, type ServerResponse } from 'node:http';
import { type AddressInfo, createServer as createSocketServer, type Socket } from 'node:net';
import { ggufHeader } from '../model/gguf-file.js';
import { COMMIT } from '../model/hub/server.js';
import { tinyMetadata } from '../model/tiny-gguf.js';

/** The header of the one file of the sound repository, a model of one layer. */
export const HEAD = ggufHeader(tinyMetadata(1), [
  ...['gate', 'up', 'down'].map((part) => ({ name: `blk.0.ffn_${part}_exps.weight`, type: 'q8_0' as const, shape: [256, 256, 4] })),
  ...['q', 'k', 'v', 'output'].map((part) => ({ name: `blk.0.attn_${part}.weight`, type: 'q8_0' as const, shape: [256, 128] })),
]);
/** Bytes of that file. */
const BYTES = 1e6;

/** A request to the hub, and what answers it. */
export interface Asked {
  readonly request: IncomingMessage;
  readonly response: ServerResponse;
  /** Where the page of a list begins; 0: at its beginning. */
  readonly cursor: number;
  /** The asked bytes of a file: first and last. */
  readonly from: number;
  readonly to: number;
  /** `host:port` of the hub, and of the server that nobody may ask. */
  readonly hub: string;
  readonly other: string;
}

/** What answers in the place of the sound repository. */
export interface Lies {
  readonly revision?: (asked: Asked) => void;
  readonly list?: (asked: Asked) => void;
  readonly file?: (asked: Asked) => void;
}

/** Answers in JSON. */
export function json({ response }: Asked, value: unknown, headers: Readonly<Record<string, string>> = {}): void {
  response.writeHead(200, headers).end(typeof value === 'string' ? value : JSON.stringify(value));
}

/** An entry of a list. */
export function entry(path: string, size: unknown = BYTES): { readonly type: string; readonly path: string; readonly size: unknown } {
  return { type: 'file', path, size };
}

/** Answers with the asked bytes of a file that begins with `head`. */
export function part({ from, response, to }: Asked, head: Uint8Array = HEAD, bytes = BYTES): void {
  const body = Buffer.alloc(to + 1 - from);
  body.set(head.subarray(from, Math.min(head.length, to + 1)));
  response.writeHead(206, { 'content-range': `bytes ${from}-${to}/${bytes}`, 'content-length': body.length }).end(body);
}

/** Sends `chunk` every so many milliseconds, until nobody listens. */
export function endless({ response }: Asked, chunk: Uint8Array | string, everyMs: number): void {
  const timer = setInterval(() => response.writableNeedDrain || response.write(chunk), everyMs);
  response.on('close', () => clearInterval(timer));
}

/** The hub and the server beside it. */
export class HostileHub {
  lies: Lies = {};
  /** Connections that reached the server that nobody may ask. */
  strangers = 0;
  readonly #sockets = new Set<Socket>();
  readonly #hub = createServer((request, response) => this.#answer(request, response));
  readonly #other = createSocketServer((socket) => {
    this.strangers++;
    socket.destroy();
  });

  async start(): Promise<void> {
    this.#hub.on('connection', (socket) => this.#sockets.add(socket));
    for (const server of [this.#hub, this.#other])
      await new Promise<void>((resolve) => {
        server.listen(0, '127.0.0.1', resolve);
      });
  }

  async stop(): Promise<void> {
    for (const socket of this.#sockets) socket.destroy();
    for (const server of [this.#hub, this.#other]) await new Promise((resolve) => server.close(resolve));
  }

  /** `host:port` of the hub. */
  get host(): string {
    return `127.0.0.1:${(this.#hub.address() as AddressInfo).port}`;
  }

  #answer(request: IncomingMessage, response: ServerResponse): void {
    const { pathname, searchParams } = new URL(request.url!, 'http://hub');
    const [from, to] = (/^bytes=(\d+)-(\d+)$/.exec(request.headers.range ?? '') ?? []).slice(1).map(Number);
    const cursor = Number(searchParams.get('cursor') ?? 0);
    const other = `127.0.0.1:${(this.#other.address() as AddressInfo).port}`;
    const asked: Asked = { request, response, cursor, from: from ?? 0, to: to ?? 0, hub: this.host, other };
    if (pathname.includes('/revision/')) (this.lies.revision ?? ((one) => json(one, { sha: COMMIT })))(asked);
    else if (pathname.includes('/tree/')) (this.lies.list ?? ((one) => json(one, [entry('tiny-Q8_0.gguf')])))(asked);
    else (this.lies.file ?? part)(asked);
  }
}
