import http from 'node:http';
import https from 'node:https';
import { pipeline } from 'node:stream/promises';

/** Received message: a client's request, or a server's answer. */
export type HttpMessage = http.IncomingMessage;
/** Reply to a client. */
export type HttpReply = http.ServerResponse;

/** Server; `answer` gets every request. */
export const httpServer: (answer: (request: HttpMessage, reply: HttpReply) => void) => http.Server = (answer) => http.createServer(answer);

/** Begins a request on a separate connection, since servers close idle connections. */
export const httpRequest = (url: URL, options: Pick<http.RequestOptions, 'method' | 'headers'>): http.ClientRequest =>
  (url.protocol === 'https:' ? https : http).request(url, { ...options, agent: false });

/** Pipes a source through a step to a sink at the sink's pace; all end if one fails. */
export function passedThrough(
  from: HttpMessage,
  step: (input: AsyncIterable<Uint8Array>) => AsyncIterable<Uint8Array>,
  to: HttpReply,
): Promise<void> {
  return pipeline(from, step, to);
}
