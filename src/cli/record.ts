import type { Command } from 'commander';
import { UserError } from '../base/errors.js';
import { AtomicFile } from '../base/files.js';
import { pasted } from '../base/shell.js';
import { parseCount } from '../base/units.js';
import { readPrompts, recordRouting } from '../record/door.js';
import { type Document, note, printable, renderTerminal } from '../report/door.js';
import { auditTrace } from '../trace/audit/index.js';
import type { RoutingTrace } from '../trace/trace.js';
import { parseVariant, stackVariants } from '../trace/variants/index.js';
import type { CliContext } from './kit/context.js';
import { declared } from './kit/declared.js';
import { parseSeed, positiveCount } from './kit/options.js';
import { watched } from './kit/watched.js';
import { RECORD, type RecordFlags } from './record-flags.js';
import { recordProxied } from './record-proxy.js';
import { auditBlocks } from './trace/audit.js';
import { inspectionGrids, inspectionTop, inspectTrace } from './trace/inspect.js';
import { withNamed } from './trace/open.js';
import { layoutOf, writeTrace } from './trace/write.js';

/** Ours: thousands are enough, and an engine with room for more ends for lack of memory. */
const MOST_TOKENS = 1e7;

/** Help. */
export const help = `Examples:
  moeprof record model.gguf --prompts my.jsonl -o t.safetensors
  moeprof record model.gguf --prompts my.jsonl --tokens 8000 --seed 7 -o t.jsonl
  moeprof record model.gguf --prompts my.jsonl --gates 3 -o wide.safetensors
  moeprof record model.gguf --prompts my.jsonl --backend vulkan -o t.safetensors
  moeprof record --proxy http://localhost:8000 -o traffic.safetensors
  moeprof record --proxy http://localhost:30000 -m qwen3-30b-a3b -o t.jsonl
  moeprof record --proxy http://gpu1:8000 --requests 200 -o t.safetensors

A model needs llama.cpp and koffi:
npm install --ignore-scripts @fugood/llama.node@1.7 koffi@3
Start vLLM or SGLang with --enable-return-routed-experts, and let clients
connect to the address of --listen. The traffic passes as it is; ids of tokens
are not kept unless --keep-text says so.

llama-server writes its routing itself, beside an expert cache (b12191):
LLAMA_MOE_CACHE_TRACE=t.mct1 llama-server -m model.gguf --moe-cache-mib 4096`;

/** `moeprof record`. */
export function define(command: Command, context: CliContext): void {
  declared(command, RECORD, { first: ['--prompts', '--proxy', '--tokens', '-m', '-o'] }).action(
    async (model: string | undefined, flags: RecordFlags) => {
      const { backend, output, prompts, proxy } = flags;
      if (proxy !== undefined && model === undefined) return recordProxied({ ...flags, proxy }, context);
      if (proxy !== undefined)
        throw new UserError(`${model}: a server has its model already; leave out the file or --proxy (-m names its shape)`);
      if (model === undefined) throw new UserError('nothing to record; name a GGUF file with --prompts, or a server with --proxy');
      if (prompts === undefined)
        throw new UserError(`${model}: record needs --prompts my.jsonl: a text in quotes, or {"prompt": "..."}, a line`);
      layoutOf(output);
      // A bad path fails before the engine computes for minutes.
      if (output !== '-') new AtomicFile(output).abort();
      const request = {
        model,
        backend,
        prompts: readPrompts(prompts),
        tokens: positiveCount('--tokens', flags.tokens, MOST_TOKENS),
        gates: parseCount(flags.gates, '--gates'),
        seed: parseSeed(flags.seed),
      };
      const made = await watched(context, 'recording', 'tokens', (watch) => recordRouting(request, watch));
      const { choices, compared, differsAt, timesAsLong, trace } = made;
      try {
        await writeTrace(trace, output, {}, context);
      } finally {
        trace.close();
      }
      const same = differsAt === null ? `the same ${compared} tokens` : `other tokens from the ${differsAt + 1}. of ${compared} on`;
      const time = compared === 0 ? '' : `; a token takes ${timesAsLong.toFixed(2)} times as long to record`;
      const text = `the first prompt without recording: ${same}${time}`;
      if (output === '-') return context.note(text);
      if (context.options.quiet) return;
      const shown = await withNamed(output, {}, (written) => reportOn(written, choices, model, context));
      const line = { text, tone: differsAt === null ? 'plain' : 'warning' } as const;
      context.out(renderTerminal({ ...shown, lead: [...shown.lead!, line] }, context.reportOptions));
    },
  );
}

async function reportOn(written: RoutingTrace, choices: number, model: string, context: CliContext): Promise<Document> {
  const wide = written.topK > choices;
  const trace = wide ? stackVariants(written, [parseVariant(`top-k=${choices}`)], { model: null, seed: 1 }) : written;
  const inspection = await inspectTrace(trace, context);
  const [file, gguf] = [written.path, model].map((path) => pasted(printable(path)));
  const next = wide
    ? [
        `moeprof run -m MODEL -t ${file} --cache 25% --rerank 1`,
        `moeprof trace convert ${file} --variant top-k=${choices} -o choices.safetensors`,
      ]
    : [`moeprof curve -t ${file}`, `moeprof advise ${gguf} -t ${file}`];
  const blocks = [...inspectionGrids(inspection), ...auditBlocks(auditTrace(trace)), note('What next:')];
  return { ...inspectionTop(inspection), blocks: [...blocks, { kind: 'code', lines: next }] };
}
