// Speculative decoding as schedulers and rooms for KV caches see it: how far ahead a request drafts. Types only.
import type { Request } from './request.js';

/** How many tokens a request would draft for its next pass: none while it reads its prompt. */
export interface Drafts {
  draftOf(request: Request): number;
}
