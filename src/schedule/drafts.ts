// The interface of speculative decoding for schedulers and KV caches: the length of a request's draft. Types only.
import type { Request } from './request.js';

/** How many tokens a request would draft for its next pass: none while it reads its prompt. */
export interface Drafts {
  draftOf(request: Request): number;
}
