import { UserError } from '../../base/errors.js';
import { bytesOf } from '../../base/host/bytes.js';
import { type HttpMessage, type HttpReply, httpServer } from '../../base/host/http.js';
import { isForeign, isLoopback } from '../../base/loopback.js';

interface ServedPage {
  readonly page: string;
  readonly host: string;
  /** 0: any free port. */
  readonly port: number;
}

interface PageServer {
  readonly port: number;
  close(): void;
}

/** Serves a page over HTTP. @throws UserError if the address is taken or foreign */
export function servePage({ host, page, port }: ServedPage): Promise<PageServer> {
  const body = bytesOf(page);
  const server = httpServer((request, reply) => answer(request, reply, body, isLoopback(host)));
  return new Promise((resolve, reject) => {
    server.on('error', (error: { readonly code?: string }) =>
      reject(new UserError(`${host}:${port}: cannot be listened on (${error.code}); take another --listen`)),
    );
    server.on('clientError', (_, socket) => socket.destroy());
    server.listen(port, host, () => {
      const address = server.address();
      resolve({
        port: typeof address === 'object' && address !== null ? address.port : port,
        close: () => {
          server.close();
          server.closeAllConnections();
        },
      });
    });
  });
}

/** Refuses requests from other sites' pages, and foreign host names. */
function answer({ headers, method, url }: HttpMessage, reply: HttpReply, body: Uint8Array, loopback: boolean): void {
  const send = (status: number, text: Uint8Array, type: string): void => {
    const head = { 'content-type': type, 'content-length': text.length, 'x-content-type-options': 'nosniff', 'cache-control': 'no-store' };
    reply.writeHead(status, { ...head, 'referrer-policy': 'no-referrer', 'x-frame-options': 'SAMEORIGIN' });
    reply.end(method === 'HEAD' ? undefined : text);
  };
  const plain = (status: number, line: string): void => send(status, bytesOf(`${line}\n`), 'text/plain; charset=utf-8');
  if (loopback && isForeign(headers)) plain(403, 'this page is for programs of this machine');
  else if (method !== 'GET' && method !== 'HEAD') plain(405, 'only GET is answered');
  else if (url !== '/' && url?.startsWith('/?') !== true) plain(404, 'there is one page: /');
  else send(200, body, 'text/html; charset=utf-8');
}
