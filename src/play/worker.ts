import { UserError } from '../base/errors.js';
import { putFile } from '../base/web/files.js';
import { breathing } from '../base/work-watch.js';
import { Desk, type PlayRequest } from './desk.js';

/** A request, a file for later requests, or the end of a request. */
type Message = { readonly id: number } & (
  | PlayRequest
  | { readonly kind: 'file'; readonly path: string; readonly bytes: ArrayBuffer }
  | { readonly kind: 'end' }
);

interface Scope {
  onmessage: (event: { readonly data: Message }) => void;
  postMessage(message: object): void;
}

/** Time between signs of work, ms. Ours. */
const SIGN = 500;

/** Answers the page's messages in turn, with regular signs of work. */
export function answerMessages(): void {
  const scope = globalThis as unknown as Scope;
  const turn = breathing();
  let running = 0;
  let ended = 0;
  let lastSign = 0;
  const breathe = async (): Promise<void> => {
    await turn();
    if (running === ended) throw new UserError('a newer question came');
    if (performance.now() - lastSign < SIGN) return;
    lastSign = performance.now();
    scope.postMessage({ working: running });
  };
  const desk = new Desk({ breathe });
  let before: Promise<void> = Promise.resolve();
  scope.onmessage = ({ data }) => {
    if (data.kind === 'end') {
      ended = data.id;
      return;
    }
    before = before.then(async () => {
      running = data.id;
      if (data.kind === 'file') putFile(data.path, new Uint8Array(data.bytes));
      scope.postMessage({ ...(data.kind === 'file' || running === ended ? {} : await desk.answer(data)), id: data.id });
    });
  };
}
