import { UserError } from '../base/errors.js';
import { AtomicFile } from '../base/files.js';
import { isLoopback } from '../base/loopback.js';
import { pasted } from '../base/shell.js';
import { formatCount, formatCounted } from '../base/units.js';
import { loadModel } from '../model/door.js';
import { AnswerFile, recordThroughProxy, shownAddress } from '../record/door.js';
import { printable } from '../report/door.js';
import type { CliContext } from './kit/context.js';
import { listenAddress, serverAddress } from './kit/listen-address.js';
import { positiveCount } from './kit/options.js';
import type { RecordFlags } from './record-flags.js';
import { describeTrace, identityOf } from './trace/open.js';
import { layoutOf, writeTrace } from './trace/write.js';

type ProxyFlags = Pick<RecordFlags, 'keepText' | 'listen' | 'model' | 'output' | 'requests'> & { readonly proxy: string };

/** `moeprof record --proxy`: records until Ctrl-C or a number of answers. @throws UserError */
export async function recordProxied(flags: ProxyFlags, context: CliContext): Promise<void> {
  const { output } = flags;
  layoutOf(output);
  // A bad path fails before hours of traffic.
  if (output !== '-') new AtomicFile(output).abort();
  const rows = new AnswerFile(output === '-' ? null : `${output}.part.jsonl`);
  const server = addressOf(flags.proxy);
  const { host, port } = listenAddress(flags.listen, '127.0.0.1:30080');
  const model = flags.model === undefined ? {} : { model: loadModel(flags.model) };
  if (!isLoopback(host))
    context.note(`--listen ${flags.listen}: whoever reaches this machine reaches the server, and what passes is not encrypted`);
  const { missed, recorded, trace } = await recordThroughProxy({
    server,
    host,
    port,
    options: model,
    rows,
    keepText: flags.keepText,
    most: flags.requests === undefined ? Number.POSITIVE_INFINITY : positiveCount('--requests', flags.requests),
    tell: (line) => context.note(line),
    ready: (port) =>
      context.note(`${serverAddress(host, port)} stands before ${shownAddress(server)}; Ctrl-C ends the recording and writes ${output}`),
  });
  try {
    await writeTrace(trace, output, {}, context);
    rows.remove();
    if (output === '-') return;
    const shown = (text: string): string => pasted(printable(text));
    const named = ['trace audit', 'curve -t'].map(
      (command) => `\n  moeprof ${command} ${shown(output)}${flags.model === undefined ? '' : ` -m ${shown(flags.model)}`}`,
    );
    const prefill = trace.requests.reduce((sum, request) => sum + request.prefill, 0);
    const lines = [
      `${printable(output)}: ${describeTrace(identityOf(trace))}`,
      `${formatCount(prefill)} tokens are of prompts; ${formatCounted(recorded, 'answer')} recorded`,
      ...[...missed].map(([why, count]) => `${formatCounted(count, 'answer')} not: ${printable(why)}`),
      `What next:${named.join('')}`,
    ];
    context.out(`${lines.join('\n')}\n`);
  } finally {
    trace.close();
  }
}

/** @throws UserError unless the text is a server's address */
function addressOf(text: string): URL {
  const url = URL.canParse(text) ? new URL(text) : null;
  if (url !== null && /^https?:$/.test(url.protocol) && url.search + url.hash === '') return url;
  throw new UserError(`--proxy ${text}: is no address of a server; write e.g. http://localhost:30000`);
}
