import type { Command } from 'commander';
import { listen } from '../base/host/process.js';
import type { CliContext } from './kit/context.js';
import { declared } from './kit/declared.js';
import { listenAddress, serverAddress } from './kit/listen-address.js';
import type { Texts } from './kit/options.js';
import { servePage } from './kit/page-server.js';
import { pageFor } from './play.js';

/** `moeprof serve`: serves the page of `moeprof play` until Ctrl-C. */
export function define(command: Command, context: CliContext): void {
  declared(command, 'serve').action(
    async (model: string | undefined, { listen: address, ...options }: Texts<'hardware'> & Required<Texts<'listen'>>) => {
      const { host, port } = listenAddress(address, '127.0.0.1:8642');
      const served = await servePage({ page: pageFor(model, options), host, port });
      const ended = new Promise<void>((end) => {
        for (const signal of ['SIGINT', 'SIGTERM'] as const) listen(signal, () => end());
      });
      context.out(`${serverAddress(host, served.port)}/\n`);
      context.note('Ctrl-C ends it');
      await ended;
      served.close();
    },
  );
}
