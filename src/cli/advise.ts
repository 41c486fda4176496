// `moeprof advise`: which settings of which runtime to run a model with on a machine, as lines to paste, and how fast that will be.
import { basename, dirname } from 'node:path';
import { type Command, Option } from 'commander';
import { EXIT, UserError } from '../base/errors.js';
import { isFolder, listFolder } from '../base/input-file.js';
import { findProfile, isPath } from '../base/profiles.js';
import { parseCount } from '../base/units.js';
import { checkValue } from '../base/yaml.js';
import { type Advice, advise } from '../explore/advise/advise.js';
import { parseGoal } from '../explore/advise/goal.js';
import { tokensNeeded } from '../explore/advise/price.js';
import { adviceReports } from '../explore/advise/report.js';
import { ADVISED, type AdvisedRuntime, advisedRuntime, usualOffer } from '../explore/advise/runtimes.js';
import { machineFileOf } from '../hardware/detect/write.js';
import { hardwareOfFile, loadHardware } from '../hardware/load.js';
import { loadRuntime } from '../hardware/runtime.js';
import type { HardwareSpec } from '../hardware/spec.js';
import { isHubAddress } from '../model/hub/address.js';
import { loadRouting, type OpenModel, openModel } from '../model/load.js';
import { assemble } from '../model/parts.js';
import { bitsPerWeight, type ModelSpec } from '../model/spec.js';
import { openTrace } from '../trace/open.js';
import { routingProfileSchema } from '../trace/routing-profile.js';
import { synthesize } from '../trace/synthetic.js';
import type { RoutingTrace } from '../trace/trace.js';
import type { CliContext } from './context.js';
import { addOutputOptions, type OutputOptions } from './options.js';
import { deliver } from './outputs.js';

interface AdviseOptions extends OutputOptions {
  readonly hardware?: string;
  readonly trace?: string;
  readonly runtime: string;
  readonly goal: string;
  readonly context: string;
  readonly prompt: string;
  readonly users: string;
  readonly quantizations?: string;
  readonly explain?: boolean;
  readonly markdown?: boolean;
  readonly html?: string;
}

const EXAMPLES = `
Examples:
  moeprof advise gpt-oss-120b -w rtx-3090+ryzen-9-5950x+2xddr4-3600+64GB
  moeprof advise qwen3-30b-a3b -w rtx-3060+64GB --context 32768 --explain
  moeprof advise model.gguf -w rtx-4090+128GB --goal ttft=5s,tpot=60ms
  moeprof advise glm-4.5-air -w rtx-3090+64GB --quantizations q4_k_m,ud-q2_k_xl
  moeprof advise gpt-oss-20b -w rtx-3060+32GB --runtime ollama -o advice.md

Exit code 1: nothing fits, or no setting keeps the targets of --goal.
`;

/** Of the routing that is drawn. */
const SEED = 1;

/** Tokens that are generated after a prompt, where a whole request counts. Ours: about a page. */
const OUTPUT = 512;

/** Defines the command. */
export function define(command: Command, context: CliContext): void {
  command
    .argument('<model>', 'model: a bundled name, a GGUF file (of a split one any part), a folder, a config.json, or hf:owner/repo[:format]')
    .option(
      '-w, --hardware <machine>',
      'machine: a bundled name, a file, or parts: rtx-3090+ryzen-9-5950x+64GB; without, this one is detected',
    )
    .option('-t, --trace <trace>', 'recorded routing to price settings on; without, it is drawn as the model routes')
    .addOption(new Option('--runtime <name>', `runtime: ${ADVISED.map(({ name }) => name).join(', ')}`).default('llama.cpp'))
    .optionsGroup('What is wanted:')
    .addOption(new Option('--goal <goal>', 'request (a whole one soon), decode, prefill, or targets: ttft=2s,tpot=50ms').default('request'))
    .addOption(new Option('--context <tokens>', 'context of each user').default('16384'))
    .addOption(new Option('--prompt <tokens>', 'prompt that figures are for').default('4096', '4096, or half of the context'))
    .addOption(new Option('--users <n>', 'users at a time').default('1'))
    .option('--quantizations <formats>', 'formats on offer, the most wanted first: q4_k_m,ud-q2_k_xl')
    .option('--explain', 'a sentence for each flag')
    .addOption(new Option('--markdown', 'short for --format markdown').conflicts(['format', 'json']))
    .option('--html <path>', 'write a page for a browser, short for -o html=<path>');
  addOutputOptions(command, adviceReports)
    .addHelpText('after', EXAMPLES)
    .action(async (model: string, options: AdviseOptions) => {
      const { html, markdown } = options;
      const output = html === undefined ? options.output : [...options.output, `html=${html}`];
      const outputs = { ...options, output, ...(markdown === true ? { format: 'markdown' } : {}) };
      await deliver(context, adviceReports, outputs, async () => {
        const advice = await adviceFor(model, options);
        if (advice.answer === null || !advice.kept) context.setExitCode(EXIT.gateFailed);
        return { advice, explain: options.explain === true };
      });
    });
}

async function adviceFor(name: string, options: AdviseOptions): Promise<Advice> {
  const runtime = advisedRuntime(options.runtime);
  const goal = parseGoal(options.goal);
  const context = counted(options.context, '--context');
  const users = counted(options.users, '--users');
  const request = { prompt: Math.min(counted(options.prompt, '--prompt'), Math.max(1, context >> 1)), output: OUTPUT };
  const { hardware, notes } = await machineOf(options.hardware, runtime);
  const models = modelsOf(name);
  const model = (quantization: string | null): ModelSpec => models(quantization).spec;
  const quantizations = options.quantizations === undefined ? usual(runtime, models(null)) : given(options.quantizations);
  const trace = await routingOf(name, options.trace, model(quantizations[0]!), tokensNeeded(users, request));
  const hub = isHubAddress(name) ? name.replace(/^hf:/, '').replace(/@[^:]*/, '') : null;
  const file = hub !== null || !isPath(name) ? null : fileOf(name, runtime);
  try {
    return await advise({ runtime, hardware, goal, request, context, users, quantizations, model, trace, file, hub, notes });
  } finally {
    trace.close();
  }
}

/**
 * Routing that settings are priced on: recorded, or drawn as the model routes.
 * @throws UserError where a recording is too short
 */
async function routingOf(name: string, path: string | undefined, model: ModelSpec, tokens: number): Promise<RoutingTrace> {
  if (path !== undefined) {
    const trace = await openTrace(isPath(path) ? path : findProfile('traces', path), { model });
    if (trace.tokens >= tokens) return trace;
    trace.close();
    throw new UserError(
      `--trace ${path}: has ${trace.tokens} tokens, and ${tokens} are walked; take a longer one, a shorter --prompt or fewer --users`,
    );
  }
  const routing = loadRouting(name);
  const profile = routing === null ? undefined : checkValue(routing, `model ${name}: routing`, routingProfileSchema);
  return synthesize(model, { seed: SEED, requests: [{ prefill: tokens, decode: 0 }], profile });
}

/** The machine that is named, or this one; and what was said of it on the way. */
async function machineOf(
  name: string | undefined,
  { profile }: AdvisedRuntime,
): Promise<{ readonly hardware: HardwareSpec; readonly notes: readonly string[] }> {
  const runtime = profile === null ? null : loadRuntime(profile);
  if (name !== undefined) return { hardware: loadHardware(name, undefined, [], runtime), notes: [] };
  const { detectedMachine } = await import('./machine/detect.js');
  const { detection, name: own } = await detectedMachine();
  const hardware = hardwareOfFile(machineFileOf(detection, own), 'this machine', [], runtime);
  const parts = detection.parts.map(({ part }) => part).join('+');
  return { hardware, notes: [`${own} was detected as ${parts}.`, ...detection.remarks, ...detection.notSeen] };
}

/**
 * The model's file as a command line names it: of a folder with one GGUF file, or one in parts, that file; of a config.json its folder. Null:
 * what is named is not what the runtime reads.
 */
function fileOf(path: string, { reads }: AdvisedRuntime): string | null {
  const isGguf = (name: string): boolean => /\.gguf$/i.test(name);
  if (!isFolder(path)) {
    if (reads === 'gguf') return isGguf(path) ? path : null;
    return basename(path) === 'config.json' ? dirname(path) : null;
  }
  if (reads === 'folder') return path;
  const file = listFolder(path).filter(isGguf).sort()[0];
  return file === undefined ? null : `${path.replace(/\/$/, '')}/${file}`;
}

/** A model, and what tells its sizes. */
interface Loaded {
  readonly spec: ModelSpec;
  readonly sizes: OpenModel['sizes'];
}

/** The model by format, each loaded once. */
function modelsOf(name: string): (quantization: string | null) => Loaded {
  const models = new Map<string | null, Loaded>();
  return (quantization) => {
    const known = models.get(quantization) ?? loaded(openModel(name, quantization));
    models.set(quantization, known);
    return known;
  };
}

function loaded({ parts, sizes }: OpenModel): Loaded {
  return { spec: assemble(parts), sizes };
}

/** Formats on offer where nobody says. */
function usual(runtime: AdvisedRuntime, { sizes, spec }: Loaded): (string | null)[] {
  return usualOffer(runtime, spec, sizes === 'tensors', bitsPerWeight(spec));
}

/** @throws UserError where a name is empty */
function given(text: string): string[] {
  const formats = text.split(',').map((format) => format.trim());
  if (formats.includes('')) throw new UserError(`--quantizations ${text}: has an empty name; write e.g. q4_k_m,ud-q2_k_xl`);
  return [...new Set(formats)];
}

/** @throws UserError where it is no number, or none */
function counted(text: string, flag: string): number {
  const count = parseCount(text, flag);
  if (count === 0) throw new UserError(`${flag}: must be at least 1`);
  return count;
}
