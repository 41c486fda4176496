import { definedFields } from '../../base/objects.js';
import { machineOfLog } from '../logs/devices.js';
import { LONGEST_LINE, listField, printedSize, wholeOf } from '../logs/lines.js';
import type { TimingBuffer, TimingSettings } from '../logs/timing.js';

/** A command line: a shell prompt and a llama.cpp program. */
const PROGRAM = /(?:^|[\s/\\$>])(?:llama-(?:server|cli|bench|sweep-bench|batched-bench)|server|main)(?:\.exe)?\s+(-.*)$/;

function settingsOfCommand(text: string): TimingSettings {
  const joined = text.replace(/\\\r?\n\s*/g, ' ');
  for (const line of joined.split('\n')) {
    const found = PROGRAM.exec(line);
    if (found === null) continue;
    const settings = settingsOfFlags(`${line.slice(0, found.index)} ${found[1]!}`);
    const { allCpuMoe, cpuMoe, gpuLayers, overrides } = settings;
    const fitted = FITTED.test(line) && (allCpuMoe ?? cpuMoe ?? gpuLayers ?? overrides) === undefined;
    return { ...settings, ...(!fitted && { command: line.trim().slice(0, MOST) }) };
  }
  return {};
}

/** Flags that leave the speed of a conversation alone, and those that a timing holds. */
const UNDERSTOOD = new Set(
  (
    '-m --model -hf -hfr --hf-repo -hff --hf-file -t --threads -ub --ubatch-size -b --batch-size -c --ctx-size -ngl --n-gpu-layers --gpu-layers ' +
    '-ncmoe --n-cpu-moe -cmoe --cpu-moe -ot --override-tensor -ctk --cache-type-k -ctv --cache-type-v -fa --flash-attn --no-mmap --mmap -mmp ' +
    '-lm --load-mode --mlock --no-op-offload -nopo --numa -np --parallel -mg --main-gpu -dev --device ' +
    '-p -n -r -d -pg -o -oe -s -e -f -v -a -to -cb -st -cnv -no-cnv -lv -kvu --host --port --api-key --alias --jinja --temp --top-k --top-p ' +
    '--min-p --top-nsigma --repeat-penalty --presence-penalty --frequency-penalty --seed --prompt --file --n-predict --n-prompt --n-gen ' +
    '--n-depth --repetitions --output --output-err --verbose --progress --slots --no-slots --metrics --props --chat-template ' +
    '--chat-template-file --chat-template-kwargs --reasoning --reasoning-format --reasoning-budget --webui --no-webui --color --simple-io ' +
    '--no-warmup --warmup --threads-http --timeout --cont-batching --kv-unified --no-context-shift --context-shift --ctx-checkpoints ' +
    '--cache-ram --cache-reuse --keep --mmproj --no-mmproj --offline --prio --log-disable --log-file --log-colors --log-verbosity -fit --fit -fitt --fit-target -fitc --fit-ctx'
  ).split(' '),
);

/** Flags by which the program places experts at its start. */
const FITTED = /\s(?:-fit|--fit)(?:[ =](?!off)|-target|-ctx|t\b|c\b)/;

/** Splits that predictions know. */
const SPLITS = /^(?:layer|none)$/;

/** Flags and variables of an unknown effect, with their values. */
function uncountedOf(words: readonly string[]): string[] {
  return words.flatMap((word, i) => {
    const [, flag = '', inline] = /^(--?[A-Za-z][\w-]*)(=.*)?$/.exec(word) ?? [];
    const value = words[i + 1];
    const given = value === undefined || /^--?[A-Za-z]/.test(value) ? '' : ` ${value}`;
    if (/^GGML_(?!OP_OFFLOAD_MIN_BATCH)\w+=/.test(word)) return [word.slice(0, LONGEST_FLAG)];
    if (flag === '' || UNDERSTOOD.has(flag)) return [];
    if (/^(?:-sm|--split-mode)$/.test(flag) && SPLITS.test(inline?.slice(1) ?? given.trim())) return [];
    return [`${flag}${inline ?? given}`.slice(0, LONGEST_FLAG)];
  });
}

/** Most characters of a shown flag; ours. */
const LONGEST_FLAG = 60;
/** Tokens of a pass from which llama.cpp's GPU computes host weights, without the variable. */
const MIN_BATCH = /^GGML_OP_OFFLOAD_MIN_BATCH=(\d+)$/;

/** Most characters of a kept command line; ours. */
const MOST = 1000;

/** Settings of flags; the last of repeated flags counts. */
export function settingsOfFlags(text: string): TimingSettings {
  const words = [...text.matchAll(/"([^"]*)"|'([^']*)'|(\S+)/g)].map(([, double, single, plain]) => double ?? single ?? plain!);
  const given = (...names: readonly string[]): string | undefined => {
    let value: string | undefined;
    for (const [i, word] of words.entries()) {
      const equals = names.find((name) => word.startsWith(`${name}=`) && name.startsWith('--'));
      if (names.includes(word)) value = words[i + 1] ?? '';
      else if (equals !== undefined) value = word.slice(equals.length + 1);
    }
    return value;
  };
  const has = (...names: readonly string[]): boolean => names.some((name) => words.includes(name));
  const overrides = words.flatMap((word, i) => (/^(-ot|--override-tensor)$/.test(word) ? (words[i + 1] ?? '').split(/[,;]/) : []));
  const flash = given('-fa', '--flash-attn');
  const split = given('-sm', '--split-mode');
  const device = /^[A-Za-z]+(\d+)$/.exec(given('-dev', '--device') ?? '')?.[1];
  return definedFields({
    model: given('-m', '--model', '-hf', '--hf-repo'),
    threads: wholeOf(given('-t', '--threads')),
    ubatch: wholeOf(given('-ub', '--ubatch-size')),
    context: wholeOf(given('-c', '--ctx-size')) || undefined,
    gpuLayers: wholeOf(given('-ngl', '--n-gpu-layers', '--gpu-layers')),
    cpuMoe: wholeOf(given('-ncmoe', '--n-cpu-moe')),
    allCpuMoe: has('-cmoe', '--cpu-moe') || undefined,
    ...listField('overrides', overrides),
    split,
    mainGpu: wholeOf(device) ?? (split === 'none' ? (wholeOf(given('-mg', '--main-gpu')) ?? 0) : undefined),
    offloadFrom: wholeOf(words.map((word) => MIN_BATCH.exec(word)?.[1]).find((value) => value !== undefined)),
    ...listField('uncounted', uncountedOf(words)),
    kv: given('-ctk', '--cache-type-k'),
    flashAttention: flash === undefined ? undefined : !/^(0|off|false)$/.test(flash),
    mmap: has('--no-mmap') || given('-mmp', '--mmap') === '0' ? false : mapsBy(given('-lm', '--load-mode')),
    noOpOffload: has('--no-op-offload', '-nopo') || undefined,
    numa: given('--numa'),
    users: wholeOf(given('-np', '--parallel')),
  });
}

/** True if a `--load-mode` value maps weights from the file; undefined: no value. */
export function mapsBy(mode: string | undefined): boolean | undefined {
  return mode === undefined ? undefined : /^(auto|mmap(\+mlock)?)$/.test(mode);
}

/** A command line in the log takes precedence. @param path for messages @throws UserError as {@link machineOfLog} */
export function settingsOfLog(whole: string, path: string): TimingSettings {
  const text = whole
    .split('\n')
    .map((line) => line.slice(0, LONGEST_LINE))
    .join('\n');
  const first = (pattern: RegExp): string | undefined => pattern.exec(text)?.[1];
  const parameters = /model params\s*=\s*([\d.]+) B/.exec(text)?.[1];
  const offloaded = /offloaded (\d+)\/(\d+) layers to GPU/.exec(text);
  const overridden = [...text.matchAll(/blk\.(\d+)\.ffn_(?:gate|up|down|gate_up)_exps\S*.*buffer type overridden to CPU/g)];
  const settings: TimingSettings = definedFields({
    model: first(/loaded meta data .* from (\S+)/) ?? first(/general\.name\s*(?:str\s*)?= (.+)$/m),
    quantization: first(/(?:file type|model ftype)\s*= (.+?)(?: \(guessed\))?$/m),
    modelBytes: printedSize(first(/(?:file|model) size\s*=\s*([\d.]+ [KMGT]iB)/)),
    parameters: parameters === undefined ? undefined : Number(parameters) * 1e9,
    ...machineOfLog(text, path),
    threads: wholeOf(first(/n_threads\s*=\s*(\d+)/)),
    ubatch: wholeOf(first(/n_ubatch\s*=\s*(\d+)/)),
    context: wholeOf(first(/n_ctx\s*=\s*(\d+)/)),
    layers: wholeOf(first(/n_layer\s*=\s*(\d+)/)) ?? layersOf(offloaded?.[2]),
    gpuLayers: wholeOf(offloaded?.[1]),
    cpuMoe: overridden.length === 0 ? undefined : new Set(overridden.map(([, layer]) => layer)).size,
    flashAttention: /flash_attn\s*=\s*(1|enabled|on)/.test(text) || undefined,
    buffers: buffersOf(text),
  });
  const command = settingsOfCommand(text);
  const drafted = first(/draft acceptance(?: rate)?\s*=\s*([\d.]+)/);
  const offloadFrom = command.offloadFrom ?? wholeOf(first(/\bGGML_OP_OFFLOAD_MIN_BATCH[= ](\d{1,9})\b/));
  const uncounted = [...(command.uncounted ?? []), ...(drafted === undefined ? [] : [`drafts (${drafted} accepted)`])];
  return { ...settings, ...command, ...definedFields({ offloadFrom }), ...listField('uncounted', uncounted) };
}

/** Layers of `offloaded 49/49 layers`, which counts the output matrix. */
function layersOf(offered: string | undefined): number | undefined {
  const count = wholeOf(offered);
  return count === undefined ? undefined : count - 1;
}

/** `load_tensors:        CUDA0 model buffer size = 12345.67 MiB`; undefined: none. */
function buffersOf(text: string): TimingBuffer[] | undefined {
  const lines = [...text.matchAll(/([A-Za-z][\w-]*) +(model|KV|RS|compute|output) buffer size\s*=\s*([\d.]+ MiB)/g)];
  if (lines.length === 0) return undefined;
  return lines.map(([, device, kind, size]) => ({ device: device!, kind: kind!, bytes: printedSize(size)! }));
}
