// Options that several commands take.
import type { OutputFormat } from '../../report/door.js';
import { options } from './declared.js';

/** `-o`, `--format` and `--json` of a command with reports. */
export function output<T>(formats: readonly OutputFormat<T>[]) {
  const names = formats.map((format) => format.name);
  const endings = formats.flatMap(({ name, extensions }) => (extensions.length === 0 ? [] : [`${extensions[0]} ${name}`])).join(', ');
  const prefixed = formats.filter(({ extensions }) => extensions.length === 0).map(({ name }) => name);
  const needs = prefixed.length === 1 ? 'needs its' : 'need their';
  const others = prefixed.length === 0 ? '' : `; ${prefixed.join(', ')} ${needs} name before it`;
  const usual = names[0] === 'table' ? 'a table on stdout' : `${names[0]} on stdout`;
  const text = `write to a file, repeatable; the ending tells the format (${endings}${others}), - is stdout`;
  return options({
    'Output:': '',
    '-o, --output <[format=]path>...': [text, { shown: usual }],
    '--format <name>': ['what to print on stdout', { choices: names }],
    '--json': ['short for --format json', { excludes: 'format' }],
  });
}

/** `--html`. @param text what it writes */
export const htmlPage = (text: string) => options({ '--html <path>': `${text}, short for -o html=<path>` });

/** `--svg`. @param text what it draws */
export const svgFigure = (text: string) => options({ '--svg <path>': `${text}, short for -o svg=<path>` });

/** Figures of a report. */
export const PICTURES = options({ ...svgFigure('draw a figure for print'), ...htmlPage('write a page with figures that zoom') });

/** What the machine reached. */
export const TIMING = options({
  '--timing <timing>...': 'what this machine reached: "eval 24.3 tok/s, prompt 410 tok/s, -ncmoe 26", or the path of a log; repeatable',
});

/** Modules of YAML files. */
export const ALLOW_CODE = options({
  '--allow-code': 'let YAML files name modules of their own (./mine.mjs): they run with your rights',
});

/** A model by its shape alone. */
const SHAPED = options({
  '--shape <shape>': [
    'layers x experts x top-k where no model is named, as 48x128x8: hit rates alone, sizes are unknown',
    { excludes: 'model' },
  ],
});

const COLUMNS = options({
  '--trace-columns <map>': 'columns of a CSV, JSON lines or Parquet table: layer=…,experts=…,token=…',
});

/** Model of replayed traces. */
export const TRACED_MODEL = options({
  '-m, --model <model>': 'model: a bundled name, a file or hf:owner/repo; may be left out where the trace names it',
  ...SHAPED,
});

/** Format of replayed traces. */
export const TRACES_FORMAT = options({
  '--trace-format <format>': 'format of the traces, instead of recognising it; a reader of your own: ./mine.mjs',
  ...COLUMNS,
});

/** A written trace. */
export const TRACE_OUTPUT = options({
  '-o, --output <path>': ['where to: .safetensors, .jsonl, or - for JSONL on stdout', { required: true }],
});

/** Runs at a time. */
export const RUN_JOBS = options({ '-j, --jobs <n>': 'runs at a time (default: the machine’s cores)' });

/** How a trace is read. */
export const TRACE = options({
  '-m, --model <model>': 'model that was recorded, where the file does not say its layers and experts',
  ...SHAPED,
  '--trace-format <format>': 'format of the file, instead of recognising it; a reader of your own: ./mine.mjs',
  ...COLUMNS,
});
