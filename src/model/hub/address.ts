// `hf:owner/repo[@revision][:format]`: a model on the Hugging Face hub, as in llama.cpp's `-hf`, with a prefix.
import { UserError } from '../../base/errors.js';

/** A repository and a choice of files. */
export interface HubAddress {
  readonly text: string;
  readonly owner: string;
  readonly repo: string;
  /** Branch, tag or commit. */
  readonly revision: string;
  /** Storage format in lower case, as in file names; null: the repository's only or usual format. */
  readonly format: string | null;
}

const PREFIX = 'hf:';
const ADDRESS = /^hf:([\w-][\w.-]{0,95})\/([\w-][\w.-]{0,95})(?:@([\w-][\w./-]{0,95}))?(?::([\w.-]{1,40}))?$/;

/** True for a text with the address prefix, well-formed or not. */
export const isHubAddress = (text: string): boolean => text.startsWith(PREFIX);

/** @throws UserError if malformed */
export function parseHubAddress(text: string): HubAddress {
  const match = ADDRESS.exec(text);
  if (match === null || match[3]?.includes('..') === true)
    throw new UserError(`${text}: expected hf:owner/repo, with :format for one of its files, e.g. hf:unsloth/gpt-oss-120b-GGUF:q4_k_m`);
  const [, owner, repo, revision = 'main', format] = match;
  return { text, owner: owner!, repo: repo!, revision, format: format?.toLowerCase() ?? null };
}
