// A small hub of our own: repositories of sparse files, served by ranges, and every way in which a server can fail.
import { createServer, type IncomingMessage, type ServerResponse } from 'node:http';
import { createServer as createSecureServer } from 'node:https';
import type { AddressInfo } from 'node:net';

/** A file of a repository: the bytes that it begins with, and its size; the rest is zeros. */
export interface ServedFile {
  readonly path: string;
  readonly head: Buffer;
  readonly bytes: number;
}

/** What the server does other than answer. */
export type Fault =
  | 'none'
  | 'silent'
  | 'no-ranges'
  | 'redirect'
  | 'downgrade'
  | 'redirect-loop'
  | 'cut'
  | 'broken-list'
  | 401
  | 403
  | 404
  | 500;

/** The commit of every revision. */
export const COMMIT = '0123456789abcdef0123456789abcdef01234567';

/** A hub on a free port of this machine. */
export class TestHub {
  fault: Fault = 'none';
  /** Bytes that went out in bodies of files. */
  sent = 0;
  /** Authorization headers, as they came, by `list`, `file` and `elsewhere`. */
  readonly authorizations: [string, string | undefined][] = [];
  readonly #files: readonly ServedFile[];
  readonly #pageSize: number;
  /** Requests as they came: the path with its query, and the range. */
  readonly requests: string[] = [];
  /** The name that an older one redirects to, where the repository was renamed. */
  renamed: string | null = null;
  readonly #server;
  readonly #scheme: 'http' | 'https';

  /** @param secure a key and certificate for `127.0.0.1` and `localhost`: it is served over https */
  constructor(files: readonly ServedFile[], pageSize = 1000, secure: { readonly key: string; readonly cert: string } | null = null) {
    this.#files = files;
    this.#pageSize = pageSize;
    const answer = (request: IncomingMessage, response: ServerResponse): void => this.#answer(request, response);
    this.#server = secure === null ? createServer(answer) : createSecureServer(secure, answer);
    this.#scheme = secure === null ? 'http' : 'https';
  }

  async start(): Promise<string> {
    await new Promise<void>((resolve) => {
      this.#server.listen(0, '127.0.0.1', resolve);
    });
    return `${this.#scheme}://127.0.0.1:${this.#port}`;
  }

  async stop(): Promise<void> {
    this.#server.closeAllConnections();
    await new Promise((resolve) => {
      this.#server.close(resolve);
    });
  }

  get #port(): number {
    return (this.#server.address() as AddressInfo).port;
  }

  #answer(request: IncomingMessage, response: ServerResponse): void {
    const url = new URL(request.url!, `${this.#scheme}://127.0.0.1:${this.#port}`);
    const kind = url.pathname.startsWith('/api/') ? 'list' : url.pathname.startsWith('/elsewhere/') ? 'elsewhere' : 'file';
    this.authorizations.push([kind, request.headers.authorization]);
    this.requests.push(`${request.url} ${request.headers.range ?? ''}`.trimEnd());
    if (this.fault === 'silent') return;
    if (typeof this.fault === 'number') return void response.writeHead(this.fault).end();
    // A repository that was renamed is redirected to by a path, as the hub does it.
    if (this.renamed !== null && kind !== 'elsewhere' && !url.pathname.includes(`/${this.renamed}/`))
      return void response.writeHead(307, { location: request.url!.replace(/o\/[\w-]+/, this.renamed) }).end();
    if (url.pathname.includes('/revision/')) response.end(JSON.stringify({ id: 'o/r', sha: COMMIT }));
    else if (kind === 'list') this.#list(url, response);
    else this.#serve(kind, url, request, response);
  }

  #serve(kind: string, url: URL, request: IncomingMessage, response: ServerResponse): void {
    if (this.fault === 'redirect-loop') return void response.writeHead(302, { location: url.pathname }).end();
    // Another port is another host: here the same server under its other name.
    if (this.fault === 'downgrade') return void response.writeHead(302, { location: `http://localhost:${this.#port}/elsewhere` }).end();
    if (this.fault === 'redirect' && kind === 'file')
      return void response.writeHead(302, { location: `${this.#scheme}://localhost:${this.#port}/elsewhere${url.pathname}` }).end();
    this.#file(url, request, response);
  }

  #list(url: URL, response: ServerResponse): void {
    if (this.fault === 'broken-list') return void response.end('<html>');
    const from = Number(url.searchParams.get('cursor') ?? 0);
    const page = this.#files.slice(from, from + this.#pageSize);
    const next = new URL(url);
    next.searchParams.set('cursor', String(from + this.#pageSize));
    const link = from + this.#pageSize < this.#files.length ? { link: `<${next}>; rel="next"` } : {};
    response.writeHead(200, link);
    response.end(JSON.stringify(page.map(({ path, bytes }) => ({ type: 'file', path, size: bytes }))));
  }

  #file(url: URL, request: IncomingMessage, response: ServerResponse): void {
    const path = decodeURIComponent(
      url.pathname
        .split('/')
        .slice(url.pathname.startsWith('/elsewhere/') ? 6 : 5)
        .join('/'),
    );
    const file = this.#files.find((one) => one.path === path);
    if (file === undefined) return void response.writeHead(404).end();
    const [, from, to] = /^bytes=(\d+)-(\d+)$/.exec(request.headers.range ?? '') ?? [];
    if (from === undefined || this.fault === 'no-ranges') {
      response.writeHead(200, { 'content-length': file.bytes });
      return void response.write(file.head.subarray(0, 1000));
    }
    const body = Buffer.alloc(Math.min(Number(to) + 1, file.bytes) - Number(from));
    file.head.copy(body, 0, Number(from));
    this.sent += body.length;
    const part = { 'content-range': `bytes ${from}-${Number(from) + body.length - 1}/${file.bytes}` };
    if (this.fault === 'cut') return void response.writeHead(206, part).end(body.subarray(0, body.length / 2));
    response.writeHead(206, { ...part, 'content-length': body.length }).end(body);
  }
}
