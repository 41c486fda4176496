// Shells that a line is pasted into: how each quotes a word and joins lines. By their manuals: POSIX shell (Issue 8, 2.2); about_Quoting_Rules and
// about_Parsing of PowerShell 7.4; cmd /?, and the C runtime's rules for arguments (Parsing C command-line arguments).

import { UserError } from './errors.js';
import { platform } from './host/machine.js';

/** A shell. */
export interface LineShell {
  readonly name: string;
  /** What ends a line that the next one continues. */
  readonly continued: string;
  quoted(word: string): string;
}

/** A word that neither PowerShell, whose commas make lists, nor cmd, which expands words between percent signs, takes apart. */
const PLAIN = /^[\w./:=+-]+$/;

/** All shells, the one of Linux and macOS first. */
export const LINE_SHELLS: readonly LineShell[] = [
  {
    name: 'sh',
    continued: ' \\',
    quoted: (word) => (/^[\w./:=,@%+-][\w./:=,@%+#-]*$/.test(word) ? word : `'${word.replaceAll("'", "'\\''")}'`),
  },
  {
    name: 'powershell',
    continued: ' `',
    quoted: (word) => (PLAIN.test(word) ? word : `'${word.replaceAll("'", "''")}'`),
  },
  {
    name: 'cmd',
    continued: ' ^',
    // Backslashes before a quote are doubled; a quote is escaped.
    quoted: (word) =>
      PLAIN.test(word)
        ? word
        : `"${word.replaceAll(/(\\*)("|$)/g, (_, slashes: string, quote: string) => slashes + slashes + (quote && '\\"'))}"`,
  },
];

/** The shell whose lines hold variables and the output of other lines. */
export const [POSIX] = LINE_SHELLS as [LineShell];

/** The shell of a name. @throws UserError if there is none */
export function shellNamed(name: string): LineShell {
  const found = LINE_SHELLS.find((shell) => shell.name === name);
  if (found === undefined) throw new UserError(`--shell ${name}: unknown shell; use ${LINE_SHELLS.map((shell) => shell.name).join(', ')}`);
  return found;
}

/** The shell that a computer has: PowerShell under Windows, else sh. */
export const usualShell = (windows: boolean): LineShell => LINE_SHELLS[windows ? 1 : 0]!;

/** A word as the shell of this computer takes it, for lines that users copy. */
export const pasted = (word: string): string => usualShell(platform === 'win32').quoted(word);
