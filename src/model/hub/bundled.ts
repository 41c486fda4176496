import { z } from 'zod';
import { UserError } from '../../base/errors.js';
import { existsSync } from '../../base/host/files.js';
import { resolve } from '../../base/host/paths.js';
import { cwd } from '../../base/host/process.js';
import { findProfile, listProfiles, tableRow } from '../../base/profiles.js';
import { editDistance, nearest } from '../../base/text.js';
import { readOwnYaml } from '../../base/yaml.js';
import { modelProfile } from '../table.js';

interface MeantModel {
  readonly name: string;
  /** One sentence; null: the name is taken literally. */
  readonly note: string | null;
}

const REPOSITORY = /^(?:([\w-][\w.-]{0,95})\/)?([\w-][\w.-]{0,95}?)(:[\w.-]{1,40})?$/;
/** Browser address of a hub page or repository file; `hf.co/owner/repo` as in Ollama. */
const PAGE = /^(?:https?:\/\/)?(?:huggingface\.co|hf\.co)\/([^/?#]+\/[^/?#]+)/;
const FILE = /\.(ya?ml|json|gguf|safetensors)$/i;

/** Publisher prefix of a model name: `Qwen_Qwen3-30B-A3B-GGUF`. */
const PUBLISHER = /^(?:[a-z\d.-]+_(?=[a-z][a-z\d-])|huihui-)/;
/** Endings of repository names with the same architecture: further training, date, storage format. */
const ENDINGS = [
  /[-_.](instruct|thinking|chat|base|pretrain|pt|it|sft|dpo|abliterated|original|hf|paddle|unsloth|preview|v\d+(\.\d+)?|\d{4}|\d+k|1m)$/,
  /[-_.](gguf|awq|gptq|mlx|dwq|exl[23]|bnb|auto-?round|i1|imatrix|dynamic|quantized|mixed|qat|hqq|aqlm|ud|i?q\d\w*|g\d+|tp\d)$/,
  /[-_.](int[248]|fp[48]|nvfp4|mxfp4|bf16|fp16|w\d+a\d+(c\d+)?|\d(\.\d+)?-?bits?|\d(\.\d+)?bpw)$/,
];
const withoutEnding = (name: string): string =>
  ENDINGS.map((ending) => name.replace(ending, '')).reduce((a, b) => (b.length < a.length ? b : a));

/** Resolves a model name: a file, or a repository's bundled model (`openai/gpt-oss-120b`). @throws UserError */
export function meantModel(text: string, relativeTo: string = cwd()): MeantModel {
  const page = PAGE.exec(text);
  if (page !== null) return meantModel(page[1]!, relativeTo);
  const itself = { name: text, note: null };
  const [, owner, repo, format] = REPOSITORY.exec(text) ?? [];
  if (repo === undefined || FILE.test(text) || listProfiles('models').includes(text)) return itself;
  // A folder named like the owner means a missing file, not a repository.
  if ([text, owner ?? text].some((path) => existsSync(resolve(relativeTo, path)))) return itself;
  const { name, near } = bundledAs(repo.toLowerCase());
  if (owner === undefined)
    return name === null || format !== undefined ? itself : { name, note: `${text} is taken for the bundled ${name}.` };
  if (name !== null && format === undefined)
    return { name, note: `${text} is no file here; taking the bundled ${name} (hf:${text} reads the repository's own files).` };
  const stored = format === undefined ? '' : ` in ${format.slice(1).toLowerCase()}`;
  const what = name === null ? 'a bundled model of a similar name is' : 'the bundled model is';
  const offer = near === undefined ? '' : `, ${what} ${near}${stored}`;
  throw new UserError(`${text}: there is no such file; the repository of the Hugging Face hub is hf:${text}${offer}`);
}

/** Bundled model of a lower-case repository name, or null; and the model with the nearest name. */
function bundledAs(repo: string): { name: string | null; near?: string } {
  known ??= namesOfModels();
  const bare = repo.replace(PUBLISHER, '');
  for (const start of [repo, bare]) {
    for (let [stem, before] = [start, '']; stem !== before; [stem, before] = [withoutEnding(stem), stem]) {
      const name = known.get(stem);
      if (name !== undefined) return { name, near: name };
    }
  }
  return { name: null, near: nearTo(bare, known) };
}

/** Model with the longest common beginning, then the smallest edit distance; else a model one edit away. */
function nearTo(repo: string, names: ReadonlyMap<string, string>): string | undefined {
  for (let start = repo; start.length > 2; start = start.replace(/(?:^|[-_.]|(?<=[a-z])(?=\d))[^-_.]*$/, '')) {
    const alike = [...names.keys()].filter((name) => name.startsWith(start));
    const [near] = alike.sort((a, b) => editDistance(repo, a) - editDistance(repo, b));
    if (near !== undefined) return names.get(near);
  }
  return names.get(nearest(repo, names.keys(), 1)[0] ?? '');
}

let known: ReadonlyMap<string, string> | undefined;

function namesOfModels(): ReadonlyMap<string, string> {
  const schema = z.looseObject({ hub: z.array(z.string()).default([]) });
  const models = listProfiles('models').map((name) => {
    const path = findProfile('models', name);
    return { name, hub: tableRow(path) === null ? readOwnYaml(path, schema).hub : (modelProfile(path).hub ?? []) };
  });
  return new Map(models.flatMap(({ name, hub }) => [name, ...hub].map((alias) => [alias.toLowerCase(), name])));
}
