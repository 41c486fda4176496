import http from 'node:http';
import { expect, it } from 'vitest';
import { servePage } from '../../../src/cli/kit/page-server.js';

it('answers programs of this machine alone', async () => {
  const { close, port } = await servePage({ page: '<p>', host: '127.0.0.1', port: 0 });
  const status = (headers: http.OutgoingHttpHeaders): Promise<number> =>
    new Promise((done, fail) => {
      const took = (reply: http.IncomingMessage): void => {
        reply.resume();
        done(reply.statusCode!);
      };
      http.get({ host: '127.0.0.1', port, headers }, took).on('error', fail);
    });
  try {
    expect(await status({})).toBe(200);
    expect(await status({ origin: 'http://localhost:5173' })).toBe(200);
    expect(await status({ host: 'evil.example' })).toBe(403);
    expect(await status({ origin: 'http://evil.example' })).toBe(403);
  } finally {
    close();
  }
});
