// The requests that fetch a model's headers: the list of a repository's files, and ranges of bytes. An answer of the server is read only as
// far as it was asked for, and every failure is one line with its remedy.

import { messageOf, UserError } from '../../base/errors.js';
import { joined, textOf } from '../../base/host/bytes.js';
import type { HubAddress } from './address.js';

/** A server of the hub, and how to ask it. */
export interface HubServer {
  /** Base address, without a slash at its end. */
  readonly endpoint: string;
  /** Sent to this server alone, not to where it redirects. */
  readonly token: string | null;
  /** Milliseconds until a request is given up. */
  readonly timeoutMs: number;
}

/** A file of a repository. */
export interface HubFile {
  readonly path: string;
  readonly bytes: number;
}

/** Limit of a list of files, bytes. */
const LIST_LIMIT = 16 * 2 ** 20;

/**
 * The server that the environment names, by the variables that Hugging Face's own library reads: HF_ENDPOINT (a mirror), HF_TOKEN, and
 * HF_HUB_DOWNLOAD_TIMEOUT (seconds, 10 unless said).
 * @throws UserError where a variable is not what it should be
 */
export function hubServer(env: Readonly<Record<string, string | undefined>>): HubServer {
  const endpoint = (env.HF_ENDPOINT || 'https://huggingface.co').replace(/\/+$/, '');
  if (!URL.canParse(endpoint) || !/^https?:/.test(endpoint))
    throw new UserError('HF_ENDPOINT: expected an address that begins with http:// or https://');
  const seconds = Number(env.HF_HUB_DOWNLOAD_TIMEOUT || 10);
  if (!(seconds > 0 && seconds <= 3600)) throw new UserError('HF_HUB_DOWNLOAD_TIMEOUT: expected seconds, from above 0 to 3600');
  return { endpoint, token: env.HF_TOKEN || null, timeoutMs: 1000 * seconds };
}

/** Asks one server about one repository. */
export class HubClient {
  readonly #server: HubServer;
  readonly #address: HubAddress;

  constructor(server: HubServer, address: HubAddress) {
    this.#server = server;
    this.#address = address;
  }

  /** All files of the repository. @throws UserError */
  async files(): Promise<HubFile[]> {
    const files: HubFile[] = [];
    const { owner, repo, revision } = this.#address;
    let next: string | null = `/api/models/${owner}/${repo}/tree/${encodeURIComponent(revision)}?recursive=true`;
    // Repositories of more than 1,000 files come in pages.
    for (let page = 0; next !== null && page < 50; page++) {
      const response: Response = await this.#request(next, {});
      const list = parseList(textOf(await this.#body(response, LIST_LIMIT)));
      if (list === null) throw this.#failed('the server answers with something else than a list of files; is HF_ENDPOINT a hub?');
      files.push(...list);
      next = nextPage(response.headers.get('link'));
    }
    return files;
  }

  /**
   * Bytes `from` to `from + length` of a file.
   * @throws UserError where they do not come, whole and alone
   */
  async range(path: string, from: number, length: number): Promise<Uint8Array> {
    const { owner, repo, revision } = this.#address;
    const where = `/${owner}/${repo}/resolve/${encodeURIComponent(revision)}/${path.split('/').map(encodeURIComponent).join('/')}`;
    const response = await this.#request(where, { range: `bytes=${from}-${from + length - 1}` });
    if (response.status !== 206 && !(from === 0 && Number(response.headers.get('content-length') ?? Number.NaN) <= length)) {
      await response.body?.cancel();
      throw this.#failed(`the server sends ${path} as a whole instead of the part that was asked for; fetch the file and name its path`);
    }
    const bytes = await this.#body(response, length);
    if (bytes.length < length)
      throw this.#failed(`${path}: ${bytes.length} bytes came where ${length} were asked for; try again, or fetch the file`);
    return bytes;
  }

  async #request(where: string, headers: Readonly<Record<string, string>>): Promise<Response> {
    const { endpoint, token, timeoutMs } = this.#server;
    const authorization: Readonly<Record<string, string>> = token === null ? {} : { authorization: `Bearer ${token}` };
    let response: Response;
    try {
      // A redirect to another host, where the hub keeps large files, is followed without the token.
      response = await fetch(endpoint + where, { headers: { ...headers, ...authorization }, signal: AbortSignal.timeout(timeoutMs) });
    } catch (error) {
      throw this.#unreachable(error);
    }
    if (response.ok) return response;
    await response.body?.cancel();
    throw this.#failed(refusal(response.status, token !== null));
  }

  /** Reads at most `limit` bytes of a response. */
  async #body(response: Response, limit: number): Promise<Uint8Array> {
    const parts: Uint8Array[] = [];
    let length = 0;
    try {
      for await (const part of response.body ?? []) {
        parts.push(part);
        length += part.length;
        if (length >= limit) break;
      }
    } catch (error) {
      throw this.#unreachable(error);
    }
    return joined(parts).subarray(0, limit);
  }

  #unreachable(error: unknown): UserError {
    const { endpoint, timeoutMs } = this.#server;
    if (error instanceof Error && error.name === 'TimeoutError')
      return this.#failed(`${endpoint} did not answer within ${timeoutMs / 1000} s; try again, or set HF_HUB_DOWNLOAD_TIMEOUT`);
    const cause = error instanceof Error && error.cause !== undefined ? error.cause : error;
    return this.#failed(`${endpoint} cannot be reached: ${messageOf(cause)}; try again, or name a mirror in HF_ENDPOINT`);
  }

  #failed(why: string): UserError {
    return new UserError(`${this.#address.text}: ${why}`);
  }
}

/** The error message for an HTTP status. */
function refusal(status: number, withToken: boolean): string {
  if (status === 401 || status === 403) {
    return withToken
      ? 'the token of HF_TOKEN may not read it; accept its licence on its page, or use another token'
      : 'may not be read without a token, or does not exist; set HF_TOKEN, or check the name';
  }
  if (status === 404) return 'there is no such repository, revision or file; check the name';
  return `the server answers with status ${status}; try again later`;
}

/** Files of a list; null where it is none. */
function parseList(text: string): HubFile[] | null {
  let json: unknown;
  try {
    json = JSON.parse(text);
  } catch {
    return null;
  }
  if (!Array.isArray(json)) return null;
  const files: HubFile[] = [];
  for (const entry of json as unknown[]) {
    const { type, path, size } = (entry ?? {}) as Readonly<Record<string, unknown>>;
    if (type === 'file' && typeof path === 'string' && Number.isSafeInteger(size) && (size as number) >= 0)
      files.push({ path, bytes: size as number });
  }
  return files;
}

/** Path of the next page of a list, on the same server; null: this was the last. */
function nextPage(link: string | null): string | null {
  const next = /<([^>]+)>;\s*rel="next"/.exec(link ?? '')?.[1] ?? '';
  if (!URL.canParse(next)) return null;
  const { pathname, search } = new URL(next);
  return pathname + search;
}
