import type { Redis } from 'ioredis';
import { afterThis } from '../../base/host/clock.js';

/** A repeatable command: the server may vanish before the answer. */
export type ServerCommand = readonly [name: string, ...given: (string | number | Uint8Array)[]];

type Answers = readonly (readonly [Error | null, unknown])[];

const isCutOff = (error: unknown): boolean => error instanceof Error && error.name === 'AbortError';

/** Until fully answered. @param work idempotent */
export async function untilAnswered<T>(work: () => Promise<T>): Promise<T> {
  for (;;) {
    try {
      return await work();
    } catch (error) {
      if (!isCutOff(error)) throw error;
    }
  }
}

/** Sends one message. @returns an answer or refusal per command */
export const answersTo = (redis: Redis, commands: readonly ServerCommand[]): Promise<Answers> =>
  untilAnswered(async () => {
    const answers = (await redis.pipeline(commands.map((command) => [...command])).exec()) ?? [];
    const cut = answers.find(([error]) => isCutOff(error));
    if (cut !== undefined) throw cut[0];
    return answers;
  });

/** @throws Error the first refusal */
export const valuesOf = (answers: Answers): unknown[] =>
  answers.map(([error, value]) => {
    if (error !== null) throw error;
    return value;
  });

interface Message {
  readonly commands: ServerCommand[];
  readonly answers: Promise<Answers>;
}

/** Gathers the commands of an event loop turn into a message. */
export class Together {
  readonly #redis: Redis;
  #message: Message | null = null;

  constructor(redis: Redis) {
    this.#redis = redis;
  }

  /** @returns answers in order @throws Error the first refusal */
  async ask(...commands: readonly ServerCommand[]): Promise<unknown[]> {
    const message = (this.#message ??= this.#begin());
    const from = message.commands.length;
    message.commands.push(...commands);
    return valuesOf((await message.answers).slice(from, from + commands.length));
  }

  #begin(): Message {
    const commands: ServerCommand[] = [];
    const answers = new Promise<void>((resolve) => afterThis(resolve)).then(async () => {
      this.#message = null;
      const answered = await answersTo(this.#redis, commands);
      this.#gatherNext();
      return answered;
    });
    return { commands, answers };
  }

  /** Resumes waiters in one turn, so that their next commands share a message. */
  #gatherNext(): void {
    const { stream } = this.#redis;
    if (stream === undefined) return;
    stream.cork();
    afterThis(() => stream.uncork());
  }
}
