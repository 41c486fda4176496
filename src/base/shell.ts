// Quoting and line continuation of shells. Sources: POSIX shell (Issue 8, 2.2); about_Quoting_Rules and about_Parsing
// of PowerShell 7.4; cmd /? and the C runtime's rules for arguments (Parsing C command-line arguments).

import { UserError } from './errors.js';
import { platform } from './host/machine.js';

/** Shell for pasted lines. */
export interface LineShell {
  readonly name: string;
  /** End of a continued line. */
  readonly continued: string;
  quoted(word: string): string;
}

/** No need of quotes in PowerShell (commas make lists) and cmd (percent signs expand). */
const PLAIN = /^[\w./:=+-]+$/;

/** All shells, first the shell of Linux and macOS. */
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

/** Shell with variables and command substitution. */
export const [POSIX] = LINE_SHELLS as [LineShell];

/** @throws UserError if unknown */
export function shellNamed(name: string): LineShell {
  const found = LINE_SHELLS.find((shell) => shell.name === name);
  if (found === undefined) throw new UserError(`--shell ${name}: unknown shell; use ${LINE_SHELLS.map((shell) => shell.name).join(', ')}`);
  return found;
}

/** PowerShell under Windows, else sh. */
export const usualShell = (windows: boolean): LineShell => LINE_SHELLS[windows ? 1 : 0]!;

/** Quotes a word for this computer's shell. */
export const pasted = (word: string): string => usualShell(platform === 'win32').quoted(word);
