import type { Command } from 'commander';
import { listen } from '../base/host/process.js';
import type { CliContext } from './kit/context.js';
import { declared, type OptionsOf, options } from './kit/declared.js';
import { listenAddress, serverAddress } from './kit/listen-address.js';
import { servePage } from './kit/page-server.js';
import { pageFor, QUESTION } from './play.js';

const SERVE = options({
  ...QUESTION,
  '--listen <host:port>': ['where browsers connect; port 0 is a free one', { default: '127.0.0.1:8642' }],
});

/** Help. */
export const help = `Examples:
  moeprof serve
  moeprof serve gpt-oss-120b -w rtx-3090+64GB --listen 127.0.0.1:0`;

/** `moeprof serve`: serves the page of `moeprof play` until Ctrl-C. */
export function define(command: Command, context: CliContext): void {
  declared(command, SERVE).action(async (model: string | undefined, { listen: address, ...options }: OptionsOf<typeof SERVE>) => {
    const { host, port } = listenAddress(address, '127.0.0.1:8642');
    const served = await servePage({ page: pageFor(model, options), host, port });
    const ended = new Promise<void>((end) => {
      for (const signal of ['SIGINT', 'SIGTERM'] as const) listen(signal, () => end());
    });
    context.out(`${serverAddress(host, served.port)}/\n`);
    context.note('Ctrl-C ends it');
    await ended;
    served.close();
  });
}
