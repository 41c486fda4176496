import { platform } from '../base/host/machine.js';
import { type LineShell, usualShell } from '../base/shell.js';
import { sum } from '../base/statistics.js';
import { type ModelSpec, mainFormat, mostExperts, type PublishedFile, promisedFile, promisedTag, publishedFile } from '../model/door.js';
import {
  type Command,
  type CommandInput,
  cachedBytes,
  cpuExpertLayers,
  freeOf,
  gpusOf,
  isAllOnGpu,
  type Loaded,
  type Setting,
  splitPattern,
} from '../runtime/door.js';
import { cacheOf } from './fit.js';
import type { Priced } from './price.js';
import type { Question } from './question.js';

/** Command line of a setting in its runtime's dialect. */
export function commandOf(
  question: Pick<Question, FilePlace | 'hardware' | 'mapped' | 'runtime' | 'shell'>,
  { blocks, devices, model, setting, split }: Pick<Priced, keyof Loaded | 'model' | 'setting'>,
): Command {
  const { hardware, mapped, runtime } = question;
  const { cpu = null, gpus: cards = [], sockets = 1 } = hardware.machine ?? {};
  const [windows, shell] = [runsWindows(question), shellOf(question)];
  // Slow cores hold up threads that wait for all.
  const cores = Math.min(cpu?.cores ?? 0, cpu?.fastCores ?? Number.POSITIVE_INFINITY) * sockets;
  return runtime.dialect.write({
    setting,
    spec: model,
    ...placeOf(question, model, setting),
    shell,
    system: windows || shell.name !== 'sh' ? 'windows' : cards[0]?.vendor === 'apple' ? 'mac' : 'linux',
    unmapped: mapped !== undefined && !setting.fromDisk && !isAllOnGpu(setting),
    name: model.name.toLowerCase().replaceAll(/[^a-z0-9._-]+/g, '-'),
    moeLayers: model.layers.length,
    experts: mostExperts(model),
    cacheBytes: sum(cachedBytes(model, setting.slots ?? 0, setting.cpuMoe)),
    cpuExpertLayers: cpuExpertLayers(model, setting),
    splitPattern: splitPattern(model, setting),
    gpus: gpusOf(hardware),
    blocks,
    split,
    hostFree: Math.max(0, freeOf(devices.at(-1)!)),
    cores,
    sockets,
    unified: hardware.tiers[0]!.name === 'unified',
    format: mainFormat(model.layers[0]!.formats),
    mla: model.anatomy?.layers.some(({ kind }) => kind === 'latent') ?? false,
  });
}

function runsWindows({ hardware: { machine } }: Pick<Question, 'hardware'>): boolean {
  return machine?.system === 'windows' || (machine?.system === undefined && platform === 'win32');
}

/** Shell: the wished one, or the usual one of the machine. */
export const shellOf = (question: Pick<Question, 'hardware' | 'shell'>): LineShell => question.shell ?? usualShell(runsWindows(question));

type FilePlace = 'asked' | 'file' | 'hub' | 'repository';

/** Model as a server names it: a folder or file, or a repository of the hub. */
export function servedName(question: Pick<Question, FilePlace | 'runtime'>, { model: spec, setting }: Priced): string {
  const { hub, model } = placeOf(question, spec, setting);
  return hub?.replace(/:.*$/, '') ?? model;
}

/** A file, a folder, or a hub repository. */
function placeOf(
  question: Pick<Question, FilePlace | 'runtime'>,
  spec: ModelSpec,
  setting: Setting,
): Pick<CommandInput, 'model' | 'hub' | 'hubFile' | 'vision'> {
  const { file, hub, runtime } = question;
  const gguf = runtime.reads === 'gguf' ? `-${spec.quantization.replaceAll(':', '-')}.gguf` : '';
  const model = file ?? `${OWN_FILE}${spec.name}${needsDrafts(question, spec, setting) ? '-MTP' : ''}${gguf}`;
  if (file !== null) return { model, hub: null };
  const known = knownFile(question, spec, setting);
  if (known === null) return { model, hub: hub ?? promised(question, spec, setting) };
  const { file: hubFile, tag, vision } = known;
  return { model, hub: tag === null ? known.repository : `${known.repository}:${tag}`, vision, ...(hubFile === null ? {} : { hubFile }) };
}

const needsDrafts = ({ runtime }: Pick<Question, 'runtime'>, { anatomy }: ModelSpec, { draft, drafter }: Setting): boolean =>
  draft > 0 && drafter === 'mtp' && runtime.reads === 'gguf' && (anatomy?.nextLayers ?? 0) === 0;

function knownFile(question: Pick<Question, FilePlace | 'runtime'>, spec: ModelSpec, setting: Setting): PublishedFile | null {
  const { asked, hub, repository = hub?.replace(/:.*$/, ''), runtime } = question;
  if (asked === undefined) return null;
  const wanted = { model: spec.name, format: spec.quantization, reads: runtime.reads, drafts: needsDrafts(question, spec, setting) };
  const found = publishedFile({ ...wanted, asked, ...(repository === undefined ? {} : { repository }) });
  return repository === undefined || found?.repository === repository ? found : null;
}

function promised(question: Pick<Question, FilePlace | 'runtime'>, spec: ModelSpec, setting: Setting): string | null {
  const { asked, repository, runtime } = question;
  if (asked === undefined || runtime.reads === 'folder' || needsDrafts(question, spec, setting)) return null;
  const [model, format] = [spec.name, spec.quantization];
  return repository === undefined ? promisedFile({ asked, model, format, reads: 'gguf' }) : promisedTag(repository, format);
}

/** On a file of no source. */
export function promiseOf(question: Question, { model, setting }: Priced): string[] {
  const { hub } = placeOf(question, model, setting);
  if (question.hub !== null || hub === null || hub !== promised(question, model, setting) || knownFile(question, model, setting) !== null)
    return [];
  return [`${hub} is assumed to be there: hf:${hub.replace(/:.*$/, '')} reads what the repository has.`];
}

/** Placeholder folder of an unnamed file, marked for replacement. */
const OWN_FILE = 'path/to/';

/** Sentences on a placeholder file, and on the program's own help. */
export function hintsOf({ net, steps }: Command): string[] {
  const placeholder = /path\/to\/[^\s'"]+/.exec(steps.flatMap(({ lines }) => lines).join('\n'))?.[0];
  return [
    ...(placeholder === undefined ? [] : [`Put your own file in the place of ${placeholder}: no repository with it is known.`]),
    ...(net === undefined ? [] : [net]),
  ];
}

/** Sentences on sources of the cache's facts: older builds lack the flag. */
export function cacheHints({ runtime }: Question, { setting }: Priced): string[] {
  const cache = cacheOf(runtime, setting);
  return cache === null ? [] : [`Cache flags: ${cache.read}.`];
}
