// Nothing that is read goes untried: kinds of files, formats of traces, logs and arrivals, and files of src that take a text apart, as the
// code lists them, each have a reader of the fuzz test with a file that it reads.
import { readdirSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { describe, expect, it } from 'vitest';
import { INPUT_KINDS, type InputKind } from '../../src/base/input-kinds.js';
import { TIMING_FORMATS } from '../../src/runtime/timings.js';
import { formatOf, traceFormats } from '../../src/trace/formats/index.js';
import { openSource } from '../../src/trace/source.js';
import { fileOf, temporaryFolder } from '../trace/builders.js';
import { readers } from './readers.js';

const SRC = join(import.meta.dirname, '../../src');
const folder = temporaryFolder();

/** What takes bytes or a text apart, or opens what a user names. */
const TAKES = /\b(readText|withInput|InputFile\.open|locateYaml|readYaml|readJson|parseJson|parseJsonBytes|JSON\.parse|safeParse|parsed)\(/;

/** Readers of the fuzz test by the files of src that they try; `own`: it reads what the package brings, or tools of this machine print. */
const TRIED_BY: Readonly<Record<string, string>> = {
  'base/input-file': 'run',
  'base/nesting': 'result',
  'base/user-module': 'module',
  'base/yaml': 'run',
  'cli/tune/kept': 'machine of parts',
  // Of a text for prompts nothing but its length counts.
  'cli/tune/talk': 'own',
  'cli/baseline-history': 'result',
  'cli/compare': 'budgets',
  'cli/measure': 'log of a runtime',
  'cli/operands': 'result',
  'cli/profiles': 'own',
  'engine/outcome/comparable': 'own',
  'figure/cite/cited': 'own',
  'figure/table/kept-rows': 'own',
  'hardware/detect/tools/rocm-smi': 'own',
  'hardware/detect/tools/system-information': 'own',
  'hardware/load': 'machine of parts',
  'hardware/parts/catalogue': 'own',
  'hardware/runtime': 'runtime',
  'measured/reproduce/reproduction': 'reproduction',
  'measured/validate/rows/measurement': 'measurements',
  'model/gguf-header': 'gguf',
  'model/hub/client': 'own',
  'model/hub/fetch': 'entry of the hub cache',
  'model/hub/store': 'entry of the hub cache',
  'model/json': 'config.json',
  'model/load/load': 'model',
  'model/safetensors': 'safetensors',
  'model/table': 'own',
  'place/formats/exllamav3': 'placement profile',
  'place/formats/format': 'placement profile',
  'place/formats/index': 'placement profile',
  'predict/onnx/predictor/onnx': 'predictor',
  'predict/onnx/session': 'predictor',
  'record/llama': 'own',
  'record/prompts': 'prompts',
  'record/proxy-fields': 'body for a proxy',
  'record/record': 'own',
  'result/read': 'result',
  'result/version': 'own',
  'runtime/llama.cpp/llama-bench': 'log of a runtime',
  'runtime/timings': 'log of a runtime',
  'model/quality': 'table of scores',
  'schedule/arrivals/load': 'workload',
  'schedule/arrivals/mooncake': 'workload',
  'study/fingerprint': 'own',
  'study/queue/chunks': 'notes of a queue',
  'study/queue/protocol': 'notes of a queue',
  'study/queue/seal': 'key',
  'study/queue/sent-cell': 'cell of a queue',
  'study/queue/sent-result': 'news of a queue',
  // Files of the worker's own, whose digest a cell names.
  'study/queue/worker-files': 'cell of a queue',
  'study/read-runs': 'rows of a study',
  'study/search/point-profile': 'search',
  'study/search/search-file': 'search',
  'study/store': 'entry of a store',
  'study/study-file': 'study',
  'system/load-run': 'run',
  'system/system': 'system',
  'trace/convert/index': 'remap',
  'trace/source': 'trace',
};

/** Files of src, by their paths without the ending. */
function takers(): string[] {
  const names = readdirSync(SRC, { recursive: true, encoding: 'utf8' }).filter((name) => name.endsWith('.ts'));
  const taking = names.filter((name) => TAKES.test(readFileSync(join(SRC, name), 'utf8').replace(/^\s*(\/\/|\/?\*).*$/gm, '')));
  // Formats of traces are tried one by one, below.
  return taking
    .map((name) => name.replaceAll('\\', '/').replace(/\.ts$/, ''))
    .filter((name) => !/^(trace\/formats|report\/page)\//.test(name));
}

describe('the fuzz test tries', () => {
  it('every kind of file', () => {
    const tried = new Set(Object.values(readers).flatMap(({ kinds }) => kinds));
    expect((Object.keys(INPUT_KINDS) as InputKind[]).filter((kind) => !tried.has(kind))).toEqual([]);
  });

  it('every file of src that takes a text apart, and lists none that does not', () => {
    expect(takers().sort()).toEqual(Object.keys(TRIED_BY).sort());
    const known = new Set(['own', ...Object.keys(readers)]);
    expect(Object.values(TRIED_BY).filter((name) => !known.has(name))).toEqual([]);
  });

  it('every format of a trace', async () => {
    const seen = new Set<string>();
    for (const bytes of Object.values(readers.trace!.files)) {
      const source = await openSource(fileOf(folder, 'seed', bytes));
      seen.add(formatOf(source).name);
      source.close();
    }
    expect(traceFormats.map(({ name }) => name).filter((name) => !seen.has(name))).toEqual([]);
  });

  it('every format of a log', () => {
    const logs = Object.values(readers['log of a runtime']!.files).map((bytes) => Buffer.from(bytes).toString());
    expect(TIMING_FORMATS.filter((format) => !logs.some((log) => TIMING_FORMATS.find((one) => one.recognizes(log)) === format))).toEqual(
      [],
    );
  });
});
