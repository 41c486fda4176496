// `moeprof model inspect`: facts of a model before anything runs, and the part that a machine can keep.
import type { Command } from 'commander';
import { listProfiles } from '../base/profiles.js';
import { parseCount } from '../base/units.js';
import { inspectModel } from '../model/load/inspect.js';
import { openModel } from '../model/load/load.js';
import { loadHardware } from '../runtime/machine.js';
import type { CliContext } from './kit/context.js';
import { addOutputOptions, collect, type OutputOptions, quantizationOption } from './kit/options.js';
import { deliver } from './kit/outputs.js';
import { modelReports } from './model-report.js';

interface InspectOptions extends OutputOptions {
  readonly quantization?: string;
  readonly context: string;
  readonly hardware: readonly string[];
}

const EXAMPLES = `
A model is a bundled name, a YAML profile, a Hugging Face config.json, a folder
with one (sizes are then those of its safetensors files, where they are there),
a GGUF file, or hf:owner/repo[:format] on the Hugging Face hub, of which headers
are fetched. See docs/models.md.

Examples:
  moeprof model inspect mixtral-8x7b
  moeprof model inspect ~/models/Qwen3-30B-A3B --quantization q4_k_m
  moeprof model inspect model-q4_k_m.gguf -w rtx-3090 -w my-machine.yaml
  moeprof model inspect hf:unsloth/gpt-oss-120b-GGUF:q4_k_m
  moeprof model inspect deepseek-v3 --context 32k --json
`;

/** Defines the command. */
export function define(command: Command, context: CliContext): void {
  command.addHelpText('after', EXAMPLES);
  const inspect = command
    .command('inspect')
    .summary('parameters, bytes, experts by layer, and what fits on which machine')
    .description('Parameters, bytes, experts by layer, and what fits on which machine.')
    .argument('<model>', 'a bundled name, a file, a folder or hf:owner/repo')
    .addOption(quantizationOption('price the model in this storage format, e.g. q4_k_m'))
    .option('--context <tokens>', 'tokens of KV cache that must fit beside the weights', '4096')
    .option('-w, --hardware <machine>', 'only this machine: a bundled name or a YAML file, repeatable', collect, []);
  addOutputOptions(inspect, modelReports)
    .addHelpText('after', EXAMPLES)
    .action(async (name: string, options: InspectOptions) => {
      const tokens = parseCount(options.context, '--context');
      await deliver(context, modelReports, options, () => {
        const machines = options.hardware.length > 0 ? options.hardware : listProfiles('hardware');
        return inspectModel(
          openModel(name, options.quantization ?? null),
          machines.map((machine) => loadHardware(machine)),
          tokens,
        );
      });
    });
}
