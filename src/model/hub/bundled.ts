// Names of models as people copy them from the hub: `openai/gpt-oss-120b`. Unless a file has that name, it means the bundled model.

import { UserError } from '../../base/errors.js';
import { existsSync } from '../../base/host/files.js';
import { resolve } from '../../base/host/paths.js';
import { cwd } from '../../base/host/process.js';
import { listProfiles } from '../../base/profiles.js';
import { nearest } from '../../base/text.js';

/** The meaning of a model's name on a command line, with a note for the reader. */
interface MeantModel {
  /** A bundled name, or a path. */
  readonly name: string;
  /** One sentence; null: the name means itself. */
  readonly note: string | null;
}

const REPOSITORY = /^([\w-][\w.-]{0,95})\/([\w-][\w.-]{0,95}?)(:[\w.-]{1,40})?$/;
/** A page of the hub, or of one of a repository's files, as a browser has it; `hf.co/owner/repo` as Ollama has it. */
const PAGE = /^(?:https?:\/\/)?(?:huggingface\.co|hf\.co)\/([^/?#]+\/[^/?#]+)/;
const FILE = /\.(ya?ml|json|gguf|safetensors)$/i;

/** Endings that repositories append to the name of a model: how it was trained further, when, and how it is stored. Its architecture stays. */
const SUFFIX =
  /-(instruct|thinking|chat|base|it|hf|gguf|awq|gptq|mlx|int[48]|fp8|fp8-dynamic|nvfp4|mxfp4|bf16|[348]bit|w4a16|unsloth|v\d+(\.\d+)?|\d{4})$/;

/**
 * The model that a name means: a file of that path, or the bundled model of a repository's name on the hub.
 * @param relativeTo folder that a path is relative to
 * @throws UserError where it looks like a repository and no bundled model has its name
 */
export function meantModel(text: string, relativeTo: string = cwd()): MeantModel {
  const page = PAGE.exec(text);
  if (page !== null) return meantModel(page[1]!, relativeTo);
  const [, owner, repo, format] = REPOSITORY.exec(text) ?? [];
  if (owner === undefined || repo === undefined || FILE.test(text) || existsSync(resolve(relativeTo, text)))
    return { name: text, note: null };
  // A folder of that name is there: the rest is a file that is not.
  if (existsSync(resolve(relativeTo, owner))) return { name: text, note: null };
  const name = bundledAs(owner, repo);
  if (name !== null && format === undefined) {
    return { name, note: `${text} is no file here; taking the bundled ${name} (hf:${text} reads the repository's own files).` };
  }
  const bundled = listProfiles('models');
  const near = name === null ? nearest(repo, bundled) : [name];
  const stored = format === undefined ? '' : ` --quantization ${format.slice(1).toLowerCase()}`;
  const what = name === null ? 'a bundled model of a similar name is' : 'the bundled model is';
  const offer = near.length === 0 ? '' : `, ${what} -m ${near[0]}${stored}`;
  throw new UserError(`${text}: there is no such file; the repository of the Hugging Face hub is -m hf:${text}${offer}`);
}

/** The bundled model of a repository; null: none has its name. */
function bundledAs(owner: string, repo: string): string | null {
  const bundled = new Set(listProfiles('models'));
  const lower = repo.toLowerCase();
  const prefix = `${owner.toLowerCase()}-`;
  for (let name = lower.startsWith(prefix) ? lower.slice(prefix.length) : lower; ; ) {
    if (bundled.has(name)) return name;
    const shorter = name.replace(SUFFIX, '');
    if (shorter === name) return null;
    name = shorter;
  }
}
