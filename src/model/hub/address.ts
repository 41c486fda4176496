// `hf:owner/repo[@revision][:format]`: a model on the Hugging Face hub, as llama.cpp's `-hf` writes it, with a prefix.
import { UserError } from '../../base/errors.js';

/** A repository and a choice of its files. */
export interface HubAddress {
  readonly text: string;
  readonly owner: string;
  readonly repo: string;
  /** Branch, tag or commit. */
  readonly revision: string;
  /** Storage format in lower case, as file names have it; null: the repository's own, or the most usual one. */
  readonly format: string | null;
}

const PREFIX = 'hf:';
const ADDRESS = /^hf:([\w-][\w.-]{0,95})\/([\w-][\w.-]{0,95})(?:@([\w-][\w./-]{0,95}))?(?::([\w.-]{1,40}))?$/;

/** True for a text that is meant as an address, well-formed or not. */
export const isHubAddress = (text: string): boolean => text.startsWith(PREFIX);

/** @throws UserError if it is not written as an address */
export function parseHubAddress(text: string): HubAddress {
  const match = ADDRESS.exec(text);
  if (match === null || match[3]?.includes('..') === true)
    throw new UserError(`${text}: expected hf:owner/repo, with :format for one of its files, e.g. hf:unsloth/gpt-oss-120b-GGUF:q4_k_m`);
  const [, owner, repo, revision = 'main', format] = match;
  return { text, owner: owner!, repo: repo!, revision, format: format?.toLowerCase() ?? null };
}
