// A recording proxy before vLLM or SGLang: requests routed experts, removes them from replies. Failures count as missed; traffic goes on.
import { messageOf, UserError } from '../base/errors.js';
import { bytesOf, joined, textOf } from '../base/host/bytes.js';
import { type HttpMessage, type HttpReply, httpRequest, httpServer, passedThrough } from '../base/host/http.js';
import { listen } from '../base/host/process.js';
import { isObject } from '../base/objects.js';
import type { OpenOptions } from '../trace/formats/format.js';
import { StreamedReply } from '../trace/formats/streamed-reply.js';
import type { RoutingTrace } from '../trace/trace.js';
import { type Asking, asking, isOwnEvent, jsonValueOf, withNulls } from './proxy-fields.js';
import { RecordedAnswers } from './proxy-rows.js';

/** What is recorded, and to which file. */
export interface ProxyRequest {
  /** Address of the server; paths of requests follow its own. */
  readonly server: URL;
  readonly host: string;
  /** 0: any that is free. */
  readonly port: number;
  /** Layers, top-k and experts, for servers that send no shape. */
  readonly options: OpenOptions;
  /** True: ids of tokens are kept, those of prompts among them. */
  readonly keepText: boolean;
  /** Recorded answers after which it ends. */
  readonly most: number;
  /** Hears of what is not recorded, once for each reason. */
  readonly tell: (line: string) => void;
  /** Called once it listens. @param end ends it when requests under way have ended; the second time, at once */
  readonly ready: (port: number, end: () => void) => void;
}

/** A recording: the trace, the answers in it, and those that passed unrecorded, by reason. */
export interface ProxyRecording extends Pick<RecordedAnswers, 'recorded' | 'missed'> {
  readonly trace: RoutingTrace;
}

/** Records until a signal (again: at once) or `most` answers. @throws UserError if it cannot listen, or no answer had routed experts */
export async function recordThroughProxy({ server: to, host, port, ...request }: ProxyRequest): Promise<ProxyRecording> {
  const answers = new RecordedAnswers(request.options, request.keepText, request.tell);
  let ends = 0;
  const end = (): void => {
    server.close();
    if (ends++ > 0) server.closeAllConnections();
    else server.closeIdleConnections();
  };
  const server = httpServer(async (client, reply) => {
    try {
      await exchange(to, answers, client, reply);
    } catch (error) {
      answers.miss(`the exchange broke off: ${messageOf(error)}`);
      reply.destroy();
    }
    if (answers.recorded >= request.most && ends === 0) end();
  });
  // A client that keeps its connection would hold up the end.
  server.on('request', (_, reply) => void reply.on('close', () => ends > 0 && server.closeIdleConnections()));
  const signals = (['SIGINT', 'SIGTERM'] as const).map((signal) => listen(signal, end));
  try {
    await new Promise<void>((done, fail) => {
      server.on('close', done);
      server.on('error', (error) => fail(new UserError(`--listen ${host}:${port}: cannot be listened to: ${error.message}`)));
      server.listen(port, host, () => request.ready((server.address() as { readonly port: number }).port, end));
    });
    return { trace: answers.finish(), recorded: answers.recorded, missed: answers.missed };
  } finally {
    for (const stop of signals) stop();
  }
}

/** Headers of one connection, which are not passed on (RFC 9110, 7.6.1), and those that the body decides. */
const OWN_HEADERS = /^(connection|keep-alive|proxy-connection|te|trailer|transfer-encoding|upgrade|host|content-length)$/;

function passedHeaders(headers: HttpMessage['headers'], more: HttpMessage['headers'] = {}): HttpMessage['headers'] {
  return { ...Object.fromEntries(Object.entries(headers).filter(([name]) => !OWN_HEADERS.test(name))), ...more };
}

async function exchange(to: URL, answers: RecordedAnswers, client: HttpMessage, reply: HttpReply): Promise<void> {
  const { method = 'GET', url = '/' } = client;
  const address = new URL(to.href.replace(/\/$/, '') + url);
  const body = await wholeOf(client);
  const asked = method === 'POST' ? asking(address.pathname, textOf(body)) : null;
  const sent = asked === null ? body : bytesOf(asked.body);
  // Only a text that is not packed can be read and changed.
  const headers = passedHeaders(client.headers, {
    ...(asked === null ? {} : { 'accept-encoding': 'identity' }),
    ...(sent.length === 0 ? {} : { 'content-length': String(sent.length) }),
  });
  const answer = await new Promise<HttpMessage | Error>((done) => {
    const request = httpRequest(address, { method, headers });
    // The server need not go on with what nobody waits for.
    reply.on('close', () => request.destroy());
    request.on('response', done).on('error', done).end(sent);
  });
  if (!(answer instanceof Error)) return answered(answer, asked, answers, reply);
  const why = reply.destroyed ? 'the client went away' : `${to.href} does not answer: ${messageOf(answer)}`;
  if (asked !== null) answers.miss(why);
  reply.writeHead(502, { 'content-type': 'application/json' });
  reply.end(JSON.stringify({ error: { message: `moeprof record: ${why}`, type: 'bad_gateway', code: 502 } }));
}

async function answered(answer: HttpMessage, asked: Asking | null, answers: RecordedAnswers, reply: HttpReply): Promise<void> {
  const { headers, statusCode = 502 } = answer;
  const { 'content-encoding': packed, 'content-length': length, 'content-type': kind = '' } = headers;
  const readable = asked !== null && statusCode === 200 && packed === undefined;
  if (readable && kind.startsWith('text/event-stream')) {
    const stream = new StreamedReply();
    let broken: string | null = null;
    reply.writeHead(statusCode, passedHeaders(headers));
    const add = (event: Readonly<Record<string, unknown>>): void => {
      try {
        stream.add(event, 'a stream');
      } catch (error) {
        broken ??= messageOf(error);
      }
    };
    await passedThrough(answer, (input) => passedEvents(input, asked, add), reply);
    if (broken === null) answers.add(stream.value, asked.start);
    else answers.miss(broken);
  } else if (readable && kind.startsWith('application/json')) {
    const text = textOf(await wholeOf(answer));
    // SGLang's own interface returns a list for several answers.
    for (const value of [jsonValueOf(text)].flat()) answers.add(value, asked.start);
    const shown = bytesOf(withNulls(text, asked.hidden));
    reply.writeHead(statusCode, passedHeaders(headers, { 'content-length': String(shown.length) }));
    reply.end(shown);
  } else {
    if (asked !== null) answers.miss(readable ? `a reply of type ${kind}` : `a reply of status ${statusCode}${packed ? ', packed' : ''}`);
    reply.writeHead(statusCode, passedHeaders(headers, length === undefined ? {} : { 'content-length': length }));
    await passedThrough(answer, (input) => input, reply);
  }
}

async function wholeOf(message: HttpMessage): Promise<Uint8Array> {
  const parts: Uint8Array[] = [];
  for await (const part of message) parts.push(part as Uint8Array);
  return joined(parts);
}

/** Every event as soon as it is whole, without what is hidden, else byte for byte. @param hear of each */
async function* passedEvents(
  input: AsyncIterable<Uint8Array>,
  asked: Asking,
  hear: (event: Readonly<Record<string, unknown>>) => void,
): AsyncGenerator<Uint8Array, void, void> {
  const shown = (bytes: Uint8Array): Uint8Array => {
    const text = textOf(bytes);
    const event = jsonValueOf(/^data:(.*)$/m.exec(text)?.[1] ?? '');
    if (!isObject(event)) return bytes;
    hear(event);
    return isOwnEvent(event, asked) ? new Uint8Array(0) : bytesOf(withNulls(text, asked.hidden));
  };
  let held: Uint8Array[] = [];
  for await (const part of input) {
    held.push(part);
    // An event ends with a line; routed experts of a long text come in a thousand parts without one.
    if (!part.includes(10)) continue;
    let rest = joined(held);
    for (let end = endOfEvent(rest); end > 0; end = endOfEvent(rest)) {
      yield shown(rest.subarray(0, end));
      rest = rest.subarray(end);
    }
    held = [rest];
  }
  yield shown(joined(held));
}

/** The number of bytes of the first event, the empty line after it among them; 0: it is not whole. */
function endOfEvent(bytes: Uint8Array): number {
  for (let at = bytes.indexOf(10); at >= 0; at = bytes.indexOf(10, at + 1)) {
    if (bytes[at + 1] === 10) return at + 2;
    if (bytes[at + 1] === 13 && bytes[at + 2] === 10) return at + 3;
  }
  return 0;
}
