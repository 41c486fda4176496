// Servers that lie to whoever asks them. Requests whose path names no lie go on to an honest server.
import net from 'node:net';

/** What a lie may do: send, and send a text again and again until nobody listens. */
interface Talk {
  send(text: string): void;
  forever(text: () => string, everyMs?: number): void;
  end(): void;
}

const head = (type: string, more = ''): string => `HTTP/1.1 200 OK\r\ncontent-type: ${type}\r\n${more}\r\n`;
const STREAM = head('text/event-stream');
const JSON_TYPE = 'application/json';
const whole = (body: string, type = JSON_TYPE): string => head(type, `content-length: ${body.length}\r\n`) + body;
let asked = 0;

/** By name; what a client then gets and what is told of it stands in the test. */
export const LIES: Readonly<Record<string, (talk: Talk) => void>> = {
  'another protocol': ({ send }) => send('HTTP/1.1 101 Switching Protocols\r\nupgrade: x\r\nconnection: upgrade\r\n\r\n'),
  'hints without an end': ({ forever }) => forever(() => 'HTTP/1.1 103 Early Hints\r\nx: y\r\n\r\n'),
  'an event without an end': ({ send, forever }) => {
    send(`${STREAM}data: {"a":"`);
    forever(() => 'x'.repeat(65_536));
  },
  'an event of lines without an end': ({ send, forever }) => {
    send(`${STREAM}data: {"a":"`);
    forever(() => 'x\n'.repeat(32_768));
  },
  'empty events without an end': ({ send, forever }) => {
    send(STREAM);
    forever(() => '\n'.repeat(65_536));
  },
  'a body without an end': ({ send, forever }) => {
    send(`${head(JSON_TYPE)}{"a":"`);
    forever(() => 'x'.repeat(65_536));
  },
  'a body that drips': ({ send, forever }) => {
    send(`${head(JSON_TYPE)}{"a":"`);
    forever(() => 'x', 20);
  },
  'an event that drips': ({ send, forever }) => {
    send(`${STREAM}data: {"a":"`);
    forever(() => 'x', 20);
  },
  nothing: () => undefined,
  'a status below all': ({ send }) => send('HTTP/1.1 010 Odd\r\ncontent-length: 2\r\n\r\nok'),
  'an answer after the answer': ({ send }) => send(`${whole('{}')}${whole('{"evil": 1}')}`),
  'a type of its own each time': ({ send }) => send(whole('{}', `text/x${asked++}${'y'.repeat(5000)}`)),
  'lists in lists': ({ send }) => send(whole('['.repeat(100_000))),
  'as many answers as fit': ({ send, end }) => {
    send(`${head(JSON_TYPE)}{"meta_info":{},"choices":[{}${',{}'.repeat(20_000)}]}`);
    end();
  },
  'another field in each event': ({ send, end }) => {
    send(STREAM);
    for (let at = 0; at < 900; at++) send(`data: {"choices":[],"k${at}":${at}}\n\n`);
    end();
  },
  'rows of more than a million tokens': ({ send }) => {
    const rows = 1_200_000;
    const experts = `{"data":"${'A'.repeat((rows * 4) / 3)}","shape":[${rows},1,1],"start":0,"dtype":"uint8"}`;
    send(whole(`{"meta_info":{"prompt_tokens":${rows},"completion_tokens":1,"routed_experts":${experts}}}`));
  },
};

/** Address of a server that lies where its path is the place of a lie in {@link LIES} (`/3/generate`), and passes on all else. */
export async function liar(honest: string): Promise<{ readonly url: string; close(): void }> {
  const open = new Set<net.Socket>();
  const server = net.createServer((socket) => {
    open.add(socket);
    socket.on('error', () => undefined);
    socket.once('data', (first) => {
      const lie = Object.values(LIES)[Number(/^\w+ \/(\d+)\//.exec(first.toString('latin1'))?.[1])];
      if (lie === undefined) {
        const to = net.connect(Number(new URL(honest).port), '127.0.0.1');
        to.on('error', () => undefined).write(first);
        return void socket.pipe(to).pipe(socket);
      }
      socket.resume();
      lie({
        send: (text) => void socket.write(text),
        end: () => void socket.end(),
        forever(text, everyMs = 0) {
          const more = (): void => {
            if (socket.destroyed) return;
            if (socket.write(text())) setTimeout(more, everyMs);
            else socket.once('drain', more);
          };
          more();
        },
      });
    });
  });
  await new Promise<void>((done) => void server.listen(0, '127.0.0.1', done));
  return {
    url: `http://127.0.0.1:${(server.address() as net.AddressInfo).port}`,
    close() {
      for (const socket of open) socket.destroy();
      server.close();
    },
  };
}
