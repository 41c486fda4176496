import { codeOf, messageOf, UserError } from '../../base/errors.js';
import { isObject } from '../../base/objects.js';
import { quoted } from '../../base/text.js';
import { MIB } from '../../base/units.js';
import { parseJson } from '../json.js';
import type { HubAddress } from './address.js';

/** A hub server and its token. */
export interface HubServer {
  /** Base address, without a trailing slash. */
  readonly endpoint: string;
  /** Sent only to the server, never to redirect targets. */
  readonly token: string | null;
  readonly timeoutMs: number;
}

/** A file of a repository. */
export interface HubFile {
  readonly path: string;
  readonly bytes: number;
}

/** The Hugging Face hub. Mirrors pass hub links on unchanged. */
const HUB = 'https://huggingface.co';

/** Our limits: bytes of a JSON answer, bytes of all pages of a list, pages (1,000 files each), files. */
const ANSWER_LIMIT = 4 * MIB;
const LIST_LIMIT = 16 * MIB;
const MOST_PAGES = 50;
const MOST_FILES = 50_000;
/** Most lists and objects of a document (ours); an entry of a file list takes three. */
export const MOST_CONTAINERS = 2 ** 18;
/** Our limits of a file: path characters, and bytes (so that a thousand sizes sum exactly). */
const LONGEST_PATH = 512;
const LARGEST_FILE = 2 ** 43;

const REDIRECTS = [301, 302, 303, 307, 308];
/** A renamed repository and the server of large files take two; our limit. */
const MOST_REDIRECTS = 5;
/** Time limit of a model's requests, in single timeouts; ours. */
const PATIENCE = 12;

const COMMIT = /^[0-9a-f]{40}$/;

/** The server in `HF_ENDPOINT` (a mirror), or the hub. @throws UserError if malformed */
export function hubEndpoint(env: Readonly<Record<string, string | undefined>>): string {
  const text = env.HF_ENDPOINT || HUB;
  const { hash, origin, password, pathname, protocol, search, username } = new URL(URL.canParse(text) ? text : 'none:');
  if (!/^https?:$/.test(protocol) || username + password + search + hash !== '')
    throw new UserError('HF_ENDPOINT: expected an address that begins with http:// or https://, without a user, a password and a query');
  return (origin + pathname).replace(/\/+$/, '');
}

/** Server by HF_ENDPOINT, HF_TOKEN and HF_HUB_DOWNLOAD_TIMEOUT (seconds, default 10). @throws UserError */
export function hubServer(env: Readonly<Record<string, string | undefined>>): HubServer {
  const endpoint = hubEndpoint(env);
  const seconds = Number(env.HF_HUB_DOWNLOAD_TIMEOUT || 10);
  if (!(seconds > 0 && seconds <= 3600)) throw new UserError('HF_HUB_DOWNLOAD_TIMEOUT: expected seconds, from above 0 to 3600');
  const token = env.HF_TOKEN?.trim() || null;
  if (token !== null && !/^[!-~]+$/.test(token)) throw new UserError('HF_TOKEN: expected a token of printable characters, without spaces');
  return { endpoint, token, timeoutMs: 1000 * seconds };
}

/** No answer from the server. */
export class UnreachableHub extends UserError {}

/** Requests a single commit of a repository from a single server. */
export class HubClient {
  readonly #server: HubServer;
  readonly #address: HubAddress;
  readonly #end: number;
  commit: string;

  private constructor(server: HubServer, address: HubAddress) {
    this.#server = server;
    this.#address = address;
    this.#end = performance.now() + PATIENCE * server.timeoutMs;
    this.commit = address.revision;
  }

  /** At the commit of an address. @throws UserError */
  static async open(server: HubServer, address: HubAddress): Promise<HubClient> {
    const client = new HubClient(server, address);
    if (COMMIT.test(address.revision)) return client;
    const { value } = await client.#json(`${client.#api}/revision/${encodeURIComponent(address.revision)}?expand=sha`, 'a commit');
    const commit = isObject(value) ? value.sha : null;
    if (typeof commit !== 'string' || !COMMIT.test(commit)) throw client.#failed(notOf('a commit'));
    client.commit = commit;
    return client;
  }

  get #api(): string {
    return `/api/models/${this.#address.owner}/${this.#address.repo}`;
  }

  /** @throws UserError */
  async files(): Promise<HubFile[]> {
    const files: HubFile[] = [];
    const first = `${this.#api}/tree/${this.commit}?recursive=true`;
    let entries = 0;
    let read = 0;
    let next: string | null = first;
    for (let page = 1; next !== null; page++) {
      const { bytes, link, value } = await this.#json(next, 'a list of files');
      if (!Array.isArray(value)) throw this.#failed(notOf('a list of files'));
      entries += value.length;
      read += bytes;
      const cursor = this.#nextPage(link);
      if (entries > MOST_FILES || read > LIST_LIMIT || (cursor !== null && page === MOST_PAGES))
        throw this.#failed(`lists more than ${MOST_FILES} files, ${MOST_PAGES} pages or ${LIST_LIMIT / MIB} MiB; name another repository`);
      for (const entry of value as unknown[]) files.push(...this.#file(entry));
      next = cursor === null ? null : `${first}&cursor=${encodeURIComponent(cursor)}`;
    }
    return files;
  }

  #file(entry: unknown): HubFile[] {
    const { type, path, size } = isObject(entry) ? entry : {};
    if (type !== 'file' || typeof path !== 'string' || !Number.isSafeInteger(size) || (size as number) < 0) return [];
    if (path.length > LONGEST_PATH) throw this.#failed(`lists a name of ${path.length} characters; no repository has one`);
    if (/(^|\/)\.{0,2}(\/|$)|[\p{Cc}\p{Cs}\p{Zl}\p{Zp}]/u.test(path)) throw this.#failed(`lists ${quoted(path)}, which no repository has`);
    if ((size as number) > LARGEST_FILE)
      throw this.#failed(`lists ${quoted(path)} with ${size as number} bytes; no repository has such a file`);
    return [{ path, bytes: size as number }];
  }

  /** Null: last page. @throws UserError for a foreign link */
  #nextPage(link: string | null): string | null {
    const next = /<([^<>]*)>\s*;\s*rel="next"/.exec(link ?? '')?.[1];
    if (next === undefined) return null;
    const url = new URL(URL.canParse(next, this.#server.endpoint) ? next : 'none:', this.#server.endpoint);
    if (![HUB, new URL(this.#server.endpoint).origin].includes(url.origin))
      throw this.#failed(`the list of files goes on at ${url.host || url.protocol}, which is another server; is HF_ENDPOINT a hub?`);
    const cursor = url.searchParams.get('cursor');
    if (cursor === null) throw this.#failed('the list of files goes on at an unknown place; is HF_ENDPOINT a hub?');
    return cursor;
  }

  /** Fills `into` with file bytes from `from` on. @throws UserError for a partial answer */
  async range(file: HubFile, from: number, into: Uint8Array): Promise<void> {
    const { owner, repo } = this.#address;
    const where = `/${owner}/${repo}/resolve/${this.commit}/${file.path.split('/').map(encodeURIComponent).join('/')}`;
    const asked = `${from}-${from + into.length - 1}`;
    const response = await this.#get(where, { range: `bytes=${asked}` });
    const part = response.headers.get('content-range') ?? '';
    const whole = from === 0 && Number(response.headers.get('content-length') ?? Number.NaN) <= into.length;
    if (response.status === 206 ? ![`bytes ${asked}/${file.bytes}`, `bytes ${asked}/*`].includes(part) : !whole) {
      await dropped(response);
      const sent =
        response.status === 206
          ? `other bytes of ${file.path} than ${asked}, which were`
          : `${file.path} as a whole instead of the part that was`;
      throw this.#failed(`the server sends ${sent} asked for; fetch the file and name its path`);
    }
    const got = await this.#body(response, into);
    if (got < into.length)
      throw this.#failed(`${file.path}: ${got} bytes came where ${into.length} were asked for; try again, or fetch the file`);
    if (got > into.length) throw this.#failed(`${file.path}: more than the ${into.length} bytes came that were asked for; fetch the file`);
  }

  async #json(where: string, what: string): Promise<{ readonly value: unknown; readonly bytes: number; readonly link: string | null }> {
    const response = await this.#get(where, null);
    const room = new Uint8Array(ANSWER_LIMIT);
    const bytes = await this.#body(response, room);
    if (bytes > room.length) throw this.#failed(`the server answers with more than ${ANSWER_LIMIT / MIB} MiB where ${what} was asked for`);
    const value = parseJson(room.subarray(0, bytes), this.#address.text, notOf(what), MOST_CONTAINERS);
    return { value, bytes, link: response.headers.get('link') };
  }

  /**
   * Follows redirects on the same server, and for files to any https server, without the token. @param range null: JSON
   */
  async #get(where: string, range: { readonly range: string } | null): Promise<Response> {
    const { endpoint, token, timeoutMs } = this.#server;
    const headers: Record<string, string> = { ...range, ...(token === null ? {} : { authorization: `Bearer ${token}` }) };
    const signal = AbortSignal.timeout(Math.ceil(Math.max(1, Math.min(timeoutMs, this.#end - performance.now()))));
    let url = new URL(endpoint + where);
    for (let redirects = 0; ; redirects++) {
      let response: Response;
      try {
        response = await fetch(url, { headers, redirect: 'manual', signal });
        if (response.ok) return response;
        await dropped(response);
        if (REDIRECTS.includes(response.status) && redirects === MOST_REDIRECTS) throw new Error('redirect count exceeded');
      } catch (error) {
        throw this.#unreachable(url.origin, error);
      }
      if (!REDIRECTS.includes(response.status)) throw this.#failed(refusal(response.status, token !== null));
      const next = this.#redirected(url, response.headers.get('location') ?? '', range !== null);
      if (next.origin !== url.origin) delete headers.authorization;
      url = next;
    }
  }

  /** @param mayLeave true: a foreign server is allowed @throws UserError for a forbidden target */
  #redirected(from: URL, location: string, mayLeave: boolean): URL {
    const next = new URL(URL.canParse(location, from.href) ? location : 'none:', from);
    const secure = from.protocol === 'https:' && next.protocol === 'https:';
    if (next.username + next.password === '' && (next.origin === from.origin || (mayLeave && secure))) return next;
    const why = 'lists stay on one server, files on https; if that is a hub, name it in HF_ENDPOINT';
    throw this.#failed(`the server redirects to ${next.host || next.protocol}, which is not followed: ${why}`);
  }

  async #body(response: Response, room: Uint8Array): Promise<number> {
    let length = 0;
    try {
      for await (const part of response.body ?? []) {
        if (length + part.length <= room.length) room.set(part, length);
        length += part.length;
        if (length > room.length) break;
      }
    } catch (error) {
      throw this.#unreachable(new URL(this.#server.endpoint).origin, error);
    }
    return length;
  }

  #unreachable(origin: string, error: unknown): UserError {
    const { timeoutMs } = this.#server;
    if (error instanceof Error && error.name === 'TimeoutError') {
      const [what, ms] = performance.now() < this.#end ? ['answer', timeoutMs] : ['answer all that was asked for', PATIENCE * timeoutMs];
      return this.#silent(`${origin} did not ${what} within ${ms / 1000} s; try again, or set HF_HUB_DOWNLOAD_TIMEOUT`);
    }
    const cause = error instanceof Error && error.cause !== undefined ? error.cause : error;
    return this.#silent(`${origin} cannot be reached: ${messageOf(cause) || codeOf(cause)}; try again, or name a mirror in HF_ENDPOINT`);
  }

  #silent(why: string): UserError {
    return new UnreachableHub(`${this.#address.text}: ${why}`);
  }

  #failed(why: string): UserError {
    return new UserError(`${this.#address.text}: ${why}`);
  }
}

async function dropped(response: Response): Promise<void> {
  await response.body?.cancel().catch(() => undefined);
}

const notOf = (what: string): string => `the server answers with something else than ${what}; is HF_ENDPOINT a hub?`;

function refusal(status: number, withToken: boolean): string {
  if (status === 401 || status === 403)
    return withToken
      ? 'the token of HF_TOKEN may not read it; accept its licence on its page, or use another token'
      : 'may not be read without a token, or does not exist; set HF_TOKEN, or check the name';
  if (status === 404) return 'there is no such repository, revision or file; check the name';
  return `the server answers with status ${status}; try again later`;
}
