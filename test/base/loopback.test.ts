import { expect, it } from 'vitest';
import { isForeign, isLoopback } from '../../src/base/loopback.js';

it.each([
  ['localhost', true],
  ['LOCALHOST:80', true],
  ['127.0.0.1', true],
  ['127.1.2.3:65535', true],
  ['[::1]:8642', true],
  ['::1', true],
  ['0.0.0.0', false],
  ['192.168.1.2', false],
  ['localhost.evil.example', false],
  ['evil.example:80', false],
  ['127.0.0.1.evil.example', false],
  ['', false],
])('%j is this machine alone: %s', (name, is) => {
  expect(isLoopback(name)).toBe(is);
});

it.each([
  [{ host: 'localhost:80' }, false],
  [{ host: '127.0.0.1', origin: 'http://localhost:3000' }, false],
  [{ host: '[::1]:80', origin: 'https://[::1]' }, false],
  [{}, true],
  [{ host: 'evil.example' }, true],
  [{ host: 'evil.example', origin: 'http://localhost' }, true],
  [{ host: 'localhost', origin: 'http://evil.example' }, true],
  [{ host: 'localhost', origin: 'http://localhost@evil.example' }, true],
  [{ host: 'localhost', origin: 'null' }, true],
  [{ host: 'localhost', origin: '' }, true],
  [{ host: 'localhost', origin: 'file://' }, true],
])('a request with %j is foreign: %s', (headers, is) => {
  expect(isForeign(headers)).toBe(is);
});
