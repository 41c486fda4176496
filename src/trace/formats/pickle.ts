// Pickle reader without execution: accepts torch.save's opcodes of plain containers and tensors, and three names.
import { UserError } from '../../base/errors.js';
import { latin1Of, textOf, viewOf } from '../../base/host/bytes.js';
import { LIMITS, Meter } from '../../base/meter.js';
import { nestsTooDeep } from '../../base/nesting.js';
import { isCount } from '../../base/objects.js';

/** Pickled tensor: a view of a storage outside the pickle. */
export class PickledTensor {
  readonly storage: PickledStorage;
  readonly offset: number;
  readonly size: readonly number[];
  readonly stride: readonly number[];

  constructor(storage: PickledStorage, offset: number, size: readonly number[], stride: readonly number[]) {
    this.storage = storage;
    this.offset = offset;
    this.size = size;
    this.stride = stride;
  }
}

class PickledStorage {
  /** torch class, e.g. `IntStorage`. */
  readonly type: string;
  readonly key: string;

  constructor(type: string, key: string) {
    this.type = type;
    this.key = key;
  }
}

/** Pickled value; dicts keep keys unchanged. */
export type Pickled =
  | null
  | boolean
  | number
  | string
  | readonly Pickled[]
  | ReadonlyMap<Pickled, Pickled>
  | PickledTensor
  | PickledStorage
  | Global;

class Global {
  readonly name: string;

  constructor(name: string) {
    this.name = name;
  }
}

/** Maximum values on the stack and in the memo. */
const MOST_VALUES = 2_000_000;
/** Maximum axes of a tensor. */
const MOST_AXES = 16;

const MARK = Symbol('mark');
type Slot = Pickled | typeof MARK;

const REBUILD = 'torch._utils._rebuild_tensor_v2';
const ORDERED = 'collections.OrderedDict';
const STORAGE = /^torch\.((Byte|Char|Short|Int|Long|Half|Float|Double|BFloat16|Bool)Storage)$/;

/** @param place for messages @throws UserError if unsupported, cut, too large or too deep */
export const readPickle = (bytes: Uint8Array, place: string): Pickled => new Unpickler(bytes, place).read();

class Unpickler {
  static readonly #OPCODES = new Map<number, (it: Unpickler) => void>([
    [0x80, (it) => it.#byte()], // PROTO
    [0x95, (it) => it.#over(8)], // FRAME
    [0x28, (it) => it.#stack.push(MARK)], // MARK
    [0x30, (it) => it.#pop()], // POP
    [0x7d, (it) => it.#build(new Map())], // EMPTY_DICT
    [0x5d, (it) => it.#build([])], // EMPTY_LIST
    [0x29, (it) => it.#build([])], // EMPTY_TUPLE
    [0x74, (it) => it.#build(it.#popToMark())], // TUPLE
    [0x6c, (it) => it.#build(it.#popToMark())], // LIST
    [0x85, (it) => it.#build(it.#popMany(1))], // TUPLE1
    [0x86, (it) => it.#build(it.#popMany(2))], // TUPLE2
    [0x87, (it) => it.#build(it.#popMany(3))], // TUPLE3
    [0x61, (it) => it.#extend([it.#pop()])], // APPEND
    [0x65, (it) => it.#extend(it.#popToMark())], // APPENDS
    [0x73, (it) => it.#set(it.#popMany(2))], // SETITEM
    [0x75, (it) => it.#set(it.#popToMark())], // SETITEMS
    [0x4e, (it) => it.#stack.push(null)], // NONE
    [0x88, (it) => it.#stack.push(true)], // NEWTRUE
    [0x89, (it) => it.#stack.push(false)], // NEWFALSE
    [0x4a, (it) => it.#stack.push(it.#view.getInt32(it.#over(4), true))], // BININT
    [0x4b, (it) => it.#stack.push(it.#byte())], // BININT1
    [0x4d, (it) => it.#stack.push(it.#view.getUint16(it.#over(2), true))], // BININT2
    [0x8a, (it) => it.#stack.push(it.#long())], // LONG1
    [0x47, (it) => it.#stack.push(it.#view.getFloat64(it.#over(8)))], // BINFLOAT
    [0x58, (it) => it.#stack.push(it.#text(it.#word()))], // BINUNICODE
    [0x8c, (it) => it.#stack.push(it.#text(it.#byte()))], // SHORT_BINUNICODE
    [0x71, (it) => it.#memo.set(it.#byte(), it.#top())], // BINPUT
    [0x72, (it) => it.#memo.set(it.#word(), it.#top())], // LONG_BINPUT
    [0x94, (it) => it.#memo.set(it.#memo.size, it.#top())], // MEMOIZE
    [0x68, (it) => it.#recall(it.#byte())], // BINGET
    [0x6a, (it) => it.#recall(it.#word())], // LONG_BINGET
    [0x63, (it) => it.#global(`${it.#line()}.${it.#line()}`)], // GLOBAL
    [0x93, (it) => it.#stackGlobal(it.#popMany(2))], // STACK_GLOBAL
    [0x51, (it) => it.#build(it.#storage(it.#pop()))], // BINPERSID
    [0x52, (it) => it.#reduce()], // REDUCE
  ]);

  readonly #bytes: Uint8Array;
  readonly #view: DataView;
  readonly #place: string;
  #at = 0;
  readonly #stack: Slot[] = [];
  readonly #memo = new Map<number, Pickled>();
  readonly #built: Meter;

  constructor(bytes: Uint8Array, place: string) {
    this.#bytes = bytes;
    this.#view = viewOf(bytes);
    this.#place = place;
    this.#built = new Meter(place, LIMITS.built);
  }

  read(): Pickled {
    for (;;) {
      const code = this.#byte();
      if (code === 0x2e) break;
      const run = Unpickler.#OPCODES.get(code);
      if (run === undefined) this.#fail(`opcode 0x${code.toString(16)} at byte ${this.#at - 1} is no plain data`);
      run(this);
      if (this.#stack.length > MOST_VALUES || this.#memo.size > MOST_VALUES)
        this.#fail(`it holds more than ${MOST_VALUES} values at once; no recording does`);
    }
    const value = this.#pop();
    if (nestsTooDeep(value)) this.#fail('its lists and dicts nest deeper than those of any recording');
    return value;
  }

  #build(value: Pickled): void {
    this.#built.spent(1);
    this.#stack.push(value);
  }

  #reduce(): void {
    const [callee, args] = this.#popMany(2);
    if (!(callee instanceof Global) || !Array.isArray(args)) this.#fail('a call of something that is no known name');
    if (callee.name === ORDERED && args.length === 0) {
      this.#build(new Map());
      return;
    }
    const [storage, offset, size, stride] = args as readonly Pickled[];
    if (
      callee.name !== REBUILD ||
      !(storage instanceof PickledStorage) ||
      !isCount(offset) ||
      !isShape(size) ||
      !isShape(stride) ||
      size.length !== stride.length
    )
      this.#fail(`a call of ${callee.name} that builds no tensor`);
    this.#build(new PickledTensor(storage, offset, size, stride));
  }

  #storage(id: Pickled): PickledStorage {
    const [tag, type, key, , elements] = Array.isArray(id) ? (id as readonly Pickled[]) : [];
    const known = type instanceof Global ? STORAGE.exec(type.name) : null;
    if (tag !== 'storage' || known === null || typeof key !== 'string' || !isCount(elements))
      this.#fail('a reference that is no tensor storage');
    return new PickledStorage(known[1]!, key);
  }

  #stackGlobal([module, name]: readonly Pickled[]): void {
    if (typeof module !== 'string' || typeof name !== 'string') this.#fail('it names something by what is no text');
    this.#global(`${module}.${name}`);
  }

  #global(name: string): void {
    if (name !== REBUILD && name !== ORDERED && !STORAGE.test(name))
      this.#fail(`it refers to ${name.slice(0, 80)}; only plain data and tensors are read, nothing is ever executed`);
    this.#build(new Global(name));
  }

  #extend(items: readonly Pickled[]): void {
    const list = this.#top();
    if (!Array.isArray(list)) this.#fail('items for something that is no list');
    for (const item of items) (list as Pickled[]).push(item);
  }

  #set(items: readonly Pickled[]): void {
    const dict = this.#top();
    if (!(dict instanceof Map) || items.length % 2 !== 0) this.#fail('items for something that is no dict');
    for (let i = 0; i < items.length; i += 2) (dict as Map<Pickled, Pickled>).set(items[i]!, items[i + 1]!);
  }

  #long(): number {
    const length = this.#byte();
    const from = this.#over(length);
    if (length > 8) this.#fail('a whole number of more than 64 bits');
    let value = 0n;
    for (let i = length - 1; i >= 0; i--) value = (value << 8n) | BigInt(this.#bytes[from + i]!);
    return Number(BigInt.asIntN(length * 8, value));
  }

  #recall(key: number): void {
    const value = this.#memo.get(key);
    if (value === undefined) this.#fail('a reference to something that was never stored');
    this.#stack.push(value);
  }

  #top(): Pickled {
    const top = this.#stack.at(-1);
    if (top === undefined || top === MARK) this.#fail('an operation on nothing');
    return top;
  }

  #pop(): Pickled {
    const top = this.#top();
    this.#stack.pop();
    return top;
  }

  #popMany(count: number): Pickled[] {
    const items: Pickled[] = [];
    for (let i = 0; i < count; i++) items.unshift(this.#pop());
    return items;
  }

  #popToMark(): Pickled[] {
    const mark = this.#stack.lastIndexOf(MARK);
    if (mark < 0) this.#fail('the end of a group that never began');
    return this.#stack.splice(mark).slice(1) as Pickled[];
  }

  #byte(): number {
    return this.#bytes[this.#over(1)]!;
  }

  #word(): number {
    return this.#view.getUint32(this.#over(4), true);
  }

  #text(length: number): string {
    const from = this.#over(length);
    return textOf(this.#bytes, from, from + length);
  }

  #over(length: number): number {
    const from = this.#at;
    if (from + length > this.#bytes.length) this.#fail('it ends too early');
    this.#at += length;
    return from;
  }

  #line(): string {
    const end = this.#bytes.indexOf(10, this.#at);
    if (end < 0) this.#fail('it ends too early');
    const text = latin1Of(this.#bytes, this.#at, end);
    this.#at = end + 1;
    return text;
  }

  #fail(what: string): never {
    throw new UserError(`${this.#place}: this pickle is refused: ${what}`);
  }
}

const isShape = (value: unknown): value is readonly number[] => Array.isArray(value) && value.length <= MOST_AXES && value.every(isCount);
