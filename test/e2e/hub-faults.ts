// The faults of a hub on a hostile network: one row a fault. What it does in the place of a commit, of a list of files, and of the bytes of a file.
import { gzipSync } from 'node:zlib';
import { type Asked, endless, entry, HEAD, json, type Lies, part } from './hub-hostile.js';

/** A redirect to a place that is made of the two servers. */
const to =
  (place: (asked: Asked) => string, status = 302) =>
  (asked: Asked): void =>
    void asked.response.writeHead(status, { location: place(asked) }).end();
/** A list that goes on at a place that is made of the two servers. */
const goesOn =
  (place: (asked: Asked) => string) =>
  (asked: Asked): void =>
    json(asked, [entry('tiny-Q8_0.gguf')], { link: `<${place(asked)}>; rel="next"` });
/** A list of these entries alone. */
export const lists =
  (...entries: readonly unknown[]) =>
  (asked: Asked): void =>
    json(asked, entries);
const status =
  (code: number) =>
  ({ response }: Asked): void =>
    void response.writeHead(code).end();
/** The headers of the asked bytes. */
export const begun = (asked: Asked): Asked => {
  asked.response.writeHead(206, { 'content-range': `bytes ${asked.from}-${asked.to}/*` });
  return asked;
};
/** Writes to the connection itself: a beginning, then the same text without an end. */
function again({ request: { socket } }: Asked, text: string, first = ''): void {
  socket.write(first);
  const timer = setInterval(() => socket.writableNeedDrain || socket.write(text), 1);
  socket.on('error', () => undefined).on('close', () => clearInterval(timer));
}
const silent = (): void => undefined;
/** A hundred million spaces. */
const BOMB = gzipSync(Buffer.alloc(1e8, 0x20));

const u32 = (value: number): Buffer => Buffer.from(Uint32Array.of(value).buffer);
const u64 = (value: number): Buffer => Buffer.from(BigUint64Array.of(BigInt(value)).buffer);
const key = (name: string, type: number): Buffer => Buffer.concat([u64(name.length), Buffer.from(name), u32(type)]);
/** The beginning of a GGUF file of so many tensors and values. */
const gguf = (tensors: number, values: number, ...more: readonly Buffer[]): Buffer =>
  Buffer.concat([Buffer.from('GGUF'), u32(3), u64(tensors), u64(values), ...more]);
const LARGE = 2 ** 40;
/** A repository of one large file that begins so. */
const large = (head: Buffer): Lies => ({ list: lists(entry('m-Q8_0.gguf', LARGE)), file: (asked) => part(asked, head, LARGE) });
/** Arrays of 65,536 bytes each. */
const arrays = Buffer.concat(
  Array.from({ length: 300 }, (_, i) => Buffer.concat([key(`a.${i}`, 9), u32(0), u64(65_536), Buffer.alloc(65_536)])),
);
const NAN = Buffer.concat([key('general.architecture', 8), u64(1), Buffer.from('a'), key('a.scale', 6), u32(0x7fc00000)]);

/** A repository of a config.json alone. */
const config = (text: string): Lies => ({
  list: lists(entry('config.json', text.length)),
  file: (asked) => part(asked, Buffer.from(text), text.length),
});

const thousands = (count: number, name: (i: number) => string): object[] => Array.from({ length: count }, (_, i) => entry(name(i), 1));
/** Pages of so many files, without an end. */
export const pages =
  (count: number, name: (i: number) => string) =>
  (asked: Asked): void =>
    json(
      asked,
      thousands(count, (i) => name(asked.cursor * count + i)),
      { link: `<http://${asked.hub}/api/models/o/r/tree/x?cursor=${asked.cursor + 1}>; rel="next"` },
    );

/** Of the commit that a revision is: what the server does, what is said, and what it answers. */
const REVISIONS: readonly [string, RegExp, (asked: Asked) => void][] = [
  ['nothing', /did not answer within 0.5 s/, silent],
  ['a byte now and then', /did not answer within 0.5 s/, (asked) => endless(asked, ' ', 50)],
  [
    'headers without an end',
    /did not answer within 0.5 s|cannot be reached/,
    ({ request }) => void setInterval(() => request.socket.write('a: b\r\n'), 50).unref(),
  ],
  [
    'headers of a megabyte',
    /cannot be reached/,
    ({ request }) => void request.socket.write(`HTTP/1.1 200 OK\r\na: ${'b'.repeat(1e6)}\r\n\r\n`),
  ],
  ['an endless answer', /more than 4 MiB/, (asked) => endless(asked, Buffer.alloc(2 ** 20, 0x20), 1)],
  ['a closed connection', /cannot be reached: /, ({ request }) => void request.socket.destroy()],
  ['what is no HTTP', /cannot be reached: /, ({ request }) => void request.socket.end('SSH-2.0-x\r\n')],
  ['a page', /something else than a commit; is HF_ENDPOINT a hub\?/, (asked) => json(asked, '<html>')],
  ['a list', /something else than a commit/, (asked) => json(asked, [])],
  ['a branch', /something else than a commit/, (asked) => json(asked, { sha: 'main' })],
  ['a path', /something else than a commit/, (asked) => json(asked, { sha: `../../${'0'.repeat(34)}` })],
  [
    'half an answer',
    /cannot be reached: |did not answer/,
    ({ request, response }) => void response.writeHead(200, { 'content-length': 50 }).write('{"sha":', () => request.socket.destroy()),
  ],
  ['brackets', /nests more than 64/, (asked) => json(asked, '['.repeat(1e6))],
  ['a bomb of gzip', /more than 4 MiB/, ({ response }) => void response.writeHead(200, { 'content-encoding': 'gzip' }).end(BOMB)],
  [
    'gzip that is none',
    /cannot be reached: /,
    ({ response }) => void response.writeHead(200, { 'content-encoding': 'gzip' }).end('x'.repeat(100)),
  ],
  [
    'a thousand times gzip',
    /cannot be reached: /,
    ({ response }) => void response.writeHead(200, { 'content-encoding': 'gzip,'.repeat(1000) }).end('x'),
  ],
  ['hints without an end', /did not answer within 0.5 s/, (asked) => again(asked, 'HTTP/1.1 103 Early Hints\r\nlink: <a>\r\n\r\n')],
  [
    'a chunk without an end',
    /did not answer within 0.5 s/,
    (asked) => again(asked, 'a'.repeat(65_536), 'HTTP/1.1 200 OK\r\ntransfer-encoding: chunked\r\n\r\n1;'),
  ],
  [
    'another protocol',
    /cannot be reached: /,
    ({ request }) => void request.socket.write('HTTP/1.1 101 Switching Protocols\r\nupgrade: x\r\nconnection: upgrade\r\n\r\n'),
  ],
  [
    'two lengths',
    /cannot be reached: /,
    ({ request }) => void request.socket.write('HTTP/1.1 200 OK\r\ncontent-length: 1\r\ncontent-length: 5\r\n\r\nabc'),
  ],
  [
    'a refusal that does not end',
    /status 500/,
    (asked) => again(asked, 'a'.repeat(65_536), 'HTTP/1.1 500 x\r\ncontent-length: 99999999999\r\n\r\n'),
  ],
  [
    'a redirect that breaks off',
    /redirect count exceeded|cannot be reached: /,
    ({ request }) => void request.socket.end(`HTTP/1.1 302 x\r\nlocation: ${request.url}\r\ncontent-length: 100\r\n\r\nabc`),
  ],
  ['500', /status 500; try again later/, status(500)],
  ['429', /status 429; try again later/, status(429)],
  ['401', /the token of HF_TOKEN may not read it/, status(401)],
  ['404', /no such repository, revision or file/, status(404)],
  ['a redirect to another server', /redirects to 127.0.0.1:\d+, which is not followed/, to(({ other }) => `http://${other}/x`)],
  ['a redirect to another server by its scheme alone', /which is not followed/, to(({ other }) => `//${other}/x`, 307)],
  ['a redirect to another server over https', /which is not followed/, to(({ other }) => `https://${other}/x`, 308)],
  ['a redirect to a file', /redirects to file:, which is not followed/, to(() => 'file:///etc/passwd')],
  ['a redirect to no address', /redirects to none:, which is not followed/, to(() => 'http://[', 301)],
  ['a redirect to itself', /redirect count exceeded/, to(({ request }) => request.url!)],
  ['a redirect to nowhere', /redirect count exceeded/, status(302)],
  ['a redirect with a password', /which is not followed/, to(({ hub: host }) => `http://a:b@${host}/x`)],
];

/** Of a list of files. */
const LISTS: readonly [string, RegExp, (asked: Asked) => void][] = [
  ['a page', /something else than a list of files; is HF_ENDPOINT a hub\?/, (asked) => json(asked, '<html>')],
  ['an object', /something else than a list of files/, (asked) => json(asked, {})],
  ['nothing', /neither a GGUF file nor a config.json/, lists()],
  [
    'what is no entry',
    /neither a GGUF file nor a config.json/,
    lists(null, 1, 'x', [], {}, { type: 'file' }, entry('m.gguf', '5'), entry('m.gguf', -1)),
  ],
  ['more at another server by digits', /goes on at x:, which is another server/, goesOn(() => 'x:1/leak')],
  ['more at another server', /goes on at 127.0.0.1:\d+, which is another server/, goesOn(({ other }) => `http://${other}/x?cursor=1`)],
  ['more at another server by its scheme alone', /which is another server/, goesOn(({ other }) => `//${other}/x?cursor=1`)],
  [
    'more at another server behind a user',
    /which is another server/,
    goesOn(({ hub: host, other }) => `http://${host}@${other}/x?cursor=1`),
  ],
  ['more at an unknown place', /goes on at an unknown place/, goesOn(({ hub: host }) => `http://${host}/x`)],
  ['more without an end', /lists more than 50000 files, 50 pages/, pages(1, (i) => `${i}.txt`)],
  [
    '250,000 files',
    /more than 4 MiB/,
    (asked) => json(asked, `[${Array.from({ length: 250_000 }, () => '{"type":"file","path":"x-00001-of-00002.gguf","size":1}').join()}]`),
  ],
  ['50,000 files and more', /lists more than 50000 files/, pages(10_001, (i) => `${i}.txt`)],
  [
    '50,000 models',
    /has no file in the format q4_k_m/,
    (asked) => (asked.cursor < 9 ? pages(5000, (i) => `${i}-Q8_0.gguf`)(asked) : json(asked, [])),
  ],
  [
    'a million objects',
    /asks for more than 262,144 lists and objects; no such file does/,
    (asked) => json(asked, `[${'{},'.repeat(1e6)}{}]`),
  ],
  ['a name of 400 kB', /a name of 300006 characters/, lists(entry(`${'_q1'.repeat(100_000)}!.gguf`, 5))],
  ['many names of formats', /has no file in the format q4_k_m/, lists(...thousands(5000, (i) => `${i}${'_q1'.repeat(165)}!.gguf`))],
  ['99,999 parts', /has 99999 parts; no model has more than 1000/, lists(entry('m-Q4_K_M-00001-of-99999.gguf', 1))],
  [
    '40,000 parts',
    /has 40000 parts/,
    (asked) => (asked.cursor < 7 ? pages(5000, (i) => `m-${String(i + 1).padStart(5, '0')}-of-40000.gguf`)(asked) : json(asked, [])),
  ],
  [
    'a part twice',
    /has 2 of its 2 parts; it is being uploaded, or is damaged/,
    lists(...thousands(2, () => 'm-Q4_K_M-00001-of-00002.gguf')),
  ],
  ['a file twice', /has 2 of its 1 parts/, lists(...thousands(2, () => 'm-Q4_K_M.gguf'))],
  ['a way out', /which no repository has/, lists(entry('../../../../etc/passwd.gguf', 5e9))],
  ['a path from the root', /which no repository has/, lists(entry('/etc/passwd.gguf', 5e9))],
  ['escape sequences', /which no repository has/, lists(entry('a\u001b[2J\n::error::x-Q4_K_M.gguf', 5e9))],
  ['a text that turns its direction', /has no file in the format q4_k_m/, lists(entry('b\u202e::error::\u202e.gguf', 5e9))],
  ['half a character', /which no repository has/, lists(entry('\ud800-Q4_K_M.gguf', 5e9))],
  ['9 PB', /with 9000000000000000 bytes; no repository has such a file/, lists(entry('m-Q4_K_M.gguf', 9e15))],
];

/** Of the bytes of a file, or of a whole repository. */
const FILES: readonly [string, RegExp, Lies][] = [
  ['a redirect to another server', /redirects to 127.0.0.1:\d+, which is not followed/, { file: to(({ other }) => `http://${other}/x`) }],
  ['a redirect from http to another server over https', /which is not followed/, { file: to(({ other }) => `https://${other}/x`) }],
  ['a redirect to a password', /which is not followed/, { file: to(({ hub: host }) => `http://a:b@${host}/x`) }],
  ['a redirect without an end', /redirect count exceeded/, { file: to(({ request }) => `${request.url}x`) }],
  [
    'other bytes',
    /sends other bytes of tiny-Q8_0.gguf than 0-262143, which were asked for/,
    { file: ({ response }) => void response.writeHead(206, { 'content-range': 'bytes 7-9/10' }).end('abc') },
  ],
  [
    'bytes of another file',
    /sends other bytes of tiny-Q8_0.gguf than 0-262143, which were asked for/,
    { file: (asked) => part(asked, HEAD, 999_999) },
  ],
  [
    'bytes of nowhere',
    /sends other bytes of tiny-Q8_0.gguf/,
    { file: ({ response }) => void response.writeHead(206).end(Buffer.alloc(262_144)) },
  ],
  [
    'several parts',
    /sends other bytes of tiny-Q8_0.gguf/,
    {
      file: ({ response }) =>
        void response.writeHead(206, { 'content-type': 'multipart/byteranges; boundary=x' }).end(Buffer.alloc(262_144)),
    },
  ],
  [
    'all bytes',
    /as a whole instead of the part/,
    { file: ({ response }) => void response.writeHead(200, { 'content-length': 1e6 }).write(HEAD) },
  ],
  [
    'too few bytes',
    /1 bytes came where 262144 were asked for/,
    { file: ({ from, response, to: last }) => void response.writeHead(206, { 'content-range': `bytes ${from}-${last}/1000000` }).end('G') },
  ],
  [
    'too many bytes',
    /more than the 262144 bytes came/,
    {
      file: ({ from, response, to: last }) =>
        void response.writeHead(206, { 'content-range': `bytes ${from}-${last}/*` }).end(Buffer.alloc(300_000)),
    },
  ],
  [
    'bytes without an end',
    /more than the 262144 bytes came/,
    {
      file: (asked) => endless(begun(asked), Buffer.alloc(2 ** 20), 1),
    },
  ],
  [
    'a byte now and then',
    /did not answer within 0.5 s/,
    {
      file: (asked) => endless(begun(asked), 'G', 20),
    },
  ],
  [
    'no bytes at last',
    /did not answer within 0.5 s/,
    {
      list: lists(entry('m-Q8_0.gguf', 5e9)),
      file: (asked) => (asked.from === 0 ? part(asked, gguf(0, 1, key('a', 9), u32(8), u64(1e6)), 5e9) : undefined),
    },
  ],
  ['what is no model', /is no GGUF file/, { file: (asked) => part(asked, Buffer.alloc(9)) }],
  ['nothing', /is empty/, { list: lists(entry('m-Q8_0.gguf', 0)) }],
  ['a header without an end', /its header does not end within 32 MiB/, large(gguf(0, 1, key('a', 9), u32(8), u64(2 ** 28)))],
  ['a million tensors', /more than 1099511627776 bytes can describe/, large(gguf(1e6, 0))],
  ['100,000 empty tensors', /tensor "": its data lie over those of the next tensor/, large(gguf(1e5, 0))],
  ['many arrays', /asks for more than 1,048,576 numbers in arrays/, large(gguf(0, 300, arrays))],
  ['what is no number', /its headers hold what is no number/, large(gguf(0, 2, NAN))],
  ['an empty config.json', /its config.json has 0 bytes/, { list: lists(entry('config.json', 0)) }],
  ['a config.json of 5 MB', /its config.json has 5000000 bytes/, { list: lists(entry('config.json', 5e6)) }],
  ['a config.json that is a list', /is not a JSON object/, config('[]')],
  ['a config.json of brackets', /nests more than 64/, config('{"a":'.repeat(1000))],
  ['a config.json of a million objects', /asks for more than 262,144 lists and objects/, config(`{"a":[${'{},'.repeat(1.3e6)}{}]}`)],
  [
    'a config.json of a billion layers',
    /num_hidden_layers|num_experts|hidden_size/,
    config('{"model_type":"olmoe","num_experts":1e9,"num_hidden_layers":1e9,"hidden_size":1e9}'),
  ],
  ['a config.json with a prototype', /has the key "__proto__"; no such file has/, config('{"__proto__":{"a":1},"model_type":"olmoe"}')],
];

/** All of them: what they replace, what is said, and the answers. */
export const FAULTS = [
  ...REVISIONS.map(([name, says, revision]) => ({ of: 'a commit', name, says, lies: { revision } as Lies })),
  ...LISTS.map(([name, says, list]) => ({ of: 'a list', name, says, lies: { list } as Lies })),
  ...FILES.map(([name, says, lies]) => ({ of: 'a file', name, says, lies })),
];
