// The thread of the page that computes: it gets requests and files as messages, and answers each in turn.
import { putFile } from '../base/web/files.js';
import { Desk, type PlayRequest } from './desk.js';

/** A message of the page: a request, or a file for the requests behind it. */
type Message = { readonly id: number } & (PlayRequest | { readonly kind: 'file'; readonly path: string; readonly bytes: ArrayBuffer });

/** What a thread of a page has of its own. */
interface Scope {
  onmessage: (event: { readonly data: Message }) => void;
  postMessage(message: object): void;
}

/** Answers the messages of the page from now on. */
export function answerMessages(): void {
  const scope = globalThis as unknown as Scope;
  const desk = new Desk();
  let before: Promise<void> = Promise.resolve();
  scope.onmessage = ({ data }) => {
    before = before.then(async () => {
      if (data.kind === 'file') {
        putFile(data.path, new Uint8Array(data.bytes));
        scope.postMessage({ id: data.id });
      } else scope.postMessage({ ...(await desk.answer(data)), id: data.id });
    });
  };
}
