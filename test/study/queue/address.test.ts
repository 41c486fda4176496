import { describe, expect, it } from 'vitest';
import { queueAddress } from '../../../src/study/queue/address.js';
import { serverError } from '../../../src/study/queue/server-error.js';

describe('an address of a queue', () => {
  it('has host, port, database, user and password, and shows neither of the last two', () => {
    expect(queueAddress('rediss://ann:s%40cret@[::1]:7000/3', 'team', {})).toEqual({
      ...{ shown: 'rediss://[::1]:7000/3', host: '::1', port: 7000, db: 3, tls: true },
      ...{ username: 'ann', password: 's@cret', prefix: 'team' },
    });
    const plain = queueAddress('redis://localhost', undefined, {});
    expect([plain.shown, plain.db, plain.tls, plain.password, plain.prefix]).toEqual([
      'redis://localhost:6379/0',
      0,
      false,
      undefined,
      'moeprof',
    ]);
  });

  it('takes a password from the environment, unless it has one itself', () => {
    const env = { MOEPROF_QUEUE_PASSWORD: 'p%40' };
    expect(queueAddress('redis://ann@host', undefined, env).password).toBe('p%40');
    expect(queueAddress('redis://ann:own@host', undefined, env).password).toBe('own');
  });

  it.each<[string, RegExp]>([
    ['http://ann:secret@host', /http:\/\/ is not how Valkey and Redis are reached/],
    ['redis:', /names no host/],
    ['localhost:6379', /is not how/],
    ['redis://ann:secret@host/one', /\/one is no number of a database/],
    ['redis://ann:secret@host/0?ssl=1', /\?ssl=1 means nothing here/],
    ['redis://ann:secret@host:99999/0', /is no address/],
    ['redis://ann:%zz-secret@host/0', /has a % in user or password/],
  ])('refuses %s', (text, message) => {
    expect(() => queueAddress(text, undefined, {})).toThrow(message);
    expect(() => queueAddress(text, undefined, {})).toThrow(/^(?!.*secret)--queue .*; write e\.g\. redis:\/\/localhost:6379\/0/);
  });

  it('refuses a prefix that would be a pattern or a key of its own', () => {
    expect(() => queueAddress('redis://host', 'a:b', {})).toThrow('--queue-prefix a:b: expected up to 64 letters');
    expect(() => queueAddress('redis://host', '', {})).toThrow('--queue-prefix');
  });
});

describe('what a server says', () => {
  it.each<[string, RegExp]>([
    ['WRONGPASS invalid username-password pair or user is disabled.', /does not let in this user/],
    ['NOAUTH Authentication required.', /asks for a password/],
    ["NOPERM User ann has no permissions to run the 'info' command", /does not let this user/],
    ["OOM command not allowed when used memory > 'maxmemory'.", /has no memory left/],
    ['connect ECONNREFUSED 127.0.0.1:1', /nobody listens there/],
    ['self-signed certificate', /certificate that is not trusted/],
    ["ERR_TLS_CERT_ALTNAME_INVALID Hostname/IP does not match certificate's altnames", /shows a certificate of another name/],
    ['CERT_HAS_EXPIRED certificate has expired', /shows a certificate that has expired/],
    ['something\nelse', /: something else$/],
  ])('%s is one line', (said, message) => {
    const error = serverError({ shown: 'redis://host:6379/0' }, new Error(said));
    expect(error.message).toMatch(message);
    expect(error.message).toMatch(/^--queue redis:\/\/host:6379\/0: [^\n]*$/);
    expect(error.exitCode).toBe(2);
  });
});
