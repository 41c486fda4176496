// A failure counts as missed; traffic goes on.
import { messageOf, UserError } from '../base/errors.js';
import { httpServer } from '../base/host/http.js';
import { listen } from '../base/host/process.js';
import { isLoopback } from '../base/loopback.js';
import type { OpenOptions } from '../trace/formats/format.js';
import type { RoutingTrace } from '../trace/trace.js';
import type { AnswerFile } from './answer-file.js';
import { PROXY_BOUNDS, type ProxyBounds } from './proxy-bounds.js';
import { exchange, type Passage } from './proxy-exchange.js';
import { RecordedAnswers } from './proxy-rows.js';

/** Settings of a recording. */
export interface ProxyRequest {
  /** Request paths are appended to the server's path. */
  readonly server: URL;
  readonly host: string;
  /** 0: any free port. */
  readonly port: number;
  /** Layers, top-k and experts, for servers that send no shape. */
  readonly options: OpenOptions;
  readonly rows: AnswerFile;
  /** True: keeps token ids, including prompts. */
  readonly keepText: boolean;
  /** Answers before the recording ends. */
  readonly most: number;
  readonly bounds?: Partial<ProxyBounds>;
  /** Receives each reason for a missed answer once. */
  readonly tell: (line: string) => void;
  /** Called once the proxy listens. @param end finishes after requests under way; called again, at once */
  readonly ready: (port: number, end: () => void) => void;
}

/** The trace, and counts of recorded and missed answers. */
export interface ProxyRecording extends Pick<RecordedAnswers, 'recorded' | 'missed'> {
  readonly trace: RoutingTrace;
}

/**
 * Until a signal (a second ends at once) or `most` answers. @throws UserError if listening fails, or without experts
 */
export async function recordThroughProxy({ server: to, host, port, bounds, ...request }: ProxyRequest): Promise<ProxyRecording> {
  const answers = new RecordedAnswers(request.options, request.rows, request.keepText, request.tell);
  const passage: Passage = { to, answers, local: isLoopback(host), room: { bounds: { ...PROXY_BOUNDS, ...bounds }, held: 0 } };
  let ends = 0;
  const end = (): void => {
    server.close();
    if (ends++ > 0) server.closeAllConnections();
    else server.closeIdleConnections();
  };
  const server = httpServer(async (client, reply) => {
    try {
      await exchange(passage, client, reply);
    } catch (error) {
      answers.miss(`the exchange broke off: ${messageOf(error)}`);
      reply.destroy();
    }
    if (answers.recorded >= request.most && ends === 0) end();
  });
  // A kept connection would delay the end.
  server.on('request', (_, reply) => void reply.on('close', () => ends > 0 && server.closeIdleConnections()));
  const signals = (['SIGINT', 'SIGTERM'] as const).map((signal) => listen(signal, end));
  try {
    await new Promise<void>((done, fail) => {
      server.on('close', done);
      server.on('error', (error) => fail(new UserError(`--listen ${host}:${port}: cannot be listened to: ${error.message}`)));
      server.listen(port, host, () => request.ready((server.address() as { readonly port: number }).port, end));
    });
    return { trace: await answers.finish(), recorded: answers.recorded, missed: answers.missed };
  } finally {
    for (const stop of signals) stop();
  }
}
