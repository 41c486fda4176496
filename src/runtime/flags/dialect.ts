import { LINE_SHELLS, type LineShell } from '../../base/shell.js';
import type { Setting } from '../setting/setting.js';
import { type FlagUse, type Grammar, grammarOf, wordsOf } from './flag.js';

/** A setting to be written as a command line. */
export interface CommandInput {
  readonly setting: Setting;
  /** Model as the line names it: a file or a folder. */
  readonly model: string;
  /** The model's place on the Hugging Face hub: `owner/repo`, `owner/repo:format`; null: it is the path `model`. */
  readonly hub: string | null;
  /** Its file in that repository; absent: the format determines it. */
  readonly hubFile?: string | undefined;
  /** True: a vision part lies there, too. */
  readonly vision?: boolean;
  /** Short name of the model, for a server. */
  readonly name: string;
  readonly moeLayers: number;
  /** Experts of a layer, the most. */
  readonly experts: number;
  /** Bytes of the expert cache, of all layers together; 0: there is none. */
  readonly cacheBytes: number;
  /** Decoder layers, from the first on, whose experts lie in host memory. */
  readonly cpuExpertLayers: number;
  /** Pattern of further expert tensors in host memory; null: there are none. */
  readonly splitPattern: string | null;
  readonly gpus: number;
  /** Blocks of the file on the GPUs, as `-ngl` counts them; absent: all. */
  readonly blocks?: number | undefined;
  /** Those of each GPU, the output matrix counted as one; null: they share tensors, or there is one. */
  readonly split: readonly number[] | null;
  /** MiB of host memory that finished prompts may take; absent: the program's own limit, which is free. */
  readonly promptCache?: number | undefined;
  /** Cores of all sockets together; 0: unknown. */
  readonly cores: number;
  readonly sockets: number;
  /** True if GPU and CPU share one memory. */
  readonly unified: boolean;
  /** Format that most expert weights have; null: unknown. */
  readonly format: string | null;
  readonly mla: boolean;
  /** The shell that lines are for; absent: sh. */
  readonly shell?: LineShell;
  /** The system that the program runs on; absent: Linux. */
  readonly system?: 'linux' | 'mac' | 'windows';
  /** True: weights are read into memory rather than mapped from their file; absent: as the program does by itself. */
  readonly unmapped?: boolean;
}

interface Step {
  /** Name of the file to write; null: lines for a shell. */
  readonly file: string | null;
  readonly lines: readonly string[];
  /** A sentence above the lines; absent: none is needed. */
  readonly note?: string;
}

/** A setting in a runtime's own words. */
export interface Command {
  readonly steps: readonly Step[];
  readonly uses: readonly FlagUse[];
  /** Reasons for flags, by name; absent if none is needed. */
  readonly why: Readonly<Record<string, string>>;
  /** A sentence on what helps if memory runs out all the same; absent: the program has no such help. */
  readonly net?: string;
}

/** How a setting is written for a runtime: lines to paste, with the runtime's own flags. */
export interface Dialect {
  readonly grammar: Grammar;
  write(input: CommandInput): Command;
}

/** The flags of a program with a single command line. */
interface LineFlags {
  /** Arguments without a flag; absent: none. */
  readonly operands?: readonly string[];
  readonly uses: readonly FlagUse[];
  /** Absent: nothing needs a reason. */
  readonly why?: Command['why'];
  readonly net?: Command['net'] | undefined;
}

/** The words of the command line of a program that takes all settings there. */
export function lineDialect(runtime: string, say: (input: CommandInput) => LineFlags): Dialect {
  return {
    get grammar() {
      return grammarOf(runtime);
    },
    write(input): Command {
      const { shell = LINE_SHELLS[0]! } = input;
      const { net, operands = [], uses, why = {} } = say(input);
      const lines = wrapped(wordsOf(this.grammar, operands, uses, shell), shell);
      return { steps: [{ file: null, lines }], uses, why, ...(net === undefined ? {} : { net }) };
    },
  };
}

/** Model for a program that reads folders and repositories alike. */
export const folderOf = ({ hub, model }: CommandInput): string => (hub === null ? model : hub.replace(/:.*$/, ''));

/** Widest line of a command, columns: it stands indented by four on a screen of 80. */
const WIDEST = 76;

/** Wraps the words of a command into lines that a shell joins again; a flag stays with its value. */
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
