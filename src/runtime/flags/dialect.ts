import { LINE_SHELLS, type LineShell } from '../../base/shell.js';
import type { ModelSpec } from '../../model/door.js';
import type { Setting } from '../setting/setting.js';
import { type FlagUse, type Grammar, wordsOf } from './flag.js';

/** A setting to write as a command line. */
export interface CommandInput {
  readonly setting: Setting;
  readonly spec: ModelSpec;
  /** File or folder of the model. */
  readonly model: string;
  /** Hub repository: `owner/repo`, `owner/repo:format`; null: the local path `model`. */
  readonly hub: string | null;
  /** File in the repository; absent: chosen by format. */
  readonly hubFile?: string;
  /** True: the repository has a vision part. */
  readonly vision?: boolean;
  readonly name: string;
  readonly moeLayers: number;
  readonly experts: number;
  /** Bytes of the expert cache over all layers; 0: none. */
  readonly cacheBytes: number;
  /** First decoder layers whose experts lie in host memory. */
  readonly cpuExpertLayers: number;
  /** Pattern of further expert tensors in host memory; null: none. */
  readonly splitPattern: string | null;
  readonly gpus: number;
  /** Blocks of the file on the GPUs, as `-ngl` counts; absent: all. */
  readonly blocks?: number;
  /** Blocks per GPU, output matrix included; null: shared tensors, or a single GPU. */
  readonly split: readonly number[] | null;
  /** Free bytes of host memory. */
  readonly hostFree: number;
  /** Cores of all sockets; 0: unknown. */
  readonly cores: number;
  readonly sockets: number;
  readonly unified: boolean;
  /** Format of most expert weights; null: unknown. */
  readonly format: string | null;
  readonly mla: boolean;
  /** Shell of the lines; absent: sh. */
  readonly shell?: LineShell;
  /** Operating system; absent: Linux. */
  readonly system?: 'linux' | 'mac' | 'windows';
  /** True: weights are read into memory, not mapped; absent: the program's default. */
  readonly unmapped?: boolean;
}

interface Step {
  /** File to write; null: shell lines. */
  readonly file: string | null;
  readonly lines: readonly string[];
  readonly note?: string;
}

/** A setting in a runtime's flags. */
export interface Command {
  readonly steps: readonly Step[];
  readonly uses: readonly FlagUse[];
  readonly why: Readonly<Record<string, string>>;
  /** Sentence on remedies for running out of memory; absent: none exists. */
  readonly net?: string;
}

/** Writes a setting as lines to paste, with a runtime's flags. */
export interface Dialect {
  readonly grammar: Grammar;
  write(input: CommandInput): Command;
}

/** Flags to write, with reasons; false: left out, though the reason of a value stays. */
export type Uses<Name extends string> = readonly (readonly [name: Name, value: string | number | null | false, why?: string] | false)[];

/** Flags and reasons of a command. */
export function flagsIn<Name extends string>(given: Uses<Name>): Pick<Command, 'uses' | 'why'> {
  const all = given.filter((use) => use !== false);
  return {
    uses: all.flatMap(([name, value]) => (value === false ? [] : [[name, value]])),
    why: Object.fromEntries(all.flatMap(([name, , why]) => (why === undefined ? [] : [[name, why]]))),
  };
}

/** Dialect of a program with all settings on the command line. */
export function lineDialect<Name extends string>(
  grammar: Grammar<Name>,
  say: (input: CommandInput) => Uses<NoInfer<Name>>,
  net?: (uses: Command['uses']) => string | undefined,
): Dialect {
  return {
    grammar,
    write(input) {
      const { uses, why } = flagsIn(say(input));
      const { shell = LINE_SHELLS[0]! } = input;
      const words = wordsOf(grammar, grammar.operands === 1 ? [folderOf(input)] : [], uses, shell);
      return { steps: [{ file: null, lines: wrapped(words, shell) }], uses, why, net: net?.(uses) };
    },
  };
}

/** Model for a program that reads folders and repositories alike. */
export const folderOf = ({ hub, model }: CommandInput): string => (hub === null ? model : hub.replace(/:.*$/, ''));

/** Widest command line, columns: 80 less an indent of four. */
const WIDEST = 76;

/** Lines that a shell joins; a flag stays with its value. */
export function wrapped(groups: readonly (readonly string[])[], { continued }: LineShell): string[] {
  const lines: string[] = [];
  let line = '';
  for (const group of groups) {
    const text = group.join(' ');
    if (line !== '' && line.length + 1 + text.length > WIDEST - continued.length) {
      lines.push(`${line}${continued}`);
      line = `  ${text}`;
    } else line = line === '' ? text : `${line} ${text}`;
  }
  return [...lines, line];
}
