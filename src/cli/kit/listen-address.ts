import { UserError } from '../../base/errors.js';

/** `127.0.0.1:8642`, `localhost:0` or `[::1]:80`. @param example for the message @throws UserError for another form */
export function listenAddress(text: string, example: string): { readonly host: string; readonly port: number } {
  const match = /^(?:\[([\da-f:]+)\]|([\w.-]+)):(\d{1,5})$/i.exec(text);
  const port = Number(match?.[3]);
  if (match !== null && port <= 65535) return { host: match[1] ?? match[2]!, port };
  throw new UserError(`--listen ${text}: is no address; write e.g. ${example}, or port 0 for a free one`);
}

/** `http://[::1]:80`. */
export const serverAddress = (host: string, port: number): string => `http://${host.includes(':') ? `[${host}]` : host}:${port}`;
