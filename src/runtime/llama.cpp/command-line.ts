// Flags of llama.cpp and its kin on a command line that stands in a log, in a shell's prompt or in a README beside the timings.
import { definedFields, wholeOf } from '../logs/lines.js';
import type { TimingSettings } from '../logs/timing.js';

/** Start of a command line: a prompt and a program of llama.cpp or its kin. */
const PROGRAM = /(?:^|[\s/\\$>])(?:llama-(?:server|cli|bench|sweep-bench|batched-bench)|server|main)(?:\.exe)?\s+(-.*)$/;

/** Settings of the first such command line in a text; none where there is no such line. */
export function settingsOfCommand(text: string): TimingSettings {
  // A line that ends in a backslash goes on.
  const joined = text.replace(/\\\r?\n\s*/g, ' ');
  for (const line of joined.split('\n')) {
    const flags = PROGRAM.exec(line)?.[1];
    if (flags !== undefined) return { ...settingsOfFlags(flags), command: line.trim().slice(0, MOST) };
  }
  return {};
}

/** Limit of a kept command line, characters. */
const MOST = 1000;

/** Settings of flags; of a repeated flag the last counts. */
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
  return definedFields({
    model: given('-m', '--model', '-hf', '--hf-repo'),
    threads: wholeOf(given('-t', '--threads')),
    ubatch: wholeOf(given('-ub', '--ubatch-size')),
    context: wholeOf(given('-c', '--ctx-size')) || undefined,
    gpuLayers: wholeOf(given('-ngl', '--n-gpu-layers', '--gpu-layers')),
    cpuMoe: wholeOf(given('-ncmoe', '--n-cpu-moe')),
    allCpuMoe: has('-cmoe', '--cpu-moe') || undefined,
    overrides: overrides.length === 0 ? undefined : overrides,
    split: given('-sm', '--split-mode'),
    kv: given('-ctk', '--cache-type-k'),
    flashAttention: flash === undefined ? undefined : !/^(0|off|false)$/.test(flash),
    mmap: has('--no-mmap') ? false : given('-mmp', '--mmap') === '0' ? false : undefined,
    noOpOffload: has('--no-op-offload', '-nopo') || undefined,
    numa: given('--numa'),
    users: wholeOf(given('-np', '--parallel')),
  });
}
