import { bash } from './bash.js';
import { fish } from './fish.js';
import { powershell } from './powershell.js';
import type { Node } from './tree.js';
import { zsh } from './zsh.js';

/** By shell, as plain text: moeprof is never called, so TAB is fast. */
export const COMPLETION_SCRIPTS = { bash, zsh, fish, powershell } satisfies Record<string, (program: Node) => string>;
