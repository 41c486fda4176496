// Messages whose answers a lost connection cut off. What was not answered at all is sent again by the connection; of a message of several
// commands that was answered in part, the rest is given up, and whoever sent it has to send it anew.
import type { ChainableCommander } from 'ioredis';

/** True for an error of a connection that was lost in the middle of its answers. */
function isCutOff(error: unknown): boolean {
  return error instanceof Error && error.name === 'AbortError';
}

/** Repeats work until it is not cut off. @param work may be done twice: the second time changes nothing */
export async function untilAnswered<T>(work: () => Promise<T>): Promise<T> {
  for (;;) {
    try {
      return await work();
    } catch (error) {
      if (!isCutOff(error)) throw error;
    }
  }
}

/** Answers to all commands of a message. @param message makes it: commands that may be given twice */
export function answersTo(message: () => ChainableCommander): Promise<readonly (readonly [Error | null, unknown])[]> {
  return untilAnswered(async () => {
    const answers = (await message().exec()) ?? [];
    const cut = answers.find(([error]) => isCutOff(error));
    if (cut !== undefined) throw cut[0];
    return answers;
  });
}
