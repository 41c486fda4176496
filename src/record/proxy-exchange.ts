// Adds fields to the request, and removes their results from the answer.
import { messageOf, UserError } from '../base/errors.js';
import { bytesOf, textOf } from '../base/host/bytes.js';
import { type HttpMessage, type HttpReply, httpRequest, passedThrough } from '../base/host/http.js';
import { isForeign } from '../base/loopback.js';
import { isObject } from '../base/objects.js';
import { breathing } from '../base/work-watch.js';
import { StreamedReply } from '../trace/formats/streamed-reply.js';
import { bodyOf, eventsIn, Pending, type ProxyRoom } from './proxy-bounds.js';
import { type Asking, asking, isOwnEvent, jsonValueOf, withNulls } from './proxy-fields.js';
import type { RecordedAnswers } from './proxy-rows.js';

/** State shared by all exchanges. */
export interface Passage {
  readonly to: URL;
  readonly answers: RecordedAnswers;
  /** True if only loopback is served: pages of foreign sites are refused. */
  readonly local: boolean;
  readonly room: ProxyRoom;
}

/** Headers not forwarded (RFC 9110, 7.6.1), and headers derived from the body. */
const OWN_HEADERS = /^(connection|keep-alive|proxy-connection|te|trailer|transfer-encoding|upgrade|expect|host|content-length)$/;

function passedHeaders(headers: HttpMessage['headers'], more: HttpMessage['headers'] = {}): HttpMessage['headers'] {
  return { ...Object.fromEntries(Object.entries(headers).filter(([name]) => !OWN_HEADERS.test(name))), ...more };
}

/** An address without its password. */
export const shownAddress = ({ origin, pathname }: URL): string => origin + pathname;

/** Server address of a request target (RFC 9112, 3.2); null: neither a path nor an address. */
export function addressAt(server: URL, target: string): URL | null {
  const path = /^(?:https?:\/\/[^/?#]*)?(\/.*)$/i.exec(target)?.[1];
  if (path === undefined) return null;
  // `..` stays below the server's path.
  const { pathname, search } = new URL(`http://localhost${path}`);
  return Object.assign(new URL(server), { pathname: server.pathname.replace(/\/$/, '') + pathname, search, hash: '' });
}

/** @throws if either side breaks off */
export async function exchange(passage: Passage, client: HttpMessage, reply: HttpReply): Promise<void> {
  const { answers, local, room, to } = passage;
  const { headers, method = 'GET', url = '' } = client;
  if (local && isForeign(headers)) return failed(reply, 403, 'this address is for programs of this machine');
  const address = addressAt(to, url);
  if (address === null) return failed(reply, 400, 'the target of the request is no path');
  const body = await bodyOf(client, room);
  const asked = method === 'POST' ? asking(address.pathname, textOf(body)) : null;
  const sent = asked === null ? body : bytesOf(asked.body);
  // Only uncompressed text can be changed.
  const more = {
    ...(asked !== null && { 'accept-encoding': 'identity' }),
    ...(sent.length > 0 && { 'content-length': String(sent.length) }),
  };
  const answer = await answerTo(httpRequest(address, { method, headers: passedHeaders(headers, more) }), sent, reply, room);
  if (!(answer instanceof Error)) return answered(answer, asked, passage, reply);
  const why = reply.destroyed ? 'the client went away' : `${shownAddress(to)} does not answer: ${messageOf(answer)}`;
  if (asked !== null) answers.miss(why);
  failed(reply, 502, why);
}

const KINDS = { 400: 'bad_request', 403: 'forbidden', 502: 'bad_gateway' } as const;

function failed(reply: HttpReply, code: keyof typeof KINDS, why: string): void {
  reply.writeHead(code, { 'content-type': 'application/json' });
  reply.end(JSON.stringify({ error: { message: `moeprof record: ${why}`, type: KINDS[code], code } }));
}

function answerTo(
  request: ReturnType<typeof httpRequest>,
  body: Uint8Array,
  reply: HttpReply,
  { bounds }: ProxyRoom,
): Promise<HttpMessage | Error> {
  const { beginMs, interim } = bounds;
  return new Promise((done) => {
    const end = (why: string): void => {
      done(new UserError(why));
      request.destroy();
    };
    const deadline = setTimeout(() => end(`nothing came for ${beginMs / 1000} s`), beginMs);
    let early = 0;
    // Stops the server's work when the client leaves.
    reply.on('close', () => request.destroy());
    request
      .on('information', () => ++early > interim && end(`more than ${interim} interim answers (1xx)`))
      .on('upgrade', () => end('it switches to another protocol, which was not requested'))
      .on('response', (answer) => {
        clearTimeout(deadline);
        if (answer.statusCode! < 200) end(`its status is ${answer.statusCode}`);
        else done(answer);
      })
      .on('error', done)
      .on('close', () => {
        clearTimeout(deadline);
        done(new UserError('it closed the connection'));
      })
      .end(body);
  });
}

async function answered(answer: HttpMessage, asked: Asking | null, { answers, room }: Passage, reply: HttpReply): Promise<void> {
  const { headers, statusCode = 502 } = answer;
  const { 'content-encoding': packed, 'content-length': length, 'content-type': kind = '' } = headers;
  const readable = asked !== null && statusCode === 200 && packed === undefined;
  if (readable && kind.startsWith('text/event-stream')) {
    const events = (input: AsyncIterable<Uint8Array>) => eventsIn(input, new Pending(answer, room), room.bounds.events);
    reply.writeHead(statusCode, passedHeaders(headers));
    await passedThrough(answer, (input) => passedEvents(events(input), asked, answers), reply);
  } else if (readable && kind.startsWith('application/json')) {
    const text = textOf(await bodyOf(answer, room));
    answers.addAll(jsonValueOf(text), asked.start);
    const shown = bytesOf(withNulls(text, asked.hidden));
    reply.writeHead(statusCode, passedHeaders(headers, { 'content-length': String(shown.length) }));
    reply.end(shown);
  } else {
    if (asked !== null) answers.miss(readable ? `a reply of type ${kind}` : `a reply of status ${statusCode}${packed ? ', packed' : ''}`);
    reply.writeHead(statusCode, passedHeaders(headers, length === undefined ? {} : { 'content-length': length }));
    await passedThrough(answer, (input) => input, reply);
  }
}

/** An answer is recorded before its end is forwarded. */
async function* passedEvents(
  events: AsyncIterable<Uint8Array>,
  asked: Asking,
  answers: RecordedAnswers,
): AsyncGenerator<Uint8Array, void, void> {
  let stream: StreamedReply | null = new StreamedReply();
  // Lets other exchanges run if the server sends fast.
  const breathe = breathing();
  for await (const part of events) {
    await breathe();
    const text = textOf(part);
    const event = jsonValueOf(/^data:(.*)$/m.exec(text)?.[1] ?? '');
    if (!isObject(event)) {
      yield part;
      continue;
    }
    try {
      stream?.add(event, 'a stream');
    } catch (error) {
      answers.miss(messageOf(error));
      stream = null;
    }
    if (!isOwnEvent(event, asked)) yield bytesOf(withNulls(text, asked.hidden));
  }
  if (stream !== null) answers.addAll(stream.value, asked.start);
}
