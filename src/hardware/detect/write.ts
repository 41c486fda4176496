import type { MachineFile } from '../machine-file.js';
import type { Detection } from './compose.js';

/** Machine file of a detection. */
export function machineFileOf({ cpu, gpu, notSeen, parts, remarks }: Detection, name: string): MachineFile {
  return {
    name,
    parts: parts.map(({ part }) => part),
    ...(cpu !== undefined && { cpu: { ...cpu } }),
    ...(gpu !== undefined && { gpu: { memory: gpu.memoryBytes } }),
    ...(remarks.length > 0 && { remarks: [...remarks] }),
    ...(notSeen.length > 0 && { notSeen: [...notSeen] }),
  };
}

/** YAML text of {@link machineFileOf}. */
export function machineFileText(detection: Detection, name: string): string {
  const { cpu, gpu, notSeen, parts, remarks } = machineFileOf(detection, name);
  const longest = Math.max(...parts.map((part) => part.length));
  const entries = detection.parts.map(
    ({ exact, part, seen }) => `  - ${part.padEnd(longest)}  # ${exact ? '' : 'nearest to '}${seen.replace(/[\p{Cc}\p{Zl}\p{Zp}]/gu, ' ')}`,
  );
  const fields = Object.entries(cpu ?? {}).map(([key, value]) => `${key}: ${value}`);
  return [
    '# The machine that moeprof machine detect saw. Use it with -w; correct what is wrong.',
    // Firmware names may hold anything; JSON strings are valid YAML.
    `name: ${JSON.stringify(name)}`,
    'parts:',
    ...entries,
    ...(fields.length > 0 ? [`cpu: { ${fields.join(', ')} }`] : []),
    ...(gpu?.memory === undefined ? [] : [`gpu: { memory: ${Math.round(gpu.memory / 2 ** 20)}MiB }`]),
    ...listText('remarks', remarks),
    ...listText('notSeen', notSeen),
    '',
  ].join('\n');
}

function listText(key: string, sentences: readonly string[] | undefined): string[] {
  return sentences === undefined ? [] : [`${key}:`, ...sentences.map((sentence) => `  - ${JSON.stringify(sentence)}`)];
}
