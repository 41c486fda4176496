import type { Command } from 'commander';
import type { CliContext } from './kit/context.js';
import { defineAudit } from './trace/audit.js';
import { defineConvert } from './trace/convert.js';
import { defineDiff } from './trace/diff.js';
import { defineGenerate } from './trace/generate.js';
import { defineInspect } from './trace/inspect.js';

/** Help. */
export const help = `Examples:
  moeprof trace inspect routing.safetensors
  moeprof trace audit replies.jsonl -m qwen3-30b-a3b
  moeprof trace convert replies.jsonl -m qwen3-30b-a3b -o routing.safetensors
  moeprof trace generate --like qwen3-30b-a3b --tokens 4000 -o like.safetensors`;

/** `moeprof trace`: inspects, checks, cuts, compares and generates routing traces. */
export function define(command: Command, context: CliContext): void {
  for (const subcommand of [defineInspect, defineAudit, defineConvert, defineDiff, defineGenerate]) subcommand(command, context);
}
