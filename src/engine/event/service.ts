import type { MissRule } from '../../system/door.js';
import type { EachMiss, Service } from './place-each.js';

/** A service with defaults: takes every member, and reads its weights. */
export abstract class MissService implements Service {
  readonly keeps: boolean = true;
  protected readonly placing: EachMiss;

  constructor(placing: EachMiss) {
    this.placing = placing;
  }

  takes(_layer: number, _i: number): boolean {
    return true;
  }

  reads(_i: number): boolean {
    return true;
  }

  abstract serve(layer: number, i: number): boolean;
}

/** A service around another one, which takes and reads as before. */
export abstract class Around implements Service {
  readonly keeps: boolean;
  protected readonly inner: Service;
  protected readonly placing: EachMiss;

  constructor(inner: Service, placing: EachMiss) {
    this.keeps = inner.keeps;
    this.inner = inner;
    this.placing = placing;
  }

  takes(layer: number, i: number): boolean {
    return this.inner.takes(layer, i);
  }

  reads(i: number): boolean {
    return this.inner.reads(i);
  }

  abstract serve(layer: number, i: number): boolean;
}

/** L13 `load`: over the link, into a slot if the policy admits the expert. */
class Load extends MissService {
  readonly #always: boolean;

  constructor(placing: EachMiss, { admit }: MissRule) {
    super(placing);
    this.#always = admit === 'always';
  }

  serve(layer: number, i: number): boolean {
    this.placing.bring(layer, i, true, this.#always);
    return false;
  }
}

/** L13 `static`: over the link, never into a slot. */
class Stream extends MissService {
  override readonly keeps = false;

  serve(layer: number, i: number): boolean {
    this.placing.bring(layer, i, false, false);
    return false;
  }
}

/** Service of the plain rules; null: a mechanism's rule. */
export function plainService(placing: EachMiss, rule: MissRule): Service | null {
  if (rule.do === 'load') return new Load(placing, rule);
  return rule.do === 'static' ? new Stream(placing) : null;
}
