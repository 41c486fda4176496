import { orUserError, placed, UserError } from '../../base/errors.js';
import { existsSync } from '../../base/host/files.js';
import { resolve } from '../../base/host/paths.js';
import { cwd } from '../../base/host/process.js';
import { listProfiles } from '../../base/profiles.js';
import { findQuantization } from '../quantization/index.js';
import type { HubAddress } from './address.js';
import { knownNames, type Resemblance, relativeOf, stems } from './relatives.js';
import { nearOf, sizeSentence } from './size.js';
import { filesNamed, type Stored } from './stored.js';

/** What a name stands for. */
export interface MeantModel {
  readonly name: string;
  /** One sentence; null: the name is taken literally. */
  readonly note: string | null;
  /** Absent: no format in the name. */
  readonly stored?: Stored;
  /** `owner/repo`; absent: a name alone. */
  readonly repository?: string;
  /** A sentence; absent: the shape is known. */
  readonly assumed?: string;
}

const REPOSITORY = /^(?:([\w-][\w.-]{0,95})\/)?([\w-][\w.-]{0,95}?)(:[\w.-]{1,40})?$/;
/** Browser address of a hub page or repository file; `hf.co/owner/repo` as in Ollama. */
const PAGE = /^(?:https?:\/\/)?(?:huggingface\.co|hf\.co)\/([^/?#]+\/[^/?#]+)/;
const FILE = /\.(ya?ml|json|gguf|safetensors)$/i;

/** GGUF file: alone, in a folder of its format, or in `owner/repo`. Groups: repository, model, format. */
const GGUF =
  /^(?:(?:(?:UD-)?I?Q\d\w*|([\w-][\w.-]*\/[\w-][\w.-]*)(?:\/[\w-]+)?)\/)?([\w-][\w.-]{0,120}?)(?:[-_.]((?:UD-)?(?:I?Q|TQ)\d\w*|MXFP4(?:_MOE)?|BF16|F16))?(?:-\d{5}-of-\d{5})?\.gguf$/i;

/** Resolves a model name: a file, or a repository's bundled model (`openai/gpt-oss-120b`). @throws UserError */
export function meantModel(text: string, relativeTo: string = cwd()): MeantModel {
  const page = PAGE.exec(text);
  if (page !== null) return meantModel(page[1]!, relativeTo);
  const itself = { name: text, note: null };
  if (text.length > 300 || listProfiles('models').includes(text)) return itself;
  // A folder named like the owner means a missing file, not a repository.
  if ([text, text.split('/')[0]!].some((path) => path !== '' && existsSync(resolve(relativeTo, path)))) return itself;
  const file = GGUF.exec(text);
  if (file !== null) return meantFile(text, file) ?? itself;
  const [, owner, repo, tag] = REPOSITORY.exec(text) ?? [];
  if (repo === undefined || FILE.test(text)) return itself;
  const found = resemblanceOf(repo);
  const format = tag?.slice(1).toLowerCase();
  const stored =
    format === undefined ? filesNamed(owner?.toLowerCase() ?? '', repo.toLowerCase()) : ({ container: 'gguf', format } as const);
  const repository = owner === undefined ? {} : { repository: `${owner}/${repo}` };
  if (found !== null && (format === undefined || owner !== undefined)) return meantBy(text, found, stored, repository);
  const size = found === null ? sizeSentence(repo.toLowerCase()) : null;
  if (size !== null) throw new UserError(`${text}: ${size}; ${remedy(owner === undefined ? null : text)}`);
  if (owner === undefined) return itself;
  const near = nearOf(repo.toLowerCase());
  const offer = near === null ? '' : `, a bundled model of a similar name is ${near}`;
  throw new UserError(`${text}: there is no such file; the repository of the Hugging Face hub is hf:${text}${offer}`);
}

/** The bundled model of an unfetched address; null: none. */
export function meantAddress({ format, owner, repo, text }: HubAddress): MeantModel | null {
  const meant = orUserError(() => meantModel(`${owner}/${repo}${format === null ? '' : `:${format}`}`, '/'));
  if (meant instanceof UserError || meant.note === null) return null;
  return { ...meant, note: `${text} was not fetched. ${meant.note}` };
}

/** Null: a path. @throws UserError for an unknown format */
function meantFile(text: string, [, repository, model, tag]: RegExpExecArray): MeantModel | null {
  const found = resemblanceOf(model!);
  const stored = { container: 'gguf', ...(tag === undefined ? {} : { format: tag.toLowerCase() }) } as const;
  return found === null ? null : meantBy(text, found, stored, repository === undefined ? 'file' : { repository });
}

/** @throws UserError for an unknown format */
function meantBy(
  text: string,
  { assumed, known }: Resemblance,
  stored: Stored | null,
  place: 'file' | Pick<MeantModel, 'repository'>,
): MeantModel {
  const { format } = stored ?? {};
  if (format !== undefined) placed(text, () => findQuantization(format));
  const taken = `the bundled ${known.model}${format === undefined ? '' : ` in ${format}`}`;
  const where = place === 'file' ? 'a path to the file reads it' : `hf:${text} reads the repository's own files`;
  const isName = place !== 'file' && place.repository === undefined;
  return {
    name: known.model,
    note: isName ? `${text} is taken for ${taken}.` : `${text} is no file here; taking ${taken} (${where}).`,
    ...(stored === null ? {} : { stored }),
    ...(assumed === null ? {} : { assumed: `Assumed: shape of ${assumed}.` }),
    ...(place === 'file' ? {} : place),
  };
}

const remedy = (repository: string | null): string =>
  `its layers and context need its config.json${repository === null ? '' : `, as hf:${repository} fetches it`}`;

/** Null: no model of this or an assumed shape. */
function resemblanceOf(repo: string): Resemblance | null {
  const tried = stems(repo.toLowerCase());
  for (const stem of tried) {
    const known = knownNames().get(stem);
    if (known !== undefined) return { known, assumed: null };
  }
  for (const stem of tried) {
    const found = relativeOf(stem);
    if (found !== null) return found;
  }
  return null;
}
